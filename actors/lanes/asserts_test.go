package lanes

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"holdfast/channels"
)

// message makes an arrival of Bob's in a conversation and puts it into the journal.
func (w *world) message(conversation, text string, change ...func(*channels.Arrival)) uint64 {
	w.t.Helper()
	a := channels.Arrival{
		Account: home, At: w.wall(), ID: fmt.Sprint("m", w.store.seq+1), Kind: channels.Message, Conversation: conversation,
		Sender: channels.Sender{ID: "bob", Name: "Bob"}, Text: text, Origin: w.store.seq + 1000,
	}
	for _, c := range change {
		c(&a)
	}
	seq := w.store.add(a)
	w.store.items[seq].accepted = w.now
	w.wake()
	return seq
}

func kind(k channels.ArrivalKind, target string) func(*channels.Arrival) {
	return func(a *channels.Arrival) { a.Kind, a.Target = k, target }
}

// end is how an arrival ended, as "state outcome"; "pending" if it has not.
func (w *world) end(seq uint64) string {
	it := w.store.items[seq]
	if it.end == nil {
		return "pending"
	}
	return string(it.end.State) + " " + it.end.Outcome
}

func (w *world) wantEnds(want map[uint64]string) {
	w.t.Helper()
	for _, seq := range slices.Sorted(maps.Keys(want)) {
		if got := w.end(seq); got != want[seq] {
			w.t.Errorf("arrival %d: %s, want %s", seq, got, want[seq])
		}
	}
}

// said are the texts of the replies, in order; notices in brackets.
func (w *world) said() []string {
	var out []string
	for _, r := range w.store.replies {
		if r.Notice {
			out = append(out, "["+r.Text+"]")
		} else {
			out = append(out, r.Text)
		}
	}
	return out
}

func (w *world) wantSaid(want ...string) {
	w.t.Helper()
	if got := w.said(); !slices.Equal(got, want) {
		w.t.Errorf("said %q, want %q", got, want)
	}
}

// idle checks that the machine holds nothing any more.
func (w *world) idle() {
	w.t.Helper()
	got := w.state.snapshot()
	if got.Lanes != 0 || got.Held != 0 || got.Turns != 0 || len(got.Blocked) != 0 {
		w.t.Errorf("it is not idle: %+v", got)
	}
	for id, win := range w.state.windows.All() {
		if win.unresolved != 0 || win.lanes.Len() != 0 || win.takes != 0 && w.store.broken == nil || len(win.ended) != 0 && win.takes == 0 {
			w.t.Errorf("%s keeps books of nothing: %+v", id, win)
		}
	}
}

// blob names a stored file as the journal does.
func blob(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}
