package lanes

import (
	"slices"
	"testing"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/agents"
	"holdfast/actors/agents/backend"
	"holdfast/channels"
)

func pieces(w *world) {
	w.configure(common(func(c *channels.Common) { c.CoalesceMs = 2000 }))
}

func from(sender string) func(*channels.Arrival) {
	return func(a *channels.Arrival) { a.Sender = channels.Sender{ID: sender} }
}

func withID(id string) func(*channels.Arrival) { return func(a *channels.Arrival) { a.ID = id } }

func TestMessagesInPieces(t *testing.T) {
	play(t, []scenario{
		{"what one sender sends within the window is one turn", func(t *testing.T, w *world) {
			pieces(w)
			a := w.message("c", "look")
			w.after(time.Second)
			b := w.message("c", "at this")
			w.settle()
			if len(w.turns) != 0 {
				t.Fatal("the turn began before the window was over")
			}
			w.after(time.Second)
			w.wantSaid("re: look\nat this")
			w.wantEnds(map[uint64]string{a: "done answered", b: "done answered"})
			if w.lastTurn().ID != "net:home/1" {
				t.Errorf("turn %q", w.lastTurn().ID)
			}
		}},
		{"the window is counted from the acceptance of the first", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "one")
			w.after(1500 * time.Millisecond)
			w.message("c", "two")
			w.after(time.Second)
			w.message("c", "three")
			w.after(2 * time.Second)
			w.wantSaid("re: one\ntwo", "re: three")
		}},
		{"another sender ends what belongs together", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "one")
			w.message("c", "mine", from("eve"))
			w.message("c", "two")
			w.after(10 * time.Second)
			w.wantSaid("re: one", "re: mine", "re: two")
		}},
		{"whoever has a ticket gets an answer of its own", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "one", func(a *channels.Arrival) { a.Ticket = true })
			w.message("c", "two")
			w.after(10 * time.Second)
			w.wantSaid("re: one", "re: two")
		}},
		{"a command is no part of a message", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "one")
			w.message("c", "/new")
			w.after(10 * time.Second)
			w.wantSaid("re: one", "["+newText+"]")
		}},
		{"what they answer is what the first of them answers", func(t *testing.T, w *world) {
			pieces(w)
			var asked channels.Arrival
			w.decide = func(a channels.Arrival) access.Decision {
				asked = a
				return access.Decision{Allow: true}
			}
			to := func(id string) func(*channels.Arrival) { return func(a *channels.Arrival) { a.ReplyTo = id } }
			w.message("c", "one")
			w.message("c", "two", to("ours"))
			w.message("c", "three", to("theirs"))
			w.after(10 * time.Second)
			if asked.ReplyTo != "ours" || asked.Text != "one\ntwo\nthree" {
				t.Errorf("asked about %+v", asked)
			}
		}},
		{"in a thread the answer names the last of them, and never what changed it", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "one")
			w.message("c", "two", func(a *channels.Arrival) { a.ReplyTo = "thread" })
			w.message("c", "a preview", kind(channels.Amendment, "m2"))
			w.after(10 * time.Second)
			w.message("c", "no thread")
			w.after(10 * time.Second)
			if got := w.store.replies; got[0].ReplyTo != "m2" || got[1].ReplyTo != "" {
				t.Errorf("got %+v", got)
			}
		}},
		{"where the network's answers always name one they do", func(t *testing.T, w *world) {
			w.configure(func(c *Configure) {
				a := c.Accounts[home]
				a.Limits.Quotes = true
				c.Accounts[home] = a
			})
			w.message("c", "hi")
			w.settle()
			if got := w.store.replies; got[0].ReplyTo != "m1" {
				t.Errorf("got %+v", got)
			}
		}},
		{"without a window every message is its own", func(t *testing.T, w *world) {
			w.message("c", "one")
			w.message("c", "two")
			w.settle()
			w.wantSaid("re: one", "re: two")
		}},
	})
}

func TestAmendments(t *testing.T) {
	amend := kind(channels.Amendment, "m1")
	play(t, []scenario{
		{"an edit within the window replaces the text", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "helo")
			b := w.message("c", "hello", amend, withID("m1"))
			w.after(10 * time.Second)
			w.wantSaid("re: hello")
			w.wantEnds(map[uint64]string{b: "done answered"})
		}},
		{"a preview that came as a message of its own is added, if it is new", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "see http://x")
			w.message("c", "http://x", amend)
			w.message("c", "A page about x", amend)
			w.after(10 * time.Second)
			w.wantSaid("re: see http://x\nA page about x")
		}},
		{"a late attachment within the window is fetched and comes once", func(t *testing.T, w *world) {
			pieces(w)
			file := func(a *channels.Arrival) { a.Attachments = []channels.Attachment{{ID: "f1", Name: "f"}} }
			w.message("c", "look")
			w.message("c", "", amend, file)
			w.message("c", "", amend, file)
			w.after(10 * time.Second)
			if got := w.lastTurn().Attachments; len(got) != 1 || got[0].Blob != blob("f1") {
				t.Errorf("got %+v", got)
			}
		}},
		{"an edit that comes while the message is prepared is in the turn", func(t *testing.T, w *world) {
			w.message("c", "helo")
			w.until(others.Access)
			w.message("c", "hello", amend, withID("m1"))
			for range 3 {
				w.handle(others.Journal)
				if len(w.answers) > 0 {
					w.deliver(0)
				}
			}
			w.settle()
			if len(w.turns) != 1 || w.lastTurn().Text != "hello" {
				t.Errorf("turns %+v", w.turns)
			}
		}},
		{"while the turn waits for a slot it is taken back and begun anew", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "helo")
			w.settle()
			w.message("c", "hello", amend, withID("m1"))
			w.settle()
			// The agents' answer to a turn that had not begun.
			w.finish("net:home/1", agents.Turned{Stopped: true, Err: errStopped})
			w.settle()
			w.finish("net:home/1", agents.Turned{Answer: backend.Answer{Text: "yes"}})
			w.settle()
			if got := w.lastTurn(); got.Text != "hello" || got.Repeated {
				t.Errorf("got %+v", got)
			}
			w.wantSaid("yes")
			w.idle()
		}},
		{"once the turn has begun it is context of the next", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "helo")
			w.settle()
			b := w.message("c", "hello", amend, withID("m1"))
			w.settle()
			w.finish("net:home/1", agents.Turned{Answer: backend.Answer{Text: "yes"}})
			w.settle()
			w.wantEnds(map[uint64]string{b: "done context"})
			w.message("c", "so?")
			w.settle()
			if got := w.lastTurn().Context; !slices.Equal(got, []string{"Bob changed a message to: hello"}) {
				t.Errorf("got %q", got)
			}
		}},
		{"somebody else's amendment does not change a message", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "send 10")
			w.message("c", "send 1000", amend, withID("m1"), from("eve"))
			w.after(10 * time.Second)
			w.wantSaid("re: send 10")
		}},
		{"a message taken back before its turn is not answered", func(t *testing.T, w *world) {
			pieces(w)
			w.decide = func(a channels.Arrival) access.Decision {
				t.Errorf("asked about %+v, which was taken back", a)
				return access.Decision{Allow: true}
			}
			a := w.message("c", "oops")
			b := w.message("c", "", kind(channels.Retraction, "m1"))
			w.after(10 * time.Second)
			w.wantEnds(map[uint64]string{a: "done retracted", b: "done retracted"})
			w.wantSaid()
			w.idle()
		}},
		{"taking one of two pieces back leaves the other", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "oops")
			w.message("c", "hi")
			w.message("c", "", kind(channels.Retraction, "m1"))
			w.after(10 * time.Second)
			w.wantSaid("re: hi")
			w.idle()
		}},
		{"taking one of two pieces back leaves the other its amendment", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "oops")
			w.message("c", "helo")
			w.message("c", "hello", kind(channels.Amendment, "m2"), withID("m2"))
			w.message("c", "", kind(channels.Retraction, "m1"))
			w.after(10 * time.Second)
			w.wantSaid("re: hello")
		}},
		{"a message taken back while it waits behind another is never asked about", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "first")
			b := w.message("c", "oops")
			w.message("c", "", kind(channels.Retraction, "m2"))
			w.settle()
			w.finish("net:home/1", agents.Turned{Answer: backend.Answer{Text: "yes"}})
			w.settle()
			w.wantEnds(map[uint64]string{b: "done retracted"})
			if len(w.turns) != 1 {
				t.Errorf("%d turns", len(w.turns))
			}
		}},
		{"taking back what was answered is context", func(t *testing.T, w *world) {
			w.message("c", "hi")
			w.settle()
			b := w.message("c", "", kind(channels.Retraction, "m1"))
			w.settle()
			w.wantEnds(map[uint64]string{b: "done context"})
		}},
		{"a reaction starts no turn and is told with the next", func(t *testing.T, w *world) {
			b := w.message("c", "👍", kind(channels.Reaction, "m0"))
			w.settle()
			w.wantEnds(map[uint64]string{b: "done context"})
			w.message("c", "hi")
			w.settle()
			if got := w.lastTurn().Context; !slices.Equal(got, []string{"Bob reacted to a message: 👍"}) {
				t.Errorf("got %q", got)
			}
		}},
	})
}
