package control

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/actors/access"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/outbox"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/config"
)

var (
	self   = kit.Named("control")
	places = Places{Reload: kit.Named("reload"), Journal: kit.Named("journal"), Access: kit.Named("access"), Outbox: kit.Named("outbox")}
	admin4 = Conn{Self: self.Child("admin.4"), Peer: "uid=1000 pid=42", Places: places}
	asker  = kit.ReturnTo(kit.Named("edge"), 1)
)

func TestEveryConnectionHasAChildOfItsOwn(t *testing.T) {
	s, effects := Step(State{Self: self, Count: 3}, kit.In{Msg: Open{Peer: admin4.Peer}, From: asker})
	spawn := kittest.One[kit.Spawn](t, effects)
	if spawn.Name != "admin.4" || spawn.What != (Conn{Self: admin4.Self, Peer: admin4.Peer}) {
		t.Errorf("spawned %+v", spawn)
	}
	if got := kittest.Answers[Opened](effects); len(got) != 1 || got[0].Conn != admin4.Self {
		t.Errorf("answered %v", got)
	}
	for _, c := range []struct {
		name string
		msg  any
		want []kit.Effect
	}{
		{"a client that is gone ends its child", Close{Conn: admin4.Self}, []kit.Effect{kit.Stop{Child: admin4.Self}}},
		{"the end of a child needs nothing", kit.Ended{Child: admin4.Self}, nil},
		{"what is not for control is known as such", "hello", []kit.Effect{kit.Unknown{Msg: "hello"}}},
	} {
		next, effects := Step(s, kit.In{Msg: c.msg})
		if diff := kittest.Diff(c.want, effects); diff != "" || next != s {
			t.Errorf("%s: %s, state %+v", c.name, diff, next)
		}
	}
	if _, effects = Step(s, kit.In{Msg: Open{}}); kittest.One[kit.Spawn](t, effects).Name != "admin.5" {
		t.Error("a name is used twice")
	}
}

// home is what every order below is about.
const home = channels.Account("bluebubbles:home")

// question says of a method that asks somebody: whom, what, and for how long.
type question struct {
	name, method, params string
	to                   kit.Addr
	msg                  any
	within               time.Duration
}

// questions has one for each method, and more.
var questions = append([]question{
	{"reload of the configuration", "reload", "", places.Reload, reload.Reload{Caller: "control/admin.4 uid=1000 pid=42"}, slow},
	{"reload of an account", "reload", `{"target":"bluebubbles:home"}`, places.Reload, reload.Reload{Target: "bluebubbles:home", Caller: "control/admin.4 uid=1000 pid=42"}, slow},
	{"reload with all its ways", "reload", `{"dryRun":true,"allOrNothing":true}`, places.Reload, reload.Reload{Caller: "control/admin.4 uid=1000 pid=42", DryRun: true, AllOrNothing: true}, slow},
	{"plan", "plan", "", places.Reload, reload.Reload{Caller: "control/admin.4 uid=1000 pid=42", DryRun: true}, slow},
	{"plan for a file", "plan", `{"file":"/etc/next.yaml"}`, places.Reload, reload.Reload{Caller: "control/admin.4 uid=1000 pid=42", DryRun: true, File: "/etc/next.yaml"}, slow},
	{"start of an account", "channels.start", `{"target":"bluebubbles:home"}`, kit.Named("channels/bluebubbles"), supervisor.Order{Account: home, Do: "start"}, slow},
	{"stop of a channel", "channels.stop", `{"target":"bluebubbles"}`, kit.Named("channels/bluebubbles"), supervisor.Order{Do: "stop"}, slow},
	{"restart of an account", "channels.restart", `{"target":"bluebubbles:home"}`, kit.Named("channels/bluebubbles"), supervisor.Order{Account: home, Do: "restart"}, slow},
	{"a message", "send", `{"account":"bluebubbles:home","target":"+1555","text":"hi","key":"k"}`, places.Outbox, outbox.Post{Account: home, Target: "+1555", Text: "hi", Key: "k"}, quick},
	{"a list with its defaults", "journal.ls", `{}`, places.Journal, journal.List{Max: 100}, quick},
	{
		"a list with everything", "journal.ls", `{"kind":"reply","account":"bluebubbles:home","state":"dead","after":7,"max":5}`, places.Journal,
		journal.List{Kind: journal.Replies, Account: home, State: journal.Dead, After: 7, Max: 5},
		quick,
	},
	{"a list that is too long", "journal.ls", `{"max":5000}`, places.Journal, journal.List{Max: 1000}, quick},
	{"an item", "journal.show", `{"seq":18446744073709551615}`, places.Journal, journal.Show{Seq: 1<<64 - 1}, quick},
	{"the books", "journal.verify", "", places.Journal, journal.Verify{}, slow},
	{"an item again", "journal.resend", `{"seq":7}`, places.Journal, journal.Resend{Seq: 7}, quick},
	{"an item dropped", "journal.drop", `{"seq":7}`, places.Journal, journal.Drop{Seq: 7, Reason: "dropped by the operator"}, quick},
	{"an item dropped with a reason", "journal.drop", `{"seq":7,"reason":"spam"}`, places.Journal, journal.Drop{Seq: 7, Reason: "spam"}, quick},
	{"who waits", "pairing.list", "null", places.Access, access.ListPairing{}, quick},
	{"who waits for an account", "pairing.list", `{"account":"bluebubbles:home"}`, places.Access, access.ListPairing{Account: home}, quick},
	{"an approval", "pairing.approve", `{"account":"bluebubbles:home","code":"ABC"}`, places.Access, access.Approve{Account: home, Code: "ABC"}, quick},
	{"a code forgotten", "pairing.deny", `{"code":"ABC"}`, places.Access, access.Deny{Code: "ABC"}, quick},
	{"an approval taken back", "pairing.deny", `{"account":"bluebubbles:home","sender":"+1555"}`, places.Access, access.Deny{Account: home, Sender: "+1555"}, quick},
}, settingsQuestions...)

func TestACallBecomesAQuestionToTheOwnerOfTheState(t *testing.T) {
	asked := map[string]bool{}
	for _, c := range questions {
		t.Run(c.name, func(t *testing.T) {
			asked[c.method] = true
			next, effects := StepConn(admin4, kit.In{Msg: registry.Call{Method: c.method, Params: []byte(c.params)}, From: asker})
			ask := kittest.One[kit.Ask](t, effects)
			if diff := cmp.Diff(c.msg, ask.Msg); diff != "" || ask.To != c.to || ask.Within != c.within || next != admin4 {
				t.Errorf("asked %v within %v, state %+v: %s", ask.To, ask.Within, next, diff)
			}
			kittest.None[kit.Answer](t, effects)
			if notes := kittest.All[kit.Note](effects); handlers[c.method].reads == (len(notes) > 0) {
				t.Errorf("orders are logged and reads are not: %v", notes)
			}
		})
	}
	for name, h := range handlers {
		if asks := h.ask != nil; asks != asked[name] {
			t.Errorf("%s: asks somebody: %t, is tested above: %t", name, asks, asked[name])
		}
	}
}

func TestACallThatCannotBeCarriedOutSaysWhatIsWanted(t *testing.T) {
	for _, c := range []struct {
		name, method, params, want string
		code                       int
	}{
		{"an unknown method", "stautus", "", `unknown method: stautus; rpc.discover lists them`, CodeMethod},
		{"params where there are none", "status", `{"a":1}`, "this method takes no params", CodeParams},
		{"a field that is not there", "send", `{"acount":"x"}`, `params: unknown field "acount"; there are account, target, text, key`, CodeParams},
		{"a text for a number", "journal.show", `{"seq":"7"}`, "seq: got a JSON string, want a number from 0", CodeParams},
		{"a negative number", "journal.show", `{"seq":-7}`, "seq: got a JSON number -7, want a number from 0", CodeParams},
		{"a number for a text", "reload", `{"target":7}`, "target: got a JSON number, want a text", CodeParams},
		{"a list for an object", "journal.ls", `["reply"]`, "params: got a JSON array, want an object with kind, account, state, after, max", CodeParams},
		{"a text for the most", "journal.ls", `{"max":"all"}`, "max: got a JSON string, want a number", CodeParams},
		{"cut JSON", "journal.show", `{"seq":`, "params: unexpected EOF", CodeParams},
		{"two objects", "journal.show", `{"seq":7}{"seq":8}`, "params: want one JSON object and nothing after it", CodeParams},
		{"no item", "journal.show", `{}`, "seq: want the number of an item, as journal.ls shows it", CodeParams},
		{"no item to resend", "journal.resend", ``, "seq: want the number of an item, as journal.ls shows it", CodeParams},
		{"no item to drop", "journal.drop", `{"reason":"spam"}`, "seq: want the number of an item, as journal.ls shows it", CodeParams},
		{"a reason where there is none", "journal.show", `{"seq":7,"reason":"x"}`, `params: unknown field "reason"; there are seq`, CodeParams},
		{"a kind that is none", "journal.ls", `{"kind":"requests"}`, `kind: got "requests", want request, arrival or reply`, CodeParams},
		{"a state that is none", "journal.ls", `{"state":"lost"}`, `state: got "lost", want pending, done, dead or expired`, CodeParams},
		{"a negative most", "journal.ls", `{"max":-1}`, `max: got -1, want a number from 1 to 1000`, CodeParams},
		{"no account", "send", `{"target":"+1555","text":"hi"}`, `account: got "", want channel:name such as bluebubbles:home`, CodeParams},
		{"a channel for an account", "send", `{"account":"bluebubbles","target":"+1555","text":"hi"}`, `account: got "bluebubbles", want channel:name such as bluebubbles:home`, CodeParams},
		{"no target", "send", `{"account":"bluebubbles:home","text":"hi"}`, "target: want a conversation or a handle", CodeParams},
		{"nothing to say", "send", `{"account":"bluebubbles:home","target":"+1555","text":" \n"}`, "text: want something to say", CodeParams},
		{"nothing to start", "channels.start", `{}`, `target: got "", want an account such as bluebubbles:home, or a channel`, CodeParams},
		{"an account without a name", "channels.stop", `{"target":"bluebubbles:"}`, `target: got "bluebubbles:", want an account such as bluebubbles:home, or a channel`, CodeParams},
		{"a run for an account", "channels.restart", `{"target":"bluebubbles/home/run.7"}`, `target: got "bluebubbles/home/run.7", want an account such as bluebubbles:home, or a channel`, CodeParams},
		{"no code", "pairing.approve", `{"account":"bluebubbles:home"}`, "code: want the code that the sender was given; pairing.list shows them", CodeParams},
		{"neither code nor sender", "pairing.deny", `{}`, "params: want either a code to forget or a sender whose approval is taken back", CodeParams},
		{"both code and sender", "pairing.deny", `{"code":"A","sender":"b"}`, "params: want either a code to forget or a sender whose approval is taken back", CodeParams},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, effects := StepConn(admin4, kit.In{Msg: registry.Call{Method: c.method, Params: []byte(c.params)}, From: asker})
			want := []kit.Effect{kit.Answer{To: asker, Msg: registry.Called{Err: &registry.CallError{Code: c.code, Message: c.want}}}}
			if diff := kittest.Diff(want, effects); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// rendered says of a method what its owner's answer becomes.
type rendered struct {
	name, method string
	answer       any
	result, err  string
}

// answers has one for each method, and more.
var answers = append([]rendered{
	{
		"a reload", "reload",
		reload.Report{Revision: 2, Generation: 1, Caller: "admin", Took: config.Duration(time.Second), Units: map[string]reload.Verdict{"bluebubbles:home": {Result: "applied", Run: 2}}},
		`{"revision":2,"generation":1,"caller":"admin","began":"0001-01-01T00:00:00Z","took":"1s","units":{"bluebubbles:home":{"result":"applied","run":2}}}`, "",
	},
	{
		"a reload that was refused", "reload",
		reload.Report{Problems: []config.Problem{{Path: "gateway.listen", Got: "x", Want: "host:port"}}, Err: "refused"},
		`{"revision":0,"generation":0,"caller":"","began":"0001-01-01T00:00:00Z","took":"0s","units":{},"problems":[{"path":"gateway.listen","got":"x","want":"host:port"}],"error":"refused"}`, "",
	},
	{
		"a plan", "plan",
		reload.Report{Revision: 2, DryRun: true, Plan: &reload.Plan{Revision: 3, Generation: 1, Units: []reload.Unit{{Name: "webhook:a", Change: reload.Alter, Mode: reload.Overlap, Reason: "path"}}}},
		`{"revision":2,"generation":0,"caller":"","began":"0001-01-01T00:00:00Z","took":"0s","dryRun":true,"plan":{"revision":3,"generation":1,"units":[{"unit":"webhook:a","change":"change","mode":"overlap","reason":"path"}],"unchanged":0},"units":{}}`, "",
	},
	{
		"an order", "channels.start",
		supervisor.Ordered{Verdicts: map[channels.Account]supervisor.Verdict{home: {Result: "failed", Reason: "no such account"}}},
		`{"verdicts":{"bluebubbles:home":{"result":"failed","reason":"no such account"}}}`, "",
	},
	{"an order to a channel without accounts", "channels.stop", supervisor.Ordered{}, `{"verdicts":{}}`, ""},
	{"a restart", "channels.restart", supervisor.Ordered{}, `{"verdicts":{}}`, ""},
	{"a message", "send", outbox.Posted{Seqs: []uint64{7, 8}}, `{"seqs":[7,8],"duplicate":false}`, ""},
	{"a message again", "send", outbox.Posted{Duplicate: true}, `{"seqs":[],"duplicate":true}`, ""},
	{"a message that could not be kept", "send", outbox.Posted{Err: journal.ErrIntake}, "", "the journal takes nothing now"},
	{
		"a list", "journal.ls",
		journal.Listed{Records: []journal.Record{{Seq: 7, Kind: journal.Requests, Account: home, State: journal.Done}}, More: true},
		`{"records":[{"seq":7,"kind":"request","account":"bluebubbles:home","state":"done","at":"0001-01-01T00:00:00Z"}],"more":true}`, "",
	},
	{"an empty list", "journal.ls", journal.Listed{}, `{"records":[],"more":false}`, ""},
	{"a list that failed", "journal.ls", journal.Listed{Err: errors.New("disk")}, "", "disk"},
	{
		"an item", "journal.show",
		journal.Shown{Payload: []byte(`{"text":"hi"}`)},
		`{"record":{"seq":0,"kind":"","account":"","state":"","at":"0001-01-01T00:00:00Z"},"payload":{"text":"hi"}}`, "",
	},
	{"no item", "journal.show", journal.Shown{Err: journal.ErrNoItem}, "", "there is no such item"},
	{
		"books that balance", "journal.verify",
		journal.Verified{Statistics: journal.Statistics{Queues: map[journal.Queue]journal.Counters{{Kind: journal.Replies, Account: home}: {Created: 1, Done: 1}}}},
		`{"balanced":true,"faults":[],"queues":[{"kind":"reply","account":"bluebubbles:home","created":1,"done":1,"dead":0,"expired":0,"pending":0}]}`, "",
	},
	{"books that do not", "journal.verify", journal.Verified{Faults: []string{"one is missing"}}, `{"balanced":false,"faults":["one is missing"],"queues":[]}`, ""},
	{"books that cannot be read", "journal.verify", journal.Verified{Err: errors.New("disk")}, "", "disk"},
	{"an item again", "journal.resend", journal.Committed{Added: []uint64{9}}, `{"seqs":[9]}`, ""},
	{"an item again that is not dead", "journal.resend", journal.Committed{Err: journal.ErrEnded}, "", "the item has ended already"},
	{"an item dropped", "journal.drop", journal.Committed{}, `{}`, ""},
	{
		"who waits", "pairing.list",
		access.PairingList{Requests: []access.PairingRequest{{Account: home, Sender: "+1555", Code: "ABC"}}, Approved: []access.Approved{{Account: home, Sender: "+1556"}}},
		`{"requests":[{"account":"bluebubbles:home","sender":"+1555","code":"ABC","created":"0001-01-01T00:00:00Z","expires":"0001-01-01T00:00:00Z"}],"approved":[{"account":"bluebubbles:home","sender":"+1556","since":"0001-01-01T00:00:00Z"}]}`, "",
	},
	{"nobody waits", "pairing.list", access.PairingList{}, `{"requests":[],"approved":[]}`, ""},
	{"an approval", "pairing.approve", access.Settled{Account: home, Sender: "+1555"}, `{"account":"bluebubbles:home","sender":"+1555"}`, ""},
	{"a code that is none", "pairing.approve", access.Settled{Err: errors.New("no such code")}, "", "no such code"},
	{"a denial", "pairing.deny", access.Settled{Account: home, Sender: "+1555"}, `{"account":"bluebubbles:home","sender":"+1555"}`, ""},
}, settingsAnswers...)

func TestTheOwnersAnswerBecomesTheResult(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range answers {
		t.Run(c.name, func(t *testing.T) {
			seen[c.method] = true
			got := answered(t, c.method, kit.Answered{Msg: c.answer})
			switch {
			case c.err == "" && (got.Err != nil || string(got.Result) != c.result):
				t.Errorf("got %s, %v\nwant %s", got.Result, got.Err, c.result)
			case c.err != "" && (got.Err == nil || got.Err.Code != CodeFailed || got.Err.Message != c.err || got.Result != nil):
				t.Errorf("got %s, %v, want %s", got.Result, got.Err, c.err)
			}
			if c.err == "" {
				fits(t, c.method, got.Result)
			}
		})
	}
	for name, h := range handlers {
		if h.ask != nil && !seen[name] {
			t.Errorf("%s: nothing above is an answer to it", name)
		}
	}
}

// answered gives a connection an answer to a call of the method and returns what the caller hears.
func answered(t *testing.T, method string, m kit.Answered) registry.Called {
	t.Helper()
	m.Tag = calling{from: asker, method: method}
	next, effects := StepConn(admin4, kit.In{Msg: m})
	one := kittest.One[kit.Answer](t, effects)
	if one.To != asker || next != admin4 || len(effects) != 1 {
		t.Fatalf("state %+v, effects %+v", next, effects)
	}
	return one.Msg.(registry.Called)
}

func TestWithoutAnAnswerTheCallerHearsWhatThatMeans(t *testing.T) {
	for name, h := range handlers {
		if h.ask == nil {
			continue
		}
		late := answered(t, name, kit.Answered{Err: kit.ErrLate})
		if late.Err == nil || late.Err.Code != CodeTimeout || late.Err.Message != name+": no answer in time; it may still be carried out: see status and tree" {
			t.Errorf("%s is late: %+v", name, late.Err)
		}
		want := ": who answers it is gone: the gateway is stopping, or its log says why"
		if strings.HasPrefix(name, "channels.") {
			want = ": there is no channel of that name; channels.list shows the accounts"
		}
		if gone := answered(t, name, kit.Answered{Err: kit.ErrGone}); gone.Err == nil || gone.Err.Code != CodeFailed || gone.Err.Message != name+want {
			t.Errorf("%s finds nobody: %+v", name, gone.Err)
		}
		odd := answered(t, name, kit.Answered{Msg: 7})
		if odd.Err == nil || odd.Err.Code != CodeFailed || !strings.HasPrefix(odd.Err.Message, "a bug: got int as answer, want ") {
			t.Errorf("%s gets something else: %+v", name, odd.Err)
		}
	}
}

func TestALookIsDoneBesideTheActor(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(handlers)) {
		if handlers[name].ask != nil {
			continue
		}
		_, effects := StepConn(admin4, kit.In{Msg: registry.Call{Method: name}, From: asker})
		do := kittest.One[kit.Do](t, effects)
		if l, is := do.Job.(look); !is || l.method != name || l.params != nil && handlers[name].params == nil || do.Tag != (calling{asker, name}) {
			t.Errorf("%s: %+v", name, do)
		}
	}
	tag := calling{asker, "status"}
	for _, c := range []struct {
		name string
		msg  kit.Done
		want registry.Called
	}{
		{"what was seen is the result", kit.Done{Tag: tag, Msg: StopResult{true}}, registry.Called{Result: []byte(`{"stopping":true}`)}},
		{"a bug is an error", kit.Done{Tag: tag, Err: kit.ErrPanic}, registry.Called{Err: &registry.CallError{Code: CodeFailed, Message: "panic"}}},
		{"what cannot be written is a bug", kit.Done{Tag: tag, Msg: func() {}}, registry.Called{Err: &registry.CallError{
			Code:    CodeFailed,
			Message: "a bug: the result cannot be written: json: unsupported type: func()",
		}}},
	} {
		if _, effects := StepConn(admin4, kit.In{Msg: c.msg}); kittest.Diff([]kit.Effect{kit.Answer{To: asker, Msg: c.want}}, effects) != "" {
			t.Errorf("%s: %+v", c.name, effects)
		}
	}
}

func TestWhatIsNotForAConnectionIsKnownAsSuch(t *testing.T) {
	for _, msg := range []any{"hello", kit.Answered{Tag: 7}, kit.Done{Tag: 7}} {
		if _, effects := StepConn(admin4, kit.In{Msg: msg}); kittest.Diff([]kit.Effect{kit.Unknown{Msg: msg}}, effects) != "" {
			t.Errorf("%v: %+v", msg, effects)
		}
	}
}

// FuzzStepConn looks for a call that is not answered exactly once, whatever it is and whatever becomes of it.
func FuzzStepConn(f *testing.F) {
	for _, q := range questions {
		f.Add(q.method, []byte(q.params), uint8(0))
	}
	f.Add("status", []byte(`{}`), uint8(1))
	f.Add("shutdown", []byte(`[]`), uint8(2))
	f.Add("send", []byte("{\"account\":\"\xff:x\",\"target\":\"t\",\"text\":\"t\"}"), uint8(3))
	f.Fuzz(func(t *testing.T, method string, params []byte, fate uint8) {
		_, effects := StepConn(admin4, kit.In{Msg: registry.Call{Method: method, Params: params}, From: asker})
		given, asked, done := kittest.All[kit.Answer](effects), kittest.All[kit.Ask](effects), kittest.All[kit.Do](effects)
		if len(given)+len(asked)+len(done) != 1 {
			t.Fatalf("a call of %q became %+v", method, effects)
		}
		var in any
		switch {
		case len(given) == 1:
			return
		case len(done) == 1:
			in = kit.Done{Tag: done[0].Tag, Msg: Status{}, Err: []error{nil, kit.ErrPanic}[fate%2]}
		default:
			in = kit.Answered{Tag: asked[0].Tag, Msg: answers[int(fate)%len(answers)].answer, Err: []error{nil, kit.ErrLate, kit.ErrGone}[fate%3]}
			if asked[0].Within <= 0 || asked[0].To.IsZero() {
				t.Fatalf("asked %+v", asked[0])
			}
		}
		_, effects = StepConn(admin4, kit.In{Msg: in})
		if one := kittest.One[kit.Answer](t, effects); one.To != asker {
			t.Fatalf("answered %+v", one)
		}
	})
}

// FuzzStep looks for two connections of one name, and for an opening that is not answered with the child that was spawned.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 0, 1, 2, 0})
	f.Fuzz(func(t *testing.T, history []byte) {
		s, seen := State{Self: kit.Named("control")}, map[kit.Addr]bool{}
		for _, b := range history {
			msg := []any{Open{Peer: "p"}, Close{Conn: s.Self.Child("admin.1")}, kit.Ended{Child: s.Self.Child("admin.1")}}[b%3]
			next, effects := Step(s, kit.In{Msg: msg, From: asker})
			s = next
			if _, opens := msg.(Open); !opens {
				continue
			}
			spawned, answer := kittest.One[kit.Spawn](t, effects), kittest.One[kit.Answer](t, effects)
			at := s.Self.Child(spawned.Name)
			if answer.To != asker || answer.Msg.(Opened).Conn != at || seen[at] {
				t.Fatalf("opened %+v for %+v, seen before: %v", answer, spawned, seen[at])
			}
			seen[at] = true
		}
	})
}
