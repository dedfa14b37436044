package access

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// FuzzStep runs any list of inputs, with the journal's answers late or failing and a clock that is set back, and checks that every question is answered
// exactly once in the end, that no more codes are valid than may be, and that nobody is allowed who is not listed or
// approved in the journal.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 8, 16, 24, 32, 40, 48, 56, 64, 72})
	f.Add([]byte("strangers come and go, and some of them are let in, and the journal fails now and then"))
	f.Fuzz(func(t *testing.T, list []byte) {
		w := newWorld(t)
		w.hold = true
		w.configure(policies(nil))
		for i, b := range list {
			before, shown := w.state, fmt.Sprint(w.state.snapshot())
			w.play(b>>3, b&7, i)
			if after := fmt.Sprint(before.snapshot()); after != shown {
				t.Fatalf("Step changed the state it was given: %s to %s", shown, after)
			}
			w.check()
		}
		w.broken, w.hold = nil, false
		w.settle()
		w.approveOld()
		for id, a := range w.state.accounts.All() {
			w.in(reload{id, a.load}, kit.Return{})
		}
		for q := range w.asked {
			if got := w.answers[q+1]; len(got) != 1 {
				t.Fatalf("question %d was answered %d times: %v", q+1, len(got), got)
			}
		}
	})
}

// play makes one input of two small numbers.
func (w *world) play(what, which byte, i int) {
	sender := fmt.Sprintf("+1%d", which)
	switch what % 10 {
	case 0, 1, 2:
		m := direct(sender, "hi")
		m.Seq = uint64(i)
		q := w.ask(Decide{Arrival: m})
		w.allowed(q, sender)
	case 3:
		w.ask(Approve{Code: fmt.Sprintf("CODE%04d", which)})
	case 4:
		w.ask(Deny{Account: home, Code: fmt.Sprintf("CODE%04d", which)})
	case 5:
		w.ask(Deny{Sender: sender})
	case 6, 7:
		if len(w.queue) > 0 {
			w.perform()
		}
	case 8:
		w.broken = nil
		if which%2 == 0 {
			w.broken = errors.New("no")
		}
		w.now = w.now.Add([]time.Duration{0, 10, 30, 60, 600, -1, -90, -600}[which] * time.Minute) // it may be set back
	case 9:
		accounts := map[channels.Account]channels.Common{home: policies(nil)}
		if which == 0 {
			accounts = nil
		}
		for id, a := range w.state.accounts.All() {
			w.in(reload{id, a.load}, kit.Return{})
		}
		w.in(Configure{Accounts: accounts}, kit.Return{})
	}
}

// approveOld checks that no code is good that is an hour away, before or after.
func (w *world) approveOld() {
	w.t.Helper()
	for id, a := range w.state.accounts.All() {
		for _, r := range a.requests {
			for _, by := range []time.Duration{validFor, -validFor} {
				w.now = r.Created.Add(by)
				if _, found := (&step{State: w.state, now: w.now}).holder(a, r.Code); found {
					w.t.Fatalf("%s: code %s of %v is good at %v", id, r.Code, r.Created, w.now)
				}
			}
		}
	}
}

// allowed checks an allowance that was given at once.
func (w *world) allowed(q uint64, sender string) {
	w.t.Helper()
	for _, a := range w.answers[q] {
		if a.(Decision).Allow && w.kept[home][approvedPrefix+sender] == nil {
			w.t.Fatalf("%s was allowed and the journal has no approval", sender)
		}
	}
}

func (w *world) check() {
	w.t.Helper()
	for q, got := range w.answers {
		if len(got) > 1 {
			w.t.Fatalf("question %d was answered %d times: %v", q, len(got), got)
		}
	}
	for id, a := range w.state.accounts.All() {
		codes := map[string]bool{}
		for _, r := range a.requests {
			codes[r.Code] = true
		}
		// Whatever the clock shows later, no more of them can be valid.
		if kept := len(a.requests); kept > maxRequests || len(codes) != kept {
			w.t.Fatalf("%s: %d requests with %d codes", id, kept, len(codes))
		}
		if a.load == 0 && (a.change == nil && len(a.changes) > 0 || len(a.waiting) > 0) {
			w.t.Fatalf("%s: questions wait for nothing", id)
		}
	}
}

// FuzzNormal checks that the one form of a sender is its own one form.
func FuzzNormal(f *testing.F) {
	for _, s := range []string{"+1 (555) 123-4567", "Bob@Example.com", "bluebubbles:+1555", " x ", "chat_guid:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		once := normal("telegram", id)
		if strings.HasPrefix(strings.ToLower(once), "telegram:") {
			return // a prefix below a prefix belongs to the name
		}
		if twice := normal("telegram", once); twice != once {
			t.Errorf("%q becomes %q and then %q", id, once, twice)
		}
	})
}
