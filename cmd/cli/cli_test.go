package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	agentkinds "holdfast/actors/agents/all"
	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/actors/reload"
	plugins "holdfast/channels/all"
	"holdfast/cmd/life"
)

// window is a shell whose output can be read.
type window struct {
	*shell
	out, errs bytes.Buffer
}

func newWindow(g grammar) *window {
	w := &window{}
	w.shell = &shell{World: World{
		Kinds:  reload.Kinds{Plugins: plugins.Plugins(), Agents: agentkinds.All()},
		Stdout: &w.out, Stderr: &w.errs, Getenv: func(string) string { return "" },
	}, grammar: &g}
	return w
}

func TestHowACommandEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		code int
		says string
	}{
		{"well", nil, life.ExitOK, ""},
		{"with an error", errors.New("no"), life.ExitFailed, "gateway: no\n"},
		{"with an error that has a code", failure{life.ExitConfig, errors.New("no")}, life.ExitConfig, "gateway: no\n"},
		{"with one inside another", fmt.Errorf("step: %w", failure{life.ExitJournal, errors.New("no")}), life.ExitJournal, "gateway: no\n"},
		{"with a code alone, since all was said", failure{code: life.ExitHeld}, life.ExitHeld, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWindow(grammar{})
			if code := w.ended(c.err); code != c.code || w.errs.String() != c.says {
				t.Errorf("code %d, %q; want %d, %q", code, &w.errs, c.code, c.says)
			}
		})
	}
}

func TestATextOfAStrangerStaysInItsCell(t *testing.T) {
	for text, want := range map[string]string{
		"Anna":                        "Anna",
		"Änne 你好 🙂":                   "Änne 你好 🙂",
		"two\nlines\tand a tab":       "two lines and a tab",
		"\x1b[2Jgone":                 "�[2Jgone",
		"back\rward":                  "back�ward",
		"right\u202eleft":             "right�left",
		"not text: \xff":              "not text: �",
		"webhook:a  http://h/hook?p=": "webhook:a  http://h/hook?p=",
	} {
		if got := printable(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestATableHasColumns(t *testing.T) {
	w := newWindow(grammar{})
	w.table([][]string{{"A", "LONGER", "C"}, {"something", "x", "1"}, {"", "y\tz", "2"}})
	want := "A          LONGER  C\nsomething  x       1\n           y z     2\n"
	if got := w.out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := time.Now()
		time.Sleep(90*time.Second + 900*time.Millisecond)
		if got := ago(at); got != "1m30s ago" {
			t.Errorf("%q", got)
		}
		if got := ago(time.Time{}); got != "never" {
			t.Errorf("what never was is %q", got)
		}
	})
}

func TestUnitsThatFailedAreNamedInOrder(t *testing.T) {
	units := map[string]reload.Verdict{
		"webhook:b": {Result: "failed", Reason: "taken"}, "webhook:a": {Result: "failed", Reason: "bad"}, "webhook:c": {Result: "applied"},
	}
	if err := failed(units); err == nil || err.Error() != "webhook:a failed: bad; webhook:b failed: taken" {
		t.Errorf("the error is %v", err)
	}
	delete(units, "webhook:a")
	delete(units, "webhook:b")
	if err := failed(units); err != nil {
		t.Errorf("without a failure the error is %v", err)
	}
}

func TestWhereTheSocketLies(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, file string
		grammar    grammar
		environ    []string
		want       string // below dir; empty: it cannot be known
	}{
		{"where the file says", "gateway: {stateDir: data}", grammar{}, nil, "data"},
		{"beside the file by default", "", grammar{}, nil, "state"},
		{"where the environment says", "gateway: {stateDir: data}", grammar{}, []string{"HOLDFAST_GATEWAY__STATE_DIR=" + dir + "/env"}, "env"},
		{"where --state-dir says, whatever the file is", "gateway: [", grammar{Dir: dir + "/flag"}, nil, "flag"},
		{"a fault elsewhere does not matter", "gateway: {stateDir: data, listen: nonsense}\nchannels: {telegraph: {a: 1}}", grammar{}, nil, "data"},
		{"a folder that is no text", "gateway: {stateDir: [data]}", grammar{}, nil, ""},
		{"a reference that is not resolved", "gateway: {stateDir: \"${env:NOT_SET}\"}", grammar{}, nil, ""},
		{"a file that is no YAML", "gateway: [", grammar{}, nil, ""},
		{"a section that is no section", "gateway: 7", grammar{}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.grammar.Config = filepath.Join(dir, "holdfast.yaml")
			if err := os.WriteFile(c.grammar.Config, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			w := newWindow(c.grammar)
			w.Environ = c.environ
			got, err := w.stateDir()
			switch {
			case c.want == "":
				if code := w.ended(err); code != life.ExitConfig || !strings.Contains(w.errs.String(), c.grammar.Config+":1:") ||
					!strings.Contains(w.errs.String(), "--state-dir") {
					t.Errorf("code %d:\n%s\nwant 78, the place, and what to do", code, &w.errs)
				}
			case err != nil || got != filepath.Join(dir, c.want):
				t.Errorf("%s, %v; want %s\n%s", got, err, c.want, &w.errs)
			}
		})
	}
}

func TestThePayloadOfAnItem(t *testing.T) {
	item := func(kind journal.Kind, payload string) control.ShowResult {
		return control.ShowResult{Record: journal.Record{Kind: kind}, Payload: json.RawMessage(payload)}
	}
	for _, c := range []struct {
		name string
		of   control.ShowResult
		want string
	}{
		{"is indented", item(journal.Replies, `{"text":"hello"}`), "{\n  \"text\": \"hello\"\n}\n"},
		{"is kept no longer", item(journal.Replies, ""), "the payload is kept no longer\n"},
		{
			"of a request has the body below it, as it came", item(journal.Requests, `{"body":"eyJhIjoxfQobWzJK"}`),
			"{\n  \"body\": \"eyJhIjoxfQobWzJK\"\n}\nbody:\n{\"a\":1}\n�[2J\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWindow(grammar{})
			if err := w.payload(c.of); err != nil || w.out.String() != c.want {
				t.Errorf("got\n%s%v\nwant\n%s", &w.out, err, c.want)
			}
		})
	}
}

func TestBooksThatDoNotBalanceEndWith74(t *testing.T) {
	w := newWindow(grammar{})
	if code := w.ended(w.judge(control.VerifyResult{Balanced: true})); code != life.ExitOK || !strings.Contains(w.out.String(), "balanced") {
		t.Errorf("code %d\n%s", code, &w.out)
	}
	code := w.ended(w.judge(control.VerifyResult{Faults: []string{"webhook:a reply: 2 pending by the counters, 1 in the queue"}}))
	if code != life.ExitJournal || !strings.HasPrefix(w.errs.String(), "webhook:a reply: 2 pending") {
		t.Errorf("code %d\n%s", code, &w.errs)
	}
}

func TestTheLogIsWrittenFromTheLevelThatHolds(t *testing.T) {
	for _, format := range []string{"json", "console"} {
		t.Run(format, func(t *testing.T) {
			w := newWindow(grammar{})
			level := life.NewLevel("")
			log := w.logger(format, level)
			log.Debug().Msg("before")
			log.Info().Msg("as usual")
			level.Set("debug")
			log.Debug().Msg("after")
			if got := w.errs.String(); strings.Contains(got, "before") || !strings.Contains(got, "as usual") || !strings.Contains(got, "after") {
				t.Errorf("the log is %s", got)
			}
			if isJSON := strings.HasPrefix(w.errs.String(), "{"); isJSON != (format == "json") {
				t.Errorf("the log is %s", &w.errs)
			}
		})
	}
}
