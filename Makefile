# Two commands are all a newcomer needs: make run, make test.

GO      ?= go
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
N       ?= 600

GENERATED := channels/all/all.go actors/agents/all/all.go

# The race detector needs a C compiler. RACE=on insists on it, RACE=off does without.
CCFOUND := $(shell command -v cc || command -v gcc || command -v clang)
ifeq ($(RACE),off)
RACEFLAG :=
else ifneq ($(CCFOUND),)
RACEFLAG := -race
export CGO_ENABLED = 1
else ifeq ($(RACE),on)
$(error RACE=on needs a C compiler, and none was found: install gcc or clang)
endif

.PHONY: run build test check demo soak fuzz generate bench bench-peer microbench profile explore mutants

run: build
	./bin/gateway run

build:
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/gateway ./cmd/gateway

test:
	@echo "race detector: $(if $(RACEFLAG),on,off (no C compiler found, or RACE=off))"
	@$(GO) build -o bin/report ./tests/report
	@$(GO) test $(RACEFLAG) -shuffle=on -json ./... | bin/report $(REPORT)

demo: build
	@$(GO) run ./tests/demo -gateway bin/gateway -n $(N)

# A gateway under load while its configuration changes: make soak DURATION=25s RATE=500
DURATION ?= 60s
RATE     ?= 500
soak: build
	@$(GO) build -o bin/soak ./tests/soak
	@bin/soak -gateway bin/gateway -duration $(DURATION) -rate $(RATE)

check:
	$(GO) vet ./...
	$(GO) run $(LINT) fmt --diff
	$(GO) run $(LINT) run
	$(GO) mod tidy -diff
	@was=$$(cat $(GENERATED) | cksum); $(GO) generate ./...; \
	  [ "$$was" = "$$(cat $(GENERATED) | cksum)" ] || { echo "generated files were stale: they are written anew, look at them"; exit 1; }

generate:
	$(GO) generate ./...

# Every state of the small worlds of the real machines, walks through larger ones, and every defect made by hand found.
# QUICK=1: the smallest worlds and a few of the defects.
explore:
	@$(GO) run ./tests/explore/search $(if $(QUICK),-quick)

# Every guard of every machine, dropped and always taken: what neither the tests of its package nor a search notices is
# listed. Takes hours; MATCH=actors/registry/ limits it, and ASK=tests asks no search, which takes minutes for a survivor.
mutants:
	@$(GO) run ./tests/explore/search -guards -ask "$(or $(ASK),both)" -quick -walks 0 -match "$(MATCH)"

# Each fuzz target for a while: make fuzz FUZZTIME=1m
FUZZTIME ?= 10s
fuzz:
	@for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
	  done; done

# What the gateway costs, against a bare server in the same run; the results go to tests/BENCH.md. QUICK=1: a short look, and
# nothing is written. Needs a machine that does nothing else.
bench: build bench-peer
	@CGO_ENABLED=0 $(GO) build -trimpath -o bin/bench ./tests/bench
	@bin/bench $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

# The load generator alone, for any URL: bin/peer --help
bench-peer:
	@mkdir -p bin
	@CGO_ENABLED=0 $(GO) build -trimpath -o bin/peer ./tests/bench/peer

# Profiles of the gateway's own code under load: go tool pprof -top bin/profile/cpu.pprof
profile: build bench-peer
	@CGO_ENABLED=0 $(GO) build -trimpath -o bin/bench ./tests/bench
	@bin/bench --profile bin/profile $(if $(QUICK),--quick)

# Times and allocations of single steps, beside the code that takes them: make microbench MATCH=Check
microbench:
	$(GO) test -run '^$$' -bench '$(or $(MATCH),.)' -benchmem ./...
