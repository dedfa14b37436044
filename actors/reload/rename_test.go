package reload

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/actors/access"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/lanes"
	"holdfast/actors/outbox"
	"holdfast/actors/registry"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

// told is what those who work for accounts were asked, in order, each with the accounts that it names.
func told(p *play) []string {
	var out []string
	for _, m := range p.asked {
		var (
			name string
			ids  []string
		)
		switch m := m.(type) {
		case registry.Publish:
			name = "publish"
		case access.Configure:
			name, ids = "access", sortedNames(m.Accounts)
		case outbox.Configure:
			name, ids = "outbox", sortedNames(m.Accounts)
		case lanes.Configure:
			name, ids = "lanes", sortedNames(m.Accounts)
		case outbox.Settle:
			name = "settle"
		case supervisor.Hold:
			name = fmt.Sprint("hold ", m.Accounts)
		case supervisor.Apply:
			name = "apply"
			for _, a := range m.Accounts {
				ids = append(ids, a.ID.Name())
			}
		case journal.Rename:
			name = fmt.Sprintf("rename %s %s %d", m.From, m.To, m.Revision)
		case journal.Keep:
			name = "keep"
			for _, a := range m.Accounts {
				ids = append(ids, a.Name())
			}
		default:
			continue
		}
		out = append(out, strings.TrimSpace(name+" "+strings.Join(ids, " ")))
	}
	return out
}

func sortedNames[V any](m map[channels.Account]V) []string {
	var out []string
	for id := range m {
		out = append(out, id.Name())
	}
	slices.Sort(out)
	return out
}

const (
	beforeRename = `
channels:
  webhook:
    accounts:
      a: {path: /a, auth: {type: bearer, secret: one}}
      b: {path: /b, auth: {type: bearer, secret: two}}
agents: {default: {kind: echo}}
`
	afterRename = `
channels:
  webhook:
    accounts:
      a: {path: /a, auth: {type: bearer, secret: one}}
      c: {formerly: b, path: /b, auth: {type: bearer, secret: two}}
agents: {default: {kind: echo}}
`
)

func TestLaw3_BothNamesAreLetGoOfBeforeTheJournalRenamesAndTheNewOneIsTakenUpAfter(t *testing.T) {
	p := bootedWith(t, beforeRename)
	p.read(afterRename)
	p.give(Reload{Caller: "me"})
	want := []string{
		"publish",
		"access a", "outbox a", "lanes a", // nothing is begun
		"apply a", // what is under way ends
		"settle",  // and is written down
		"rename webhook:b webhook:c 2",
		"access a c", "outbox a c", "lanes a c",
		"keep a c", "apply a c",
	}
	if diff := cmp.Diff(want, told(p)); diff != "" {
		t.Errorf("the order (-want +got):\n%s", diff)
	}
	r := p.last()
	if r.Units["webhook:c"].Result != "applied" || r.Err != "" {
		t.Errorf("the report is %+v", r)
	}
	if _, said := r.Units["webhook:b"]; said {
		t.Errorf("the old name has a verdict of its own: %+v", r.Units)
	}
	p.asked = nil
	p.give(Reload{Caller: "me"})
	if got := told(p); len(got) != 0 {
		t.Errorf("the setting stays in the file, and the next reload does %v", got)
	}
}

func TestAVerdictOfTheFirstTimeIsNotForgottenTheSecondTime(t *testing.T) {
	p := bootedWith(t, beforeRename)
	p.read(strings.Replace(afterRename, "one", "other", 1))
	applies := 0
	p.answer = func(msg any) (any, error) {
		if m, applying := msg.(supervisor.Apply); applying {
			applies++
			out := map[channels.Account]Verdict{"webhook:b": {Result: removed}}
			for _, a := range m.Accounts {
				out[a.ID] = Verdict{Result: map[int]string{1: applied, 2: unchanged}[applies]}
			}
			return supervisor.Applied{Verdicts: out}, nil
		}
		return agree(msg)
	}
	p.give(Reload{Caller: "me"})
	if r := p.last(); r.Units["webhook:a"].Result != applied || applies != 2 {
		t.Errorf("after %d applies the report is %+v", applies, r)
	}
}

func TestLaw6_ARenameThatFailedLeavesTheItemsWhereTheyAre(t *testing.T) {
	for name, say := range map[string]func() (any, error){
		"the journal says so":         func() (any, error) { return journal.Committed{Err: errors.New("full")}, nil },
		"the journal does not answer": func() (any, error) { return nil, kit.ErrLate },
		"the journal answers nothing": func() (any, error) { return journal.Taken{}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			p := bootedWith(t, beforeRename)
			p.read(afterRename)
			p.answer = func(msg any) (any, error) {
				if _, renames := msg.(journal.Rename); renames {
					return say()
				}
				return agree(msg)
			}
			p.give(Reload{Caller: "me"})
			if got := told(p); !slices.Contains(got, "keep a c b") {
				t.Errorf("%v: want the old name's items kept", got)
			}
			if v := p.last().Units["webhook:c"]; v.Result != "failed" || !strings.Contains(v.Reason, "until the next start") {
				t.Errorf("the verdict is %+v", v)
			}
		})
	}
}

func TestARenameWhileTheGatewayWasDown(t *testing.T) {
	p := newPlay(t)
	p.read(afterRename)
	p.give(Boot{Candidate: p.next})
	want := []string{"publish", "rename webhook:b webhook:c 1", "access a c", "outbox a c", "lanes a c", "keep a c", "apply a c"}
	if diff := cmp.Diff(want, told(p)); diff != "" {
		t.Errorf("the order (-want +got):\n%s", diff)
	}
}

func TestAnAccountThatIsThereTakesOverWhatAnotherHad(t *testing.T) {
	p := bootedWith(t, beforeRename)
	p.read(strings.Replace(strings.Replace(beforeRename, "      b: {path: /b, auth: {type: bearer, secret: two}}\n", "", 1), "a: {", "a: {formerly: b, ", 1))
	p.give(Reload{Caller: "me"})
	want := []string{
		"hold [webhook:a]", "publish", "access", "outbox", "lanes", "apply", "settle", "rename webhook:b webhook:a 2",
		"access a", "outbox a", "lanes a", "keep a", "apply a",
	}
	if diff := cmp.Diff(want, told(p)); diff != "" {
		t.Errorf("the order (-want +got):\n%s", diff)
	}
}

func TestARenameIsOverdueByItsOwnDeadlines(t *testing.T) {
	p := bootedWith(t, beforeRename)
	p.read(afterRename)
	p.answer = func(msg any) (any, error) {
		if _, applying := msg.(supervisor.Apply); applying {
			p.state, _ = Step(p.state, kit.In{Msg: overdue{p.state.count}, Now: now})
		}
		return agree(msg)
	}
	p.give(Reload{Caller: "me"})
	if r := p.last(); r.Err != "" || r.Units["webhook:c"].Result != "applied" {
		t.Errorf("the report is %+v", r)
	}
}
