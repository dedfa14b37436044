package lanes

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/agents"
	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

// texts are those of a history.
func texts(history []backend.Entry) (out []string) {
	for _, e := range history {
		out = append(out, e.Text)
	}
	return out
}

// remembers fails the test unless the journal has exactly these texts of a conversation of the account home.
func (w *world) remembers(conversation string, want ...string) {
	w.t.Helper()
	if got := texts(w.store.entries(home, conversation)); !slices.Equal(got, want) {
		w.t.Errorf("the journal remembers %q, want %q", got, want)
	}
}

// talk has messages answered one after the other, each by a lane of its own.
func (w *world) talk(conversation string, said ...string) {
	w.t.Helper()
	for _, text := range said {
		w.message(conversation, text)
		w.settle()
	}
}

// limited has direct conversations remember so many entries.
func limited(n int) func(*Configure) {
	return common(func(c *channels.Common) { c.DMHistoryLimit = &n })
}

// marking has a message come so far that the mark of its turn is on its way to the journal.
func (w *world) marking(text string) {
	w.t.Helper()
	w.message("c", text)
	for !slices.ContainsFunc(w.lines[others.Journal], isMark) {
		if !w.steps(1) {
			w.t.Fatal("no turn is marked")
		}
	}
}

func isMark(e kit.Effect) bool {
	ask, _ := e.(kit.Ask)
	step, is := ask.Msg.(journal.Commit)
	return is && step.Sync
}

// historyless is a revision whose agents want no history.
func historyless(c *Configure) { c.Agents["default"] = Agent{} }

func TestHistoryIsWrittenEntryByEntry(t *testing.T) {
	play(t, []scenario{
		{"a turn writes what it adds and deletes what it pushes out, whatever else is remembered", func(t *testing.T, w *world) {
			w.configure(limited(20))
			long := strings.Repeat("x", 1<<10)
			for i := range 15 {
				w.talk("c", fmt.Sprint(long, i))
			}
			step := w.store.commits[len(w.store.commits)-1]
			var names []string
			size := 0
			for _, op := range step.Ops {
				if set, is := op.(journal.SetState); is {
					names = append(names, fmt.Sprintf("%s %v", set.Name, set.Value != nil))
					size += len(set.Value)
				}
			}
			want := []string{
				"history/0000000000000008 false", "history/0000000000000009 false",
				"history/000000000000001c true", "history/000000000000001d true", "lane true",
			}
			if !slices.Equal(names, want) || size > 3<<10 {
				t.Errorf("%d bytes in %q, want %q", size, names, want)
			}
		}},
		{"what a limit in bytes pushes out goes, and what alone is beyond it is not kept", func(t *testing.T, w *world) {
			w.agent = func(backend.Turn) *agents.Turned { return &agents.Turned{} }
			third := strings.Repeat("x", maxHistory/3)
			w.talk("c", third, third, "small", third, "last")
			w.remembers("c", third, "small", third, "last")
			w.talk("c", strings.Repeat("x", maxHistory+1))
			w.remembers("c")
			w.talk("c", "again")
			w.remembers("c", "again")
		}},
		{"a limit that a reload lowers holds from the next turn on, one that it raises lets more in", func(t *testing.T, w *world) {
			w.talk("c", "1", "2", "3")
			w.configure(limited(3))
			w.talk("c", "4")
			if got := texts(w.lastTurn().History); !slices.Equal(got, []string{"re: 2", "3", "re: 3"}) {
				t.Errorf("told %q", got)
			}
			w.remembers("c", "re: 3", "4", "re: 4")
			w.configure(limited(5))
			w.talk("c", "5", "6")
			w.remembers("c", "re: 4", "5", "re: 5", "6", "re: 6")
			w.configure(limited(0))
			w.talk("c", "7")
			if len(w.lastTurn().History) != 0 {
				t.Errorf("told %+v", w.lastTurn().History)
			}
			w.remembers("c")
			if len(w.store.state) != 0 {
				t.Errorf("of nothing there is %q", w.store.state)
			}
		}},
		{"/new deletes what nobody has read", func(t *testing.T, w *world) {
			w.talk("c", "1", "2")
			w.talk("other", "3")
			w.store.recalls = 0
			w.talk("c", "/new")
			w.remembers("c")
			w.remembers("other", "3", "re: 3")
			if w.store.recalls != 0 {
				t.Errorf("%d reads of histories", w.store.recalls)
			}
			w.talk("c", "4", "5")
			w.remembers("c", "4", "re: 4", "5", "re: 5")
		}},
	})
}

func TestHistoryIsReadOnlyForATurnThatWantsIt(t *testing.T) {
	play(t, []scenario{
		{"an agent that wants none causes no read, and the next agent still finds it", func(t *testing.T, w *world) {
			w.configure(historyless)
			w.talk("c", "1", "2")
			w.message("c", "3")
			w.message("c", "4")
			w.settle()
			if w.store.recalls != 0 || len(w.lastTurn().History) != 0 {
				t.Errorf("%d reads; told %+v", w.store.recalls, w.lastTurn().History)
			}
			w.slow()
			w.message("c", "forget me")
			w.message("c", "forget me, too")
			w.settle()
			w.finish("net:home/5", agentsSay("I do"))
			w.settle()
			if l, _ := w.state.lanes.Get(place{account: home, conversation: "c"}); l.stored.past.said != nil || l.stored.past.count() != 10 {
				t.Errorf("in memory there is %+v", l.stored.past)
			}
			w.finish("net:home/6", agentsSay("I do, too"))
			w.settle()
			w.configure(nil)
			w.agent = func(backend.Turn) *agents.Turned { said := agentsSay("good"); return &said }
			w.talk("c", "5")
			if got := texts(w.lastTurn().History); len(got) != 12 || got[0] != "1" || got[11] != "I do, too" {
				t.Errorf("told %q", got)
			}
		}},
		{"a lane that learns of an agent that wants it reads it between two turns", func(t *testing.T, w *world) {
			w.configure(historyless)
			w.talk("c", "1")
			w.slow()
			w.message("c", "2")
			w.message("c", "3")
			w.settle()
			w.configure(nil)
			w.finish("net:home/2", agentsSay("two"))
			w.settle()
			if got := texts(w.lastTurn().History); !slices.Equal(got, []string{"1", "re: 1", "2", "two"}) {
				t.Errorf("told %q", got)
			}
		}},
		{"what the agent of now wants holds, also when a reload comes while the turn is marked", func(t *testing.T, w *world) {
			w.talk("c", "1")
			w.marking("2")
			w.configure(historyless)
			w.settle()
			if got := w.lastTurn().History; len(w.turns) != 2 || got != nil {
				t.Errorf("%d turns, told %+v", len(w.turns), got)
			}
			w.marking("3")
			w.configure(nil)
			w.settle()
			if got := w.lastTurn().History; len(w.turns) != 3 || len(got) != 4 {
				t.Errorf("%d turns, told %+v", len(w.turns), got)
			}
		}},
		{"what is no turn needs none", func(t *testing.T, w *world) {
			w.talk("c", "1")
			w.decide = func(a channels.Arrival) access.Decision {
				return access.Decision{Outcome: a.Text, Allow: a.Kind == channels.Reaction || strings.HasPrefix(a.Text, "/")}
			}
			w.talk("c", access.Denied, access.Unmentioned, "/status")
			w.message("c", "👍", kind(channels.Reaction, "m1"))
			w.settle()
			if w.store.recalls != 0 {
				t.Errorf("%d reads", w.store.recalls)
			}
		}},
		{"a lane reads it once while it lives", func(t *testing.T, w *world) {
			w.configure(limited(7))
			w.talk("c", "1")
			for range 5 {
				w.message("c", "and?")
			}
			w.settle()
			if got := len(w.lastTurn().History); w.store.recalls != 1 || got != 7 {
				t.Errorf("%d reads, %d entries", w.store.recalls, got)
			}
		}},
		{"a pause forgets it, and it is read again", func(t *testing.T, w *world) {
			w.talk("c", "1")
			w.down()
			w.message("c", "2")
			w.after(2 * time.Second)
			if got := len(w.lastTurn().History); w.store.recalls != 2 || got != 2 {
				t.Errorf("%d reads, %d entries", w.store.recalls, got)
			}
			for it := w.state.lanes.Iterator(); !it.Done(); {
				if _, l, _ := it.Next(); l.stored.past.said != nil {
					t.Errorf("a lane that pauses holds %+v", l.stored.past)
				}
			}
		}},
		{"a history that cannot be read is not taken for none", func(t *testing.T, w *world) {
			w.talk("c", "1")
			w.message("c", "2")
			w.until(others.Access)
			w.store.unread = errors.New("disk")
			w.after(10 * time.Second)
			if len(w.turns) != 1 {
				t.Fatal("the turn began without its history")
			}
			w.store.unread = nil
			w.after(time.Minute)
			if got := w.lastTurn().History; len(got) != 2 {
				t.Errorf("told %+v", got)
			}
		}},
		{"a /stop while it is read ends the turn before it begins", func(t *testing.T, w *world) {
			w.talk("c", "1")
			w.message("c", "2")
			w.until(others.Access)
			w.handle(others.Access)
			w.deliver(0)
			question := w.lines[others.Journal]
			w.lines[others.Journal] = nil
			w.message("c", "/stop")
			w.settle()
			w.wantEnds(map[uint64]string{2: "done stopped", 3: "done command"})
			w.lines[others.Journal] = question
			w.settle()
			if len(question) != 1 || len(w.turns) != 1 {
				t.Errorf("%d questions, %d turns", len(question), len(w.turns))
			}
		}},
	})
}

// A crash may come between any two things that anybody does. Afterwards the history has every message once, in order, whether
// its turn was repeated or not.
func TestLaw6_AHistorySurvivesACrashAtAnyMoment(t *testing.T) {
	for _, older := range []bool{false, true} {
		for moment := 0; ; moment++ {
			w := newWorld(t).begin(limited(5))
			want := []string{"re: 1", "2", "re: 2", "3", "re: 3"}
			if older {
				w.older(home, "c")
			}
			for _, text := range []string{"1", "2", "3"} {
				w.message("c", text)
			}
			busy := w.steps(moment)
			w.restart(limited(5))
			w.settle()
			w.remembers("c", want...)
			w.talk("c", "4")
			if got := texts(w.lastTurn().History); !slices.Equal(got, want) {
				t.Errorf("a crash after %d steps: told %q", moment, got)
			}
			if t.Failed() || !busy {
				break
			}
		}
	}
}

// steps has so many things done, one at a time, and tells whether there was as much to do.
func (w *world) steps(n int) bool {
	w.t.Helper()
	for range n {
		busy := false
		for _, to := range []kit.Addr{others.Journal, others.Access, others.Agents, boss} {
			if busy = w.handle(to); busy {
				break
			}
		}
		if !busy && len(w.answers) == 0 {
			return false
		}
		if !busy {
			w.deliver(0)
		}
	}
	return true
}

func TestTheStateOfAConversationIsReadBackAsItWasWritten(t *testing.T) {
	want := stored{context: []string{"Bob: hi"}, turn: &turnMark{ID: "1", Attempt: 2}, notices: notices{Late: true}}
	want.past = past{next: 7}.with(50, backend.Entry{Role: "user", Text: strings.Repeat("x", 300), At: start}, backend.Entry{Role: "assistant", Text: "re", At: start})
	values := map[string][]byte{}
	for _, op := range (stored{}).changes(want, "c") {
		set := op.(journal.SetState)
		if values[set.Name] = set.Value; set.Conversation != "c" {
			t.Errorf("%s is written to %q", set.Name, set.Conversation)
		}
	}
	got := newStored(values)
	if got.past.known() || got.past.first() != 7 || got.past.count() != 2 {
		t.Errorf("got %+v", got.past)
	}
	got.past = got.past.recalled(values)
	if diff := kittest.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if ops := want.changes(want, "c"); len(ops) != 0 {
		t.Errorf("what had not changed is written: %v", ops)
	}
	next := want
	next.past = next.past.with(2, want.past.said...)
	if ops := want.changes(next, "c"); len(ops) != 5 || ops[4].(journal.SetState).Name != stateName {
		t.Errorf("entries of the same size are written by %v", ops)
	}
	values[entryName(7)] = []byte("{[")
	if told := got.past.recalled(values).told(50); len(told) != 1 || told[0].Text != "re" {
		t.Errorf("of an entry that cannot be read is told %+v", told)
	}
}

func TestASmallStateThatCannotBeReadIsNone(t *testing.T) {
	for name, value := range map[string]string{
		"no JSON":                           "{[",
		"a size without an end":             `{"next":5,"sizes":"gA=="}`,
		"a size that is too large":          `{"next":5,"sizes":"/////////////wI="}`,
		"more entries than there ever were": `{"next":1,"sizes":"AQE="}`,
	} {
		t.Run(name, func(t *testing.T) {
			if diff := kittest.Diff(stored{}, newStored(map[string][]byte{stateName: []byte(value)})); diff != "" {
				t.Error(diff)
			}
		})
	}
}
