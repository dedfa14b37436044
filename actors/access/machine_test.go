package access

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

const home = channels.Account("bluebubbles:home")

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world feeds a machine and plays the journal and the drawing of codes, at once or on demand.
type world struct {
	t       testing.TB
	state   State
	now     time.Time
	asked   uint64
	effects []kit.Effect // of the last input
	answers map[uint64][]any
	kept    map[channels.Account]map[string][]byte // what the journal has
	ours    map[string]uint64
	broken  error    // what the journal says instead
	codes   []string // to be drawn; empty: made up
	hold    bool     // keep what is under way in queue
	queue   []kit.Effect
	drawn   int
	notes   int // lines of log
}

func newWorld(t testing.TB) *world {
	return &world{
		t: t, state: NewState(kit.Named("journal")), now: start, answers: map[uint64][]any{},
		kept: map[channels.Account]map[string][]byte{}, ours: map[string]uint64{},
	}
}

func question(n uint64) kit.Return { return kit.ReturnTo(kit.Named("lanes"), n) }

func (w *world) in(msg any, from kit.Return) {
	w.t.Helper()
	var effects []kit.Effect
	w.state, effects = Step(w.state, kit.In{Msg: msg, From: from, Now: w.now})
	w.effects = effects
	for _, e := range effects {
		switch e := e.(type) {
		case kit.Answer:
			for n := range w.asked {
				if e.To == question(n+1) {
					w.answers[n+1] = append(w.answers[n+1], e.Msg)
				}
			}
		case kit.Note:
			w.notes++
		case kit.Ask, kit.Do:
			w.queue = append(w.queue, e)
		}
	}
	if !w.hold {
		w.settle()
	}
}

// settle performs what is under way until nothing is.
func (w *world) settle() {
	for len(w.queue) > 0 {
		w.perform()
	}
}

func (w *world) perform() {
	e := w.queue[0]
	w.queue = w.queue[1:]
	switch e := e.(type) {
	case kit.Do:
		w.drawn++
		code := fmt.Sprintf("CODE%04d", w.drawn)
		if len(w.codes) > 0 {
			code, w.codes = w.codes[0], w.codes[1:]
		}
		w.in(kit.Done{Tag: e.Tag, Msg: code}, kit.Return{})
	case kit.Ask:
		if w.broken != nil {
			w.in(kit.Answered{Tag: e.Tag, Err: w.broken}, kit.Return{})
			return
		}
		w.in(kit.Answered{Tag: e.Tag, Msg: w.journal(e.Msg)}, kit.Return{})
	}
}

func (w *world) journal(msg any) any {
	switch m := msg.(type) {
	case journal.GetState:
		out := map[string][]byte{}
		for name, value := range w.kept[m.Account] {
			if strings.HasPrefix(name, m.Prefix) {
				out[name] = value
			}
		}
		return journal.Values{Values: out}
	case journal.Ours:
		out := map[string]uint64{}
		for _, id := range m.IDs {
			if n, is := w.ours[id]; is {
				out[id] = n
			}
		}
		return journal.OursAre{Replies: out}
	case journal.Commit:
		next := maps.Clone(w.kept[m.Account])
		if next == nil {
			next = map[string][]byte{}
		}
		written := map[string]bool{}
		for _, op := range m.Ops {
			set := op.(journal.SetState)
			if written[set.Name] {
				w.t.Fatalf("%s is written twice in one step", set.Name)
			}
			written[set.Name] = true
			if next[set.Name] = set.Value; set.Value == nil {
				delete(next, set.Name)
			}
		}
		w.kept[m.Account] = next
		return journal.Committed{}
	}
	w.t.Fatalf("the journal was asked %T", msg)
	return nil
}

// ask asks and returns the number of the question.
func (w *world) ask(msg any) uint64 {
	w.asked++
	w.in(msg, question(w.asked))
	return w.asked
}

func answer[M any](w *world, n uint64) M {
	w.t.Helper()
	var none M
	if len(w.answers[n]) != 1 {
		w.t.Fatalf("question %d was answered %d times: %v", n, len(w.answers[n]), w.answers[n])
	}
	m, ok := w.answers[n][0].(M)
	if !ok {
		w.t.Fatalf("question %d was answered with %T, want %T", n, w.answers[n][0], none)
	}
	return m
}

func (w *world) decide(m channels.Arrival, mentions ...string) Decision {
	w.t.Helper()
	return answer[Decision](w, w.ask(Decide{Arrival: m, Mentions: mentions}))
}

func (w *world) configure(common channels.Common) {
	w.in(Configure{Accounts: map[channels.Account]channels.Common{home: common}}, kit.Return{})
}

func policies(change func(*channels.Common)) channels.Common {
	c := channels.DefaultCommon()
	if change != nil {
		change(&c)
	}
	return c
}

func direct(sender, text string) channels.Arrival {
	return channels.Arrival{
		Account: home, Seq: 1, Kind: channels.Message, Conversation: "iMessage;-;" + sender, Sender: channels.Sender{ID: sender}, Text: text,
	}
}

func group(sender, text string) channels.Arrival {
	m := direct(sender, text)
	m.Conversation, m.Group = "iMessage;+;chat7", true
	return m
}

const bob = "+15551234567"

func TestLaw9_QuestionsThatWaitAreBounded(t *testing.T) {
	w := newWorld(t)
	w.hold = true
	w.configure(policies(nil))
	for range maxWaiting {
		w.in(Decide{Arrival: direct(bob, "hi")}, kit.Return{})
	}
	if got := answer[Decision](w, w.ask(Decide{Arrival: direct(bob, "hi")})); got.Err == nil {
		t.Errorf("got %+v", got)
	}
	w.hold = false
	w.settle()
	w.hold = true
	w.decideUnder("eve")
	for i := range maxChanges {
		w.decideUnder(fmt.Sprint("eve", i))
	}
	if got := answer[Decision](w, w.ask(Decide{Arrival: direct("one more", "hi")})); got.Err == nil {
		t.Errorf("got %+v", got)
	}
}

func (w *world) decideUnder(sender string) { w.in(Decide{Arrival: direct(sender, "hi")}, kit.Return{}) }

func TestWhatIsStoredIsReadBack(t *testing.T) {
	r := request{Arrival: 9, PairingRequest: PairingRequest{Account: home, Sender: bob, Name: "Bob", Code: "X", Created: start, Expires: start.Add(validFor)}}
	var back request
	if err := json.Unmarshal(encode(r), &back); err != nil || kittest.Diff(r, back) != "" {
		t.Error(err, kittest.Diff(r, back))
	}
}

func TestWhoWasApprovedUnderAnotherNameOfTheAccountIsListedUnderItsOwn(t *testing.T) {
	w := newWorld(t)
	r := request{PairingRequest: PairingRequest{Account: "bluebubbles:old", Sender: "eve", Code: "X", Created: start, Expires: start.Add(validFor)}}
	w.kept[home] = map[string][]byte{
		approvedPrefix + bob: encode(Approved{Account: "bluebubbles:old", Sender: bob, Since: start}), pairingPrefix + "eve": encode(r),
	}
	w.configure(policies(func(*channels.Common) {}))
	list := answer[PairingList](w, w.ask(ListPairing{}))
	if len(list.Approved) != 1 || list.Approved[0].Account != home || len(list.Requests) != 1 || list.Requests[0].Account != home {
		t.Errorf("listed %+v", list)
	}
}
