package channeltest

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// flaws are what a network can do wrong, and part of what the contract says about it.
var flaws = map[string]string{
	"the sample has an unknown key":      "colour",
	"the sample has a fault":             "textChunkLimit",
	"accounts share settings":            "share their settings",
	"a limit is missing":                 "RepeatWindow",
	"Validate writes":                    "Validate changed the settings",
	"Validate is unsteady":               "other faults the second time",
	"a route has no auth":                "does not say how it is authenticated",
	"a route admits everybody":           "not kept to the loopback address",
	"a route is reserved":                "cannot be owned",
	"a route is unsteady":                "other routes the second time",
	"a route cannot be screened":         "the screen says",
	"a route shows the secret":           "shows the secret",
	"a route is of nobody":               `of "poll:other"`,
	"a route does not switch off":        "is not disabled",
	"Routes writes":                      "Routes changed the settings",
	"nonsense panics":                    "panic",
	"meaning is unsteady":                "the second time it means something else",
	"Interpret writes":                   "Interpret changed the settings",
	"Interpret changes the body":         "Interpret changed the body",
	"an arrival has no id":               "without id or kind",
	"an arrival has no conversation":     "without conversation",
	"two arrivals have one claim":        "have the claim",
	"Connect dials":                      "contacted before Run",
	"Connect starts something":           "something is left running",
	"a connection shows the secret":      "the connection shows the secret",
	"Run leaves something":               "something is left running",
	"Run ignores its context":            "Run has not returned",
	"acknowledges at once":               "before we had it",
	"an item is taken for another":       "and its arrivals claim",
	"a run stays when it is gone":        "Run has not returned",
	"Take outlives the run":              "Run has not returned",
	"a clean end is an error":            "want nil",
	"a report shows the secret":          "a report shows the secret",
	"the log shows the secret":           "the log shows the secret",
	"an error shows the secret":          "the error of Run shows the secret",
	"a refusal is only an error":         "want a *channels.Refusal",
	"a refusal does not say what to do":  "does not say what the operator should do",
	"a network that is away is left":     "want an error that may pass",
	"a network that is away refuses":     "want an error that may pass",
	"Send ignores its context":           "Send has not returned",
	"a reply goes out twice":             "has 2 messages",
	"a receipt has no id":                "want a receipt with an id",
	"an unreachable network is a riddle": "want an error with outcome not sent",
}

func TestTheContractFindsEveryFlaw(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	said := make(map[string]string, len(flaws))
	var mu sync.Mutex
	slots := make(chan struct{}, 8) // some wait for Patience, none works hard
	for name := range flaws {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			out := withFlaw(t.Context(), t, name)
			mu.Lock()
			defer mu.Unlock()
			said[name] = out
		})
	}
	wg.Wait()
	for name, want := range flaws {
		t.Run(name, func(t *testing.T) {
			if out := said[name]; !strings.Contains(out, want) || !strings.Contains(out, "FAIL") && !strings.Contains(out, "panic") {
				t.Errorf("the contract does not say %q:\n%s", want, out)
			}
		})
	}
}

// withFlaw runs the contract in a process of its own and returns what it says.
func withFlaw(ctx context.Context, t *testing.T, name string) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestTheContractAcceptsAGoodNetwork$", "-test.failfast")
	cmd.Env = append(os.Environ(), "CHANNELTEST_FLAW="+name)
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("%s: the contract holds", name)
	}
	return string(out)
}
