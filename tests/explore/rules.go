package explore

import (
	"reflect"
	"strconv"
	"strings"
	"unsafe"

	"holdfast/actors/registry"
)

// rules are how the machines' values are read. What is not named here counts as it stands.
func rules() *canon {
	c := &canon{skip: map[string]bool{}, numbers: numbers(), types: written(), used: map[string]bool{}, made: map[reflect.Type]encoder{}, words: map[string]string{}, lets: map[*registry.Endpoint]string{}}
	for _, name := range skipped {
		c.skip[name] = true
	}
	return c
}

// skipped are texts for people, times, counters whose only use is to be exceeded, and what never changes.
var skipped = []string{
	"registry.State.holders", "registry.State.LastLease", "registry.State.Published", "registry.State.Freed",
	"router.State.Registry", "router.State.Journal", "router.State.Graces", "router.claimed.until",
	"methods.State.Registry",
	"reload.State.Places", "reload.State.Methods", "reload.State.Last", "reload.State.Counts",
	"reload.attempt.began",
	"reload.State.Judged", "reload.Candidate.listen", // what makes reading cheaper, and nothing else
	"reload.Plugin.Node", "reload.Unit.Reason", "reload.Candidate.Agents", "reload.Candidate.Mentions",
	"reload.Account.Node", "reload.Account.With", "reload.keeping.config", "reload.Account.Routes", "reload.Account.Webhook", "reload.Account.Masked",
	"supervisor.State.places", "supervisor.State.born", "supervisor.State.number",
	"supervisor.*.cause", "supervisor.account.since", "supervisor.account.turn", "supervisor.account.next",
	"supervisor.account.fails", "supervisor.account.restarts", "supervisor.account.lastIn", "supervisor.account.lastOut",
	"supervisor.account.name", "supervisor.intake.fails", "supervisor.memory.fails",
	"supervisor.Account.Webhook", "supervisor.Account.Masked",
	"supervisor.Verdict.Reason", "supervisor.Verdict.Run",
}

// numbers are those whose value means nothing by itself.
func numbers() map[string]number {
	turn := number{domain: "turn", scoped: true}
	of := func(domain string) number { return number{domain: domain} }
	run := number{domain: "run", scoped: true, ordered: true}
	revision, generation, table := number{domain: "revision", ordered: true}, number{domain: "generation", ordered: true}, number{domain: "table", ordered: true}
	return map[string]number{
		"reload.attempt.number": of("reload"), "reload.tag.attempt": of("reload"), "reload.overdue.attempt": of("reload"), "reload.again.attempt": of("reload"), "reload.State.count": of("reload"),
		"access.*.Revision": revision, "agents.*.Revision": revision, "lanes.*.Revision": revision, "outbox.*.Revision": revision,
		"explore.told.Revision": revision, "registry.*.Revision": revision, "reload.*.Revision": revision, "supervisor.*.Revision": revision,
		"registry.*.Generation": generation, "registry.State.Live": generation, "registry.staged.generation": generation,
		"registry.InstanceID.Number": generation, "reload.*.Generation": generation,
		"router.tables.number": table, "registry.State.Table": table, "registry.StageRoutes.Number": table, "registry.Amend.Number": table,
		"router.claimed.number": of("grace"), "router.graceOver.number": of("grace"),
		"supervisor.*.row":  of("row"),
		"supervisor.*.turn": turn, "supervisor.account.attempt": turn,
		"supervisor.account.coming": run, "supervisor.candidate.turn": turn,
		"supervisor.memory.loading": turn, "supervisor.memory.saving": turn, "supervisor.memory.due": turn,
		"supervisor.memory.next": run, "supervisor.memory.reserved": run, "supervisor.memory.need": run,
		"supervisor.saving.reserved": run, "supervisor.life.number": run, "run.*.Run": run,
		"explore.kept.run": run, "explore.life.number": run,
		"supervisor.intake.taking": turn, "supervisor.intake.borrowing": turn, "supervisor.intake.committing": turn,
		"supervisor.intake.pause": turn, "supervisor.intake.stuck": turn, "supervisor.job.attempt": turn,
		"supervisor.waiter.number": of("waiter"), "supervisor.waitOver.number": of("waiter"),
		"supervisor.draining.number": of("waiter"), "supervisor.drainWaitOver.number": of("waiter"),
	}
}

// written are the types with a form of their own.
func written() map[string]encoder {
	lease, ask := nameOf("lease"), nameOf("ask")
	return map[string]encoder{
		"kit.Return": func(w *writer, v reflect.Value) {
			w.named(v.Field(0).Field(0).String())
			w.number(ask^nameOf(v.Field(0).Field(0).String()), v.Field(1).Uint(), false)
		},
		"registry.LeaseID":  func(w *writer, v reflect.Value) { w.number(lease, v.Uint(), false) },
		"registry.Endpoint": func(w *writer, v reflect.Value) { endpoint(w, reveal[registry.Endpoint](v)) },
		"registry.Method":   func(w *writer, v reflect.Value) { w.fixed.text(v.FieldByName("Name").String()) },
		"channels.Kind": func(w *writer, v reflect.Value) {
			w.fixed.text(v.FieldByName("Name").String())
			w.fixed.word(uint64(v.FieldByName("Limits").FieldByName("Text").Int()))
		},
		"config.Config": func(w *writer, v reflect.Value) {
			w.fixed.text(v.FieldByName("Gateway").FieldByName("Listen").String())
		},
		"immutable.SortedMap": sorted,
		"explore.settings":    func(w *writer, v reflect.Value) { w.fixed.text(reveal[settings](v).word()) },
		"journal.SetState": func(w *writer, v reflect.Value) {
			w.fixed.text(v.FieldByName("Name").String())
			value := string(v.FieldByName("Value").Bytes())
			if n, err := strconv.ParseUint(value, 10, 64); err == nil && v.FieldByName("Name").String() == "run" {
				w.number(nameOf("run")^w.scope, n, true)
			} else {
				w.fixed.text(value)
			}
		},
		"time.Time": func(w *writer, v reflect.Value) {
			if v.Field(0).Uint() == 0 && v.Field(1).Int() == 0 {
				w.fixed.word(0)
			} else {
				w.fixed.word(1)
			}
		},
	}
}

// sorted writes a sorted map as it would a plain one. Which tree holds the entries says only in what order they came.
func sorted(w *writer, v reflect.Value) {
	iterator := reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).MethodByName("Iterator").Call(nil)[0]
	next := iterator.MethodByName("Next")
	var entries []form
	for one := next.Call(nil); one[2].Bool(); one = next.Call(nil) {
		entries = append(entries, w.entry(one[0], one[1]))
	}
	w.entries(entries)
}

// reveal reads a value that lies behind a pointer, whoever the field belongs to.
func reveal[T any](v reflect.Value) *T { return (*T)(unsafe.Pointer(v.UnsafeAddr())) }

// endpoint is written as what it lets in.
func endpoint(w *writer, e *registry.Endpoint) {
	w.fixed.text(e.Path)
	for _, a := range e.Accounts {
		w.fixed.text(string(a))
	}
	if !e.Held.IsZero() {
		w.fixed.word(1)
	}
	w.fixed.text(w.canon.admitted(e))
}

// named writes a text. The number of a run, or of an interpretation, that stands in it is a number of that account.
func (w *writer) named(s string) {
	if word, known := w.canon.words[s]; known {
		s = word
	}
	for _, word := range []string{"run.", "interpret."} {
		at := strings.Index(s, word)
		if at < 0 {
			continue
		}
		end := at + len(word)
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		if n, err := strconv.ParseUint(s[at+len(word):end], 10, 64); err == nil {
			w.fixed.text(s[:at])
			w.fixed.text(s[end:])
			scope := nameOf(accountName(strings.TrimRight(s[:at], "/ ")))
			if word == "run." {
				w.number(nameOf("run")^scope, n, true)
			} else {
				w.number(nameOf("turn")^scope, n, false)
			}
			return
		}
	}
	w.fixed.text(s)
}

// accountName is the last part of an account or an address: home.
func accountName(s string) string { return s[strings.LastIndexAny(s, "/:")+1:] }

// scoping finds the account to which the numbers of a struct belong: its field Account, or ref.id, also where that is
// embedded.
func scoping(t reflect.Type) []int {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "Account" && f.Type.Kind() == reflect.String {
			return []int{i}
		}
		if !f.Anonymous && f.Name != "ref" || f.Type.Kind() != reflect.Struct {
			continue
		}
		if f.Name == "ref" {
			return []int{i, 0}
		}
		if inner := scoping(f.Type); inner != nil {
			return append([]int{i}, inner...)
		}
	}
	return nil
}

// remembered bounds what is kept of endpoints.
const remembered = 1 << 14

// admitted is remembered: comparing secrets is slow on purpose.
func (c *canon) admitted(e *registry.Endpoint) string {
	c.mu.RLock()
	text, known := c.lets[e]
	c.mu.RUnlock()
	if known {
		return text
	}
	text = admitted(e)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lets) >= remembered {
		clear(c.lets)
	}
	c.lets[e] = text
	return text
}
