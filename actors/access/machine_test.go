package access

import (
	"encoding/json"
	"errors"
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
		for _, op := range m.Ops {
			set := op.(journal.SetState)
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

func TestDirectChats(t *testing.T) {
	cases := []struct {
		name    string
		policy  channels.Policy
		allow   []string
		message channels.Arrival
		want    string // outcome; empty: allowed
	}{
		{"disabled blocks even who is listed", channels.Disabled, []string{bob, "*"}, direct(bob, "hi"), Denied},
		{"open with a star lets everybody in", channels.Open, []string{"*"}, direct("eve", "hi"), ""},
		{"open without a star lets in only who is listed", channels.Open, []string{bob}, direct("eve", "hi"), Denied},
		{"a policy that nobody knows lets in nobody", "what", nil, direct("eve", "hi"), Denied},
		{"the list lets in", channels.Allowlist, []string{bob}, direct(bob, "hi"), ""},
		{"who is not in the list stays out", channels.Allowlist, []string{bob}, direct("+15550000000", "hi"), Denied},
		{"an empty list lets in nobody", channels.Allowlist, nil, direct(bob, "hi"), Denied},
		{"a sender without a name is not matched by an empty entry", channels.Allowlist, []string{"", " "}, direct("", "hi"), Denied},
		{"a number is the same with spaces, dashes and parentheses", channels.Allowlist, []string{"+1 (555) 123-4567"}, direct(bob, "hi"), ""},
		{"a plus sign is part of the number", channels.Allowlist, []string{"15551234567"}, direct(bob, "hi"), Denied},
		{"an e-mail address is the same in any case", channels.Allowlist, []string{"Bob@Example.COM"}, direct("bob@example.com", "hi"), ""},
		{"other names are compared as they stand", channels.Allowlist, []string{"u42"}, direct("U42", "hi"), Denied},
		{"the name of the channel in front does not count", channels.Allowlist, []string{"BlueBubbles:+15551234567"}, direct(bob, "hi"), ""},
		{"the name of another channel in front does", channels.Allowlist, []string{"telegram:+15551234567"}, direct(bob, "hi"), Denied},
		{"an entry can name the conversation", channels.Allowlist, []string{"chat_guid:iMessage;-;" + bob}, direct(bob, "hi"), ""},
		{"an entry can name the conversation's identifier", channels.Allowlist, []string{"chat_identifier:" + bob}, direct(bob, "hi"), ""},
		{"a conversation entry of another conversation does not count", channels.Allowlist, []string{"chat_guid:iMessage;-;x"}, direct(bob, "hi"), Denied},
		{"a listed sender needs no code", channels.Pairing, []string{bob}, direct(bob, "hi"), ""},
		{"a stranger gets a code", channels.Pairing, nil, direct(bob, "hi"), Paired},
		{"a stranger without a name gets none", channels.Pairing, nil, direct("", "hi"), Denied},
		{"a stranger whose name is too long gets none", channels.Pairing, nil, direct(strings.Repeat("x", 300), "hi"), Denied},
		{"a reaction of a stranger gets none", channels.Pairing, nil, channels.Arrival{Account: home, Kind: channels.Reaction, Sender: channels.Sender{ID: bob}}, Denied},
		{"the operator is always heard", channels.Disabled, nil, channels.Arrival{Account: home, Kind: channels.Command, Text: "/new"}, ""},
		{"a stranger's command gets a code like everything else", channels.Pairing, nil, direct(bob, "/new"), Paired},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.configure(policies(func(common *channels.Common) { common.DMPolicy, common.AllowFrom = c.policy, c.allow }))
			if got := w.decide(c.message); got.Outcome != c.want || got.Allow != (c.want == "") || got.Err != nil {
				t.Errorf("got %+v, want outcome %q", got, c.want)
			}
		})
	}
}

func TestGroups(t *testing.T) {
	free := false
	unmentioned := map[string]channels.Group{"*": {RequireMention: &free}}
	cases := []struct {
		name    string
		policy  channels.Policy
		direct  []string
		group   []string
		groups  map[string]channels.Group
		message channels.Arrival
		want    string
	}{
		{"disabled blocks", channels.Disabled, nil, []string{"*"}, unmentioned, group(bob, "hi"), Denied},
		{"open lets everybody in", channels.Open, nil, nil, unmentioned, group(bob, "hi"), ""},
		{"an empty list blocks, whatever the direct list says", channels.Allowlist, []string{"*"}, nil, unmentioned, group(bob, "hi"), Denied},
		{"the group list lets in", channels.Allowlist, nil, []string{bob}, unmentioned, group(bob, "hi"), ""},
		{"the group list keeps out", channels.Allowlist, []string{"eve"}, []string{bob}, unmentioned, group("eve", "hi"), Denied},
		{"the group list can name the group", channels.Allowlist, nil, []string{"chat_identifier:chat7"}, unmentioned, group("eve", "hi"), ""},
		{"pairing is no policy of groups", channels.Pairing, nil, []string{"*"}, unmentioned, group(bob, "hi"), Denied},
		{"a message that does not name the agent is kept out", channels.Open, nil, nil, nil, group(bob, "hi all"), Unmentioned},
		{"a message that names the agent comes in, in any case", channels.Open, nil, nil, nil, group(bob, "hi FIDO"), ""},
		{"naming the agent does not help who is not listed", channels.Allowlist, nil, []string{"eve"}, nil, group(bob, "fido"), Denied},
		{"a reaction need not name the agent", channels.Open, nil, nil, nil, channels.Arrival{Account: home, Group: true, Kind: channels.Reaction}, ""},
		{"a listed sender's command need not name the agent", channels.Allowlist, nil, []string{bob}, nil, group(bob, " /New "), ""},
		{"in an open group a stranger gives no orders", channels.Open, nil, nil, unmentioned, group("eve", "/stop"), Denied},
		{"in an open group who may write directly gives orders", channels.Open, []string{bob}, nil, nil, group(bob, "/stop"), ""},
		{"a text with more than a command is no command", channels.Open, nil, nil, nil, group("eve", "/stop it"), Unmentioned},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.configure(policies(func(common *channels.Common) {
				common.GroupPolicy, common.AllowFrom, common.GroupAllowFrom, common.Groups = c.policy, c.direct, c.group, c.groups
			}))
			if got := w.decide(c.message, "(broken", `\bfido\b`); got.Outcome != c.want || got.Allow != (c.want == "") {
				t.Errorf("got %+v, want outcome %q", got, c.want)
			}
		})
	}
}

func TestAnAnswerToOneOfOurMessagesIsAMention(t *testing.T) {
	w := newWorld(t)
	w.configure(policies(func(c *channels.Common) { c.GroupPolicy = channels.Open }))
	w.ours["ours-1"] = 7
	m := group(bob, "what do you mean?")
	m.ReplyTo = "ours-1"
	if got := w.decide(m); !got.Allow {
		t.Errorf("got %+v", got)
	}
	m.ReplyTo = "theirs"
	if got := w.decide(m); got.Outcome != Unmentioned {
		t.Errorf("got %+v", got)
	}
	w.broken = kit.ErrLate
	if got := w.decide(m); !errors.Is(got.Err, kit.ErrLate) || got.Allow {
		t.Errorf("a journal that does not answer decides nothing; got %+v", got)
	}
}

func TestPairing(t *testing.T) {
	cases := []struct {
		name string
		run  func(t *testing.T, w *world)
	}{
		{"a new stranger is told id, code and what to do, once", func(t *testing.T, w *world) {
			got := w.decide(direct(bob, "hi"))
			for _, part := range []string{bob, "CODE0001", "gateway pairing approve bluebubbles:home CODE0001"} {
				if !strings.Contains(got.Reply, part) {
					t.Errorf("reply without %q: %s", part, got.Reply)
				}
			}
			again := direct("+1 555 123 4567", "hello?")
			again.Seq = 2
			if got := w.decide(again); got.Outcome != Paired || got.Reply != "" {
				t.Errorf("got %+v", got)
			}
		}},
		{"the message that made the code gets the same reply again", func(t *testing.T, w *world) {
			first := w.decide(direct(bob, "hi"))
			if second := w.decide(direct(bob, "hi")); second.Reply != first.Reply {
				t.Errorf("got %+v", second)
			}
		}},
		{"a fourth stranger is ignored until a code has run out", func(t *testing.T, w *world) {
			for i := range maxRequests {
				w.decide(direct(fmt.Sprintf("+1%d", i), "hi"))
			}
			if got := w.decide(direct("+19", "hi")); got.Outcome != Paired || got.Reply != "" {
				t.Errorf("got %+v", got)
			}
			w.now = w.now.Add(validFor)
			if got := w.decide(direct("+19", "hi")); got.Reply == "" {
				t.Errorf("got %+v", got)
			}
			if n := len(w.kept[home]); n != 1 {
				t.Errorf("the journal keeps %d requests, want the valid one: %v", n, w.kept[home])
			}
		}},
		{"a code that is in use is drawn again", func(t *testing.T, w *world) {
			w.codes = []string{"SAME", "SAME", "OTHER"}
			w.decide(direct("+11", "hi"))
			if got := w.decide(direct("+12", "hi")); !strings.Contains(got.Reply, "OTHER") {
				t.Errorf("got %+v", got)
			}
		}},
		{"without a free code nothing is decided", func(t *testing.T, w *world) {
			w.codes = []string{"SAME", "SAME", "SAME", "SAME", "SAME", "SAME"}
			w.decide(direct("+11", "hi"))
			if got := w.decide(direct("+12", "hi")); got.Err == nil {
				t.Errorf("got %+v", got)
			}
		}},
		{"two messages of one stranger make one code", func(t *testing.T, w *world) {
			w.hold = true
			second := direct(bob, "there?")
			second.Seq = 2
			a, b := w.ask(Decide{Arrival: direct(bob, "hi")}), w.ask(Decide{Arrival: second})
			w.hold = false
			w.settle()
			if answer[Decision](w, a).Reply == "" || answer[Decision](w, b).Reply != "" || w.drawn != 1 {
				t.Errorf("%d codes: %+v", w.drawn, w.answers)
			}
		}},
		{"an approved sender is let in and the request is gone", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			if got := answer[Settled](w, w.ask(Approve{Account: home, Code: " code0001 "})); got.Err != nil || got.Sender != bob {
				t.Fatalf("got %+v", got)
			}
			if got := w.decide(direct("+1-555-123-4567", "hi")); !got.Allow {
				t.Errorf("got %+v", got)
			}
			list := answer[PairingList](w, w.ask(ListPairing{}))
			if len(list.Requests) != 0 || len(list.Approved) != 1 || list.Approved[0].Sender != bob || !list.Approved[0].Since.Equal(start) {
				t.Errorf("got %+v", list)
			}
		}},
		{"an approval is answered only when the journal has it", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.hold = true
			q := w.ask(Approve{Account: home, Code: "CODE0001"})
			if commit := kittest.Asked[journal.Commit](w.effects); len(commit) != 1 || !commit[0].Msg.(journal.Commit).Sync {
				t.Errorf("asked %+v, want one synced commit", commit)
			}
			if len(w.answers[q]) != 0 {
				t.Fatal("answered before")
			}
			w.perform()
			if got := answer[Settled](w, q); got.Err != nil {
				t.Errorf("got %+v", got)
			}
		}},
		{"a change that the journal refuses is told, and what it has is read again", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.broken = journal.ErrIntake
			w.hold = true
			q := w.ask(Approve{Account: home, Code: "CODE0001"})
			w.perform()
			if got := answer[Settled](w, q); !errors.Is(got.Err, journal.ErrIntake) {
				t.Errorf("got %+v", got)
			}
			w.broken, w.hold = nil, false
			w.settle()
			if got := w.decide(direct(bob, "hi")); got.Outcome != Paired {
				t.Errorf("got %+v", got)
			}
		}},
		{"a code alone is enough where it is unique", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			if got := answer[Settled](w, w.ask(Approve{Code: "CODE0001"})); got.Err != nil || got.Account != home {
				t.Errorf("got %+v", got)
			}
		}},
		{"a code nobody has is an error that says so", func(t *testing.T, w *world) {
			for _, msg := range []any{Approve{Code: "NONE"}, Approve{Account: home, Code: "NONE"}, Deny{Account: home, Code: "NONE"}, Deny{Sender: "eve"}, Deny{Account: home, Sender: "eve"}, Approve{}, Deny{}} {
				if got := answer[Settled](w, w.ask(msg)); got.Err == nil {
					t.Errorf("%+v was settled: %+v", msg, got)
				}
			}
		}},
		{"a code is worth nothing after an hour", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.now = w.now.Add(validFor)
			if got := answer[Settled](w, w.ask(Approve{Account: home, Code: "CODE0001"})); got.Err == nil {
				t.Errorf("got %+v", got)
			}
		}},
		{"a denied code is forgotten", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			if got := answer[Settled](w, w.ask(Deny{Code: "CODE0001"})); got.Err != nil || got.Sender != bob {
				t.Errorf("got %+v", got)
			}
			if len(w.kept[home]) != 0 {
				t.Errorf("the journal keeps %v", w.kept[home])
			}
		}},
		{"an approval can be taken back", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.ask(Approve{Code: "CODE0001"})
			if got := answer[Settled](w, w.ask(Deny{Sender: "+1 555 123 4567"})); got.Err != nil {
				t.Errorf("got %+v", got)
			}
			if got := w.decide(direct(bob, "hi")); got.Allow {
				t.Errorf("got %+v", got)
			}
		}},
		{"an approval does not count under allowlist", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.ask(Approve{Code: "CODE0001"})
			w.configure(policies(func(c *channels.Common) { c.DMPolicy = channels.Allowlist }))
			if got := w.decide(direct(bob, "hi")); got.Allow {
				t.Errorf("got %+v", got)
			}
		}},
		{"an approval does not count in groups", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.ask(Approve{Code: "CODE0001"})
			w.configure(policies(func(c *channels.Common) { c.GroupAllowFrom = []string{"eve"} }))
			if got := w.decide(group(bob, "hi")); got.Allow || got.Outcome != Denied {
				t.Errorf("got %+v", got)
			}
		}},
		{"questions wait until the account is loaded", func(t *testing.T, w *world) {
			w.kept["bluebubbles:work"] = map[string][]byte{"approved/" + bob: encode(Approved{Account: "bluebubbles:work", Sender: bob})}
			w.hold = true
			w.in(Configure{Accounts: map[channels.Account]channels.Common{"bluebubbles:work": policies(nil)}}, kit.Return{})
			m := direct(bob, "hi")
			m.Account = "bluebubbles:work"
			q := w.ask(Decide{Arrival: m})
			w.perform()
			if len(w.answers[q]) != 0 {
				t.Fatal("answered before it was loaded")
			}
			w.hold = false
			w.settle()
			if got := answer[Decision](w, q); !got.Allow {
				t.Errorf("got %+v", got)
			}
		}},
		{"a journal that fails is asked again", func(t *testing.T, w *world) {
			w.in(Configure{}, kit.Return{})
			w.broken = kit.ErrLate
			w.hold = true
			w.configure(policies(nil))
			w.perform()
			again := kittest.One[kit.After](t, w.effects)
			q := w.ask(Decide{Arrival: direct(bob, "hi")})
			w.perform() // the second answer of the failed load
			w.broken, w.hold = nil, false
			w.in(again.Msg, kit.Return{})
			if got := answer[Decision](w, q); got.Outcome != Paired {
				t.Errorf("got %+v", got)
			}
			w.in(again.Msg, kit.Return{}) // stale
			kittest.None[kit.Ask](t, w.effects)
		}},
		{"a stored value that cannot be read costs no other", func(t *testing.T, w *world) {
			w.in(Configure{}, kit.Return{})
			w.kept[home] = map[string][]byte{"approved/" + bob: encode(Approved{Sender: bob}), "approved/eve": []byte("{"), "pairing/eve": []byte("[]")}
			w.configure(policies(nil))
			if got := w.decide(direct(bob, "hi")); !got.Allow {
				t.Errorf("got %+v", got)
			}
		}},
		{"an account that is not configured decides nothing yet", func(t *testing.T, w *world) {
			m := direct(bob, "hi")
			m.Account = "bluebubbles:new"
			if got := w.decide(m); got.Err == nil || got.Allow {
				t.Errorf("got %+v", got)
			}
		}},
		{"removing an account answers whoever waits for it", func(t *testing.T, w *world) {
			w.hold = true
			first, second := w.ask(Decide{Arrival: direct(bob, "hi")}), w.ask(Decide{Arrival: direct("eve", "hi")})
			w.in(Configure{}, kit.Return{})
			if answer[Decision](w, first).Err == nil || answer[Decision](w, second).Err == nil {
				t.Errorf("got %+v", w.answers)
			}
			w.settle() // the code comes for nobody
		}},
		{"what fits nothing is said to fit nothing", func(t *testing.T, w *world) {
			w.in("what", kit.Return{})
			kittest.One[kit.Unknown](t, w.effects)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.configure(policies(nil))
			c.run(t, w)
		})
	}
}

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
