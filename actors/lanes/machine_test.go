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
	"holdfast/actors/run"
	"holdfast/channels"
)

// scenario is one rule of the lanes, played in the world of world_test.go.
type scenario struct {
	name string
	run  func(t *testing.T, w *world)
}

func play(t *testing.T, scenarios []scenario) {
	t.Helper()
	for _, c := range scenarios {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t).begin(nil)
			w.strict = true
			c.run(t, w)
			w.settle()
		})
	}
}

// slow makes the agent go on until the test finishes its turns.
func (w *world) slow() { w.agent = func(backend.Turn) *agents.Turned { return nil } }

func (w *world) lastTurn() backend.Turn {
	w.t.Helper()
	if len(w.turns) == 0 {
		w.t.Fatal("there was no turn")
	}
	return w.turns[len(w.turns)-1]
}

func TestATurn(t *testing.T) {
	play(t, []scenario{
		{"a message is answered, once, and nothing is held after that", func(t *testing.T, w *world) {
			seq := w.message("c", "hi")
			w.settle()
			w.wantEnds(map[uint64]string{seq: "done answered"})
			w.wantSaid("re: hi")
			w.idle()
		}},
		{"the answer carries where it came from and goes out in parts of the network's size", func(t *testing.T, w *world) {
			w.agent = func(backend.Turn) *agents.Turned {
				return &agents.Turned{Answer: backend.Answer{
					Text: strings.Repeat("word ", 30), Attachments: []channels.Attachment{{Name: "f", Blob: blob("b")}, {Name: "g", Blob: "../g"}},
				}}
			}
			seq := w.message("c", "hi", func(a *channels.Arrival) { a.Ticket = true })
			w.settle()
			got := w.store.replies
			if len(got) != 2 || got[0].Part != 1 || got[1].Part != 2 || got[0].Parts != 2 || len(got[0].Attachments) != 1 || len(got[1].Attachments) != 0 {
				t.Fatalf("got %+v", got)
			}
			origin := w.store.items[seq].arrival.Origin
			if got[1].Origin != origin || !got[1].Ticket || got[1].Conversation != "c" || got[0].Nonce == got[1].Nonce || got[0].Nonce == "" || got[0].Notice {
				t.Errorf("got %+v", got[1])
			}
			if !w.store.items[seq].pins[blob("b")] {
				t.Error("the file of the answer is not pinned")
			}
		}},
		{"an answer without text is its files", func(t *testing.T, w *world) {
			w.agent = func(backend.Turn) *agents.Turned {
				return &agents.Turned{Answer: backend.Answer{Attachments: []channels.Attachment{{Name: "f", Blob: blob("b")}}}}
			}
			w.message("c", "hi")
			w.settle()
			if got := w.store.replies; len(got) != 1 || got[0].Text != "" || len(got[0].Attachments) != 1 || got[0].Parts != 1 {
				t.Errorf("got %+v", got)
			}
		}},
		{"an empty answer is an answer, and nothing is sent", func(t *testing.T, w *world) {
			w.agent = func(backend.Turn) *agents.Turned { return &agents.Turned{} }
			seq := w.message("c", "hi")
			w.settle()
			w.wantEnds(map[uint64]string{seq: "done answered"})
			w.wantSaid()
		}},
		{"the answer, its end and the history are one step", func(t *testing.T, w *world) {
			w.message("c", "hi")
			w.settle()
			for _, step := range w.store.commits {
				for _, op := range step.Ops {
					if _, is := op.(journal.Rewrite); is {
						t.Errorf("what had not changed was written anew: %+v", op)
					}
				}
			}
			last := w.store.commits[len(w.store.commits)-1]
			kinds := fmt.Sprintf("%T", last.Ops)
			for _, op := range last.Ops {
				kinds += fmt.Sprintf(" %T", op)
			}
			if !strings.Contains(kinds, "End") || !strings.Contains(kinds, "AddReply") || strings.Count(kinds, "SetState") != 3 {
				t.Errorf("the last step is %s", kinds)
			}
		}},
		{"the next turn knows what was said", func(t *testing.T, w *world) {
			w.message("c", "hi")
			w.settle()
			w.message("c", "and now?")
			w.settle()
			got := w.lastTurn().History
			if len(got) != 2 || got[0].Text != "hi" || got[0].Role != "user" || got[0].Name != "Bob" || got[1].Text != "re: hi" || got[1].Role != "assistant" {
				t.Errorf("got %+v", got)
			}
		}},
		{"the state of a busy conversation is read once, and again after a pause", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "1")
			w.message("c", "2")
			w.settle()
			w.finish("net:home/1", agentsSay("one"))
			w.settle()
			if w.store.reads != 1 {
				t.Errorf("%d reads", w.store.reads)
			}
			w.finish("net:home/2", agents.Turned{Err: errors.New("busy")})
			w.after(10 * time.Second)
			if w.store.reads != 2 {
				t.Errorf("%d reads", w.store.reads)
			}
		}},
		{"a state that cannot be read is not taken for none", func(t *testing.T, w *world) {
			w.message("c", "hi")
			w.settle()
			w.store.unread = errors.New("disk")
			w.message("c", "and now?")
			w.after(10 * time.Second)
			if len(w.turns) != 1 {
				t.Fatal("the turn began without its history")
			}
			w.store.unread = nil
			w.after(time.Minute)
			if got := w.lastTurn().History; len(got) != 2 {
				t.Errorf("got %+v", got)
			}
		}},
		{"the history has the length that is set", func(t *testing.T, w *world) {
			two := 2
			w.configure(common(func(c *channels.Common) { c.DMHistoryLimit = &two }))
			for i := range 4 {
				w.message("c", fmt.Sprint(i))
				w.settle()
			}
			if got := w.lastTurn().History; len(got) != 2 || got[0].Text != "2" {
				t.Errorf("got %+v", got)
			}
		}},
		{"a conversation's messages are answered one by one in order", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "1")
			w.message("c", "2")
			w.settle()
			if len(w.turns) != 1 {
				t.Fatalf("%d turns", len(w.turns))
			}
			w.finish("net:home/1", agents.Turned{Answer: backend.Answer{Text: "one"}})
			w.settle()
			if len(w.turns) != 2 || w.lastTurn().Text != "2" {
				t.Errorf("turns %+v", w.turns)
			}
		}},
		{"bindings choose the agent, the first that matches, else the default", func(t *testing.T, w *world) {
			w.configure(func(c *Configure) { bound("other", "c")(c); bound("never", "c")(c) })
			w.message("c", "hi")
			w.settle()
			w.message("d", "hi")
			w.settle()
			if w.turns[0].Agent != "other" || w.turns[1].Agent != "default" {
				t.Errorf("turns %+v", w.turns)
			}
		}},
		{"a turn is shown to the other side as read and typing, and typing ends", func(t *testing.T, w *world) {
			w.message("c", "hi")
			w.settle()
			want := []run.Op{run.MarkRead{Conversation: "c"}, run.Typing{Conversation: "c", On: true}, run.Typing{Conversation: "c"}}
			if diff := kittest.Diff(want, w.ops); diff != "" {
				t.Error(diff)
			}
		}},
		{"a turn that a crash cut short is begun again and says so", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "hi")
			w.settle()
			if w.lastTurn().Repeated {
				t.Error("the first one says it is repeated")
			}
			if steps := w.store.commits; len(steps) != 1 || !steps[0].Sync {
				t.Errorf("the turn began before its mark was on the disk: %+v", steps)
			}
			w.restart(nil)
			w.settle()
			if got := w.lastTurn(); len(w.turns) != 2 || !got.Repeated || got.ID != w.turns[0].ID {
				t.Errorf("got %+v", got)
			}
		}},
		{"a message with nothing in it starts no turn", func(t *testing.T, w *world) {
			seq := w.message("c", "")
			w.settle()
			w.wantEnds(map[uint64]string{seq: "done empty"})
			if len(w.turns) != 0 {
				t.Errorf("turns %+v", w.turns)
			}
		}},
		{"an agent that refuses makes a dead letter and a notice", func(t *testing.T, w *world) {
			w.agent = func(backend.Turn) *agents.Turned { return &agents.Turned{Refused: true, Err: errors.New("too long")} }
			seq := w.message("c", "hi")
			w.settle()
			w.wantEnds(map[uint64]string{seq: "dead refused"})
			w.wantSaid("[" + refusedText + "]")
			if w.notes != 1 {
				t.Errorf("%d lines of log", w.notes)
			}
			if got := w.store.items[seq].end.Reason; got != "too long" {
				t.Errorf("the reason is %q", got)
			}
			w.idle()
		}},
		{"an agent that the agents do not know yet is asked again", func(t *testing.T, w *world) {
			w.agent = func(backend.Turn) *agents.Turned {
				if len(w.turns) == 1 {
					return &agents.Turned{Refused: true, Unknown: true, Err: errors.New("no such agent")}
				}
				return &agents.Turned{Answer: backend.Answer{Text: "here I am"}}
			}
			w.message("c", "hi")
			w.after(5 * time.Second)
			w.wantSaid("here I am")
		}},
		{"an item that an operator dropped meanwhile is let go, and the rest goes on", func(t *testing.T, w *world) {
			w.slow()
			first := w.message("c", "1")
			second := w.message("c", "2")
			w.settle()
			w.store.items[first].end = &journal.End{Seq: first, State: journal.Dead, Outcome: "dropped"}
			w.finish("net:home/1", agents.Turned{Answer: backend.Answer{Text: "one"}})
			w.settle()
			w.finish("net:home/2", agents.Turned{Answer: backend.Answer{Text: "two"}})
			w.settle()
			w.wantEnds(map[uint64]string{first: "dead dropped", second: "done answered"})
			w.wantSaid("two")
			w.idle()
		}},
		{"what fits nothing is said to fit nothing", func(t *testing.T, w *world) {
			w.in("what")
			kittest.One[kit.Unknown](t, w.effects)
		}},
	})
}

func TestTheLengthOfAPart(t *testing.T) {
	for _, c := range []struct {
		name                 string
		network, set, length int
	}{
		{"the network's, if that is smaller", 100, 4000, 100},
		{"the one that is set, if that is smaller", 100, 50, 50},
		{"the one that is set, where the network has none", 0, 4000, 4000},
		{"the network's, where none is set", 100, 0, 100},
		{"none, where there is none", 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := Account{Common: channels.Common{TextChunkLimit: c.set}, Limits: channels.Limits{Text: c.network}}
			if got := a.textLimit(); got != c.length {
				t.Errorf("got %d, want %d", got, c.length)
			}
		})
	}
}

func TestWhoMayWrite(t *testing.T) {
	say := func(d access.Decision) func(channels.Arrival) access.Decision {
		return func(channels.Arrival) access.Decision { return d }
	}
	play(t, []scenario{
		{"a sender who is not allowed gets no turn and no word", func(t *testing.T, w *world) {
			w.decide = say(access.Decision{Outcome: access.Denied, Reason: "not in the list"})
			seq := w.message("c", "hi")
			w.settle()
			w.wantEnds(map[uint64]string{seq: "done denied"})
			w.wantSaid()
			if len(w.turns)+len(w.ops) != 0 {
				t.Errorf("turns %v, ops %v", w.turns, w.ops)
			}
		}},
		{"a stranger gets the code in the step that ends the message", func(t *testing.T, w *world) {
			w.decide = say(access.Decision{Outcome: access.Paired, Reply: "your code"})
			seq := w.message("c", "hi")
			w.settle()
			w.wantEnds(map[uint64]string{seq: "done pairing"})
			w.wantSaid("[your code]")
			if len(w.store.commits) != 1 {
				t.Errorf("%d steps", len(w.store.commits))
			}
		}},
		{"what does not name the agent is context of the next turn, and of that one only", func(t *testing.T, w *world) {
			w.decide = func(a channels.Arrival) access.Decision {
				return access.Decision{Allow: strings.Contains(a.Text, "fido"), Outcome: access.Unmentioned}
			}
			seq := w.message("c", "lovely weather")
			w.settle()
			w.wantEnds(map[uint64]string{seq: "done unmentioned"})
			w.message("c", "fido, sit")
			w.settle()
			if got := w.lastTurn().Context; !slices.Equal(got, []string{"Bob: lovely weather"}) {
				t.Errorf("got %q", got)
			}
			w.message("c", "fido, stay")
			w.settle()
			if got := w.lastTurn().Context; len(got) != 0 {
				t.Errorf("got %q", got)
			}
		}},
		{"context is bounded, the oldest lines go first", func(t *testing.T, w *world) {
			w.decide = func(a channels.Arrival) access.Decision {
				return access.Decision{Allow: a.Text == "fido", Outcome: access.Unmentioned}
			}
			for i := range maxContext + 5 {
				w.message("c", fmt.Sprint(i)+strings.Repeat("x", 2*maxContextLine))
				w.settle()
			}
			w.message("c", "fido")
			w.settle()
			got := w.lastTurn().Context
			if len(got) != maxContext || !strings.HasPrefix(got[0], "Bob: 5x") || len(got[0]) > maxContextLine+len("…") {
				t.Errorf("%d lines, the first is %q", len(got), got[0])
			}
		}},
		{"a decision that cannot be made is asked for again", func(t *testing.T, w *world) {
			times := 0
			w.decide = func(channels.Arrival) access.Decision {
				if times++; times < 3 {
					return access.Decision{Err: errors.New("not loaded")}
				}
				return access.Decision{Allow: true}
			}
			w.message("c", "hi")
			w.after(10 * time.Second)
			w.wantSaid("re: hi")
		}},
		{"a policy that changes while the message waits is the one that counts", func(t *testing.T, w *world) {
			w.agent = func(backend.Turn) *agents.Turned { return &agents.Turned{Err: errors.New("busy")} }
			seq := w.message("c", "hi")
			w.settle()
			w.decide = say(access.Decision{Outcome: access.Denied})
			w.after(10 * time.Second)
			w.wantEnds(map[uint64]string{seq: "done denied"})
		}},
	})
}
