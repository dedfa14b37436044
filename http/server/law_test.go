package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
	"holdfast/channels"
)

func TestLaw5_200FollowsTheWordOfTheJournal(t *testing.T) {
	e := newEdge(t)
	e.journal.Answering(nil)
	s := e.dial()
	s.write(post("/hook", ` {"id": 5, "text": "hello"} `, "X-Kind: plain", "X-Other: not kept"))
	question := e.journal.WaitIn(func(msg any) bool { _, is := msg.(journal.Accept); return is })
	want := journal.Accept{Account: home, Revision: 1, Requests: []channels.Request{{
		Account: home, Form: channels.FormWebhook, ID: "5",
		Header: map[string]string{"x-kind": "plain"}, Body: []byte(`{"id": 5, "text": "hello"}`),
	}}}
	if diff := cmp.Diff(want, question.Msg); diff != "" {
		t.Error(diff)
	}
	// While the journal says nothing, nothing is answered: what comes next is the answer that is given here.
	if s.r.Buffered() > 0 || e.counts["/hook"].Accepted.Load() > 0 {
		t.Fatal("something was answered before the journal said a word")
	}
	e.journal.Perform(kit.Answer{To: question.From, Msg: journal.Accepted{Seqs: []uint64{7}}})
	if got := s.read(); got.code != 200 || got.body != "ok" || got.close {
		t.Fatalf("got %v", got)
	}
	if c := e.counts["/hook"]; c.Accepted.Load() != 1 || c.LastAccepted.Load() == 0 || c.Refused.Load() != 0 || c.Missed.Load() != 0 {
		t.Fatalf("the counters of the path are %+v", c)
	}
}

func TestLaw4_OnlyAJournalThatTakesNothingMakesAProvenSenderHear503(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  any
		journal func(e *edge)
		reason  string
	}{
		{name: "it refuses", answer: journal.Accepted{Err: journal.ErrIntake}, reason: "the journal takes nothing"},
		{name: "it fails", answer: journal.Accepted{Err: errors.New("disk")}, reason: "the journal takes nothing"},
		{name: "it gives no number", answer: journal.Accepted{}, reason: "the journal takes nothing"},
		{name: "it is late", reason: "the journal gave no answer in time"},
		{name: "it answers something else", answer: "ok", reason: "the journal gave no answer in time"},
		{name: "it is gone", journal: func(e *edge) { e.sys.Stop(e.journal.Addr()) }, reason: "the journal gave no answer in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEdge(t, func(o *setup) { o.JournalWithin = shortly })
			e.journal.Answering(func(any) any { return c.answer })
			if c.journal != nil {
				c.journal(e)
				e.eventually("the journal is gone", func() bool { return !e.sys.Alive(e.journal.Addr()) })
			}
			s := e.dial()
			s.write(post("/hook", "{}"))
			got := s.read()
			if got.code != 503 || got.body != c.reason || got.header.Get("Retry-After") != "5" || got.close {
				t.Errorf("got %v", got)
			}
			if n := e.counts["/hook"].Missed.Load(); n != 1 {
				t.Errorf("missed %d", n)
			}
		})
	}
}

func TestAJournalWithTooMuchToDoIs503AtOnce(t *testing.T) {
	hung := make(chan struct{})
	e := newEdge(t, func(o *setup) {
		at, err := o.System.Start("hung", kit.Def[int]{Step: func(n int, _ kit.In) (int, []kit.Effect) { <-hung; return n, nil }}.Spec())
		if err != nil {
			t.Fatal(err)
		}
		o.Journal = at
	})
	defer close(hung)
	for range journalQueueMax + 1 {
		e.sys.Tell(e.o.Journal, "wait")
	}
	if got := e.ask(post("/hook", "{}")); got.code != 503 || got.body != "the journal has too much to do" {
		t.Fatalf("got %v", got)
	}
}

// The late word belongs to a request whose sender has his answer: it must not reach the next one, on the same connection or
// another, and is counted nowhere.
func TestALateWordOfTheJournalChangesNothing(t *testing.T) {
	e := newEdge(t, func(o *setup) { o.JournalWithin = shortly })
	e.journal.Answering(nil)
	s := e.dial()
	s.write(post("/hook", `{"n":1}`))
	first := e.journal.WaitIn(func(msg any) bool { _, is := msg.(journal.Accept); return is })
	if got := s.read(); got.code != 503 {
		t.Fatalf("got %v", got)
	}
	e.journal.Forget()
	s.write(post("/hook", `{"n":2}`))
	second := e.journal.WaitIn(func(msg any) bool { _, is := msg.(journal.Accept); return is })
	e.journal.Perform(kit.Answer{To: first.From, Msg: journal.Accepted{Seqs: []uint64{1}}},
		kit.Answer{To: second.From, Msg: journal.Accepted{Err: journal.ErrIntake}})
	if got := s.read(); got.code != 503 || got.body != "the journal takes nothing" {
		t.Fatalf("got %v", got)
	}
	if n := e.counts["/hook"].Accepted.Load(); n != 0 {
		t.Fatalf("accepted %d", n)
	}
}

func TestASkippedTypeIs200AndNotKept(t *testing.T) {
	e := newEdge(t)
	if got := e.ask(post("/hook", `{"type":"skip"}`)); got.code != 200 || got.body != "ok" {
		t.Fatalf("got %v", got)
	}
	if c := e.counts["/hook"]; c.Skipped.Load() != 1 || c.Accepted.Load() != 0 || len(e.accepts()) != 0 {
		t.Fatalf("the counters are %+v, the journal got %v", c, e.accepts())
	}
}

func TestTheCredentialSelectsTheAccount(t *testing.T) {
	e := newEdge(t)
	for secret, account := range map[string]channels.Account{canary: home, canary2: work} {
		e.journal.Forget()
		if got := e.ask(request("POST", "/shared", "{}", "X-Password: "+secret)); got.code != 200 {
			t.Fatalf("%s got %v", account, got)
		}
		if got := e.accepts(); len(got) != 1 || got[0].Account != account {
			t.Errorf("the journal got %v, want one of %s", got, account)
		}
	}
}

// N1: a gateway took senders on 127.0.0.1 at their word, and behind a proxy everybody is there.
func TestLaw12_LoopbackIsNotTrusted(t *testing.T) {
	e := newEdge(t)
	for _, header := range []string{"X-A: b", "X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Origin: http://127.0.0.1"} {
		if got := e.ask(request("POST", "/hook", "{}", header)); got.code != 401 {
			t.Errorf("with %s: got %v", header, got)
		}
	}
}

func TestLaw12_NoSecretIsInALogOrAnAnswer(t *testing.T) {
	e := newEdge(t)
	s := e.dial()
	var said strings.Builder
	for _, raw := range []string{
		post("/hook", `{"ok":1}`), post("/hook", "no json "+canary), request("POST", "/signed", "{}", "X-Signature: "+canary),
		request("PUT", "/hook?password="+canary, ""), request("GET", "/"+canary, ""), request("GET", "/ticket/"+canary+"?password="+canary, ""),
		request("GET", "/bug?password="+canary, ""),
	} {
		s.write(raw)
		said.WriteString(fmt.Sprint(s.read()))
	}
	e.reportRefusals()
	if all := said.String() + e.log.String(); strings.Contains(all, canary) {
		t.Fatalf("the secret is in %s", all)
	}
	if !strings.Contains(e.log.String(), "requests were refused") {
		t.Fatal("nothing was logged that could have held it")
	}
}

func TestAPeerThatIsRefusedTooOftenHears429(t *testing.T) {
	e := newEdge(t, func(o *setup) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	from := func(list string) string { return "X-Forwarded-For: " + list }
	flood := func(header string) {
		s := e.dial()
		for range 2 * refusedBurst {
			s.write(request("GET", "/nobody", "", header))
			if s.read().code == 429 {
				return
			}
		}
		t.Fatalf("no end of refusals for %s", header)
	}
	flood(from("192.0.2.1"))
	flood(from("2001:db8:0:1::1"))
	for _, c := range []struct {
		name, raw string
		code      int
	}{
		{"for the same reason", request("GET", "/nobody", "", from("192.0.2.1")), 429},
		{"for another reason", request("PUT", "/hook", "", from("192.0.2.1")), 429},
		{"with a wrong credential", request("POST", "/hook?password=x", "", from("192.0.2.1")), 429},
		{"through a chain of trusted proxies", request("GET", "/nobody", "", from("192.0.2.1, 10.1.2.3")), 429},
		{"through several headers", request("GET", "/nobody", "", from("192.0.2.1"), from("10.1.2.3")), 429},
		{"from the same IPv6 network", request("GET", "/nobody", "", from("2001:db8:0:1:ffff::2")), 429},
		{"from another IPv6 network", request("GET", "/nobody", "", from("2001:db8:0:2::1")), 404},
		{"what somebody behind it claims does not count", request("GET", "/nobody", "", from("192.0.2.1, 192.0.2.2")), 404},
		{"another peer", request("GET", "/nobody", "", from("192.0.2.3")), 404},
		{"what is no address is the proxy's own", request("GET", "/nobody", "", from("somewhere")), 404},
		{"the proven sender", post("/hook", "{}", from("192.0.2.1")), 200},
		{"the proven sender with a bad body", post("/hook", "no", from("192.0.2.1")), 400},
		{"the proven sender of a signed path, as a stranger", request("POST", "/signed", "{}", "X-Signature: 0", from("192.0.2.1")), 429},
		{"the proven sender of a signed path", request("POST", "/signed", "no", "X-Signature: "+signature("no"), from("192.0.2.1")), 400},
		{"an account that is off", post("/off", "{}", from("192.0.2.1")), 503},
		{"a probe", request("GET", "/healthz", "", from("192.0.2.1")), 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := e.in(t).ask(c.raw)
			if got.code != c.code {
				t.Errorf("got %v, want %d", got, c.code)
			}
			if c.code == 429 && (got.body != "too many refused requests" || got.header.Get("Retry-After") != "5" || got.header.Get("Allow") != "") {
				t.Errorf("got %v", got)
			}
		})
	}
}

// Who may yet prove himself is told that there is no room, and not that he was refused too often: that would be a lie to the
// proven sender among them.
func TestWithoutRoomAFloodIs503(t *testing.T) {
	e := newEdge(t)
	for range 2 * refusedBurst {
		e.refusals.tooMany("127.0.0.1")
	}
	if !e.strange.try(e.inFlight()/2, e.inFlight()/2) {
		t.Fatal("there is no room to take")
	}
	if got := e.ask(request("POST", "/signed", "{}", "X-Signature: "+signature("{}"))); got.code != 503 {
		t.Errorf("got %v", got)
	}
	e.strange.release(e.inFlight() / 2)
	if got := e.ask(request("POST", "/signed", "{}", "X-Signature: "+signature("{}"))); got.code != 200 {
		t.Errorf("got %v", got)
	}
}

func TestXForwardedForCountsOnlyBehindATrustedProxy(t *testing.T) {
	e := newEdge(t)
	s := e.dial()
	for i := range 2 * refusedBurst {
		s.write(request("GET", "/nobody", "", fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", i)))
		if s.read().code == 429 {
			return
		}
	}
	t.Fatal("a peer that invents addresses is never refused")
}

// A peer's credit grows again, so that a sender who was set up wrongly comes back by himself.
func TestAPeerIsForgivenWithTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefusals()
		for range refusedBurst {
			if r.tooMany("peer") {
				t.Fatal("too early")
			}
		}
		if !r.tooMany("peer") {
			t.Fatal("the burst has no end")
		}
		time.Sleep(time.Second)
		for range refusedRate {
			if r.tooMany("peer") {
				t.Fatal("nothing is forgiven")
			}
		}
		if !r.tooMany("peer") {
			t.Fatal("too much is forgiven")
		}
	})
}

func TestPeersAreBounded(t *testing.T) {
	r := newRefusals()
	for i := range 2 * peersMax {
		r.tooMany(fmt.Sprint(i))
	}
	if n := r.peers.Len(); n != peersMax {
		t.Fatalf("%d peers are remembered", n)
	}
}

// A flood of refusals is one line per interval, and the counts are right.
func TestLaw12_NothingIsLoggedPerRefusal(t *testing.T) {
	const flood = 10000
	e := newEdge(t)
	began := time.Now()
	s := e.dial()
	go func() { _, _ = net.Conn(s).Write([]byte(strings.Repeat(request("GET", "/nobody", ""), flood))) }()
	for range flood {
		if got := s.read(); got.code != 404 && got.code != 429 {
			t.Fatalf("got %v", got)
		}
	}
	e.reportRefusals()
	type line struct {
		Count   int
		Reasons map[string]int
	}
	total, written := 0, strings.Split(strings.TrimSpace(e.log.String()), "\n")
	for _, one := range written {
		var l line
		if err := json.Unmarshal([]byte(one), &l); err != nil {
			t.Fatalf("%v in %s", err, one)
		}
		total += l.Reasons["404 nobody owns this path"]
		if l.Count != l.Reasons["404 nobody owns this path"] {
			t.Errorf("the count is not the sum: %s", one)
		}
	}
	if total != flood {
		t.Errorf("%d refusals are counted, want %d", total, flood)
	}
	if most := 1 + int(time.Since(began)/summaryEvery); len(written) > most {
		t.Errorf("%d lines, want at most %d: %s", len(written), most, e.log)
	}
	e.reportRefusals()
	if again := strings.Count(e.log.String(), "\n"); again != len(written) {
		t.Error("a line is written although nothing was refused")
	}
}

func TestAccountsHearOncePerIntervalThatSomethingWasMissed(t *testing.T) {
	e := newEdge(t)
	e.journal.Answering(func(any) any { return journal.Accepted{Err: journal.ErrIntake} })
	for range 3 {
		e.ask(request("POST", "/shared", "{}", "X-Password: "+canary))
		e.ask(post("/off", "{}"))                                               // the operator's own no
		e.ask(request("POST", "/signed", "{}", "X-Signature: 00"))              // a stranger
		e.ask(request("GET", "/ticket/x?password="+canary, ""))                 // a question
		e.ask(request("POST", "/hook", strings.Repeat("x", bodyMost+1)))        // a stranger
		e.ask(request("POST", "/hook?password=x", "{}", "X-Password: "+canary)) // a stranger
	}
	seen := map[*registry.Counts]uint64{}
	e.reportMissed(seen)
	e.reportMissed(seen)
	close(e.missed)
	told := map[channels.Account]int{}
	for account := range e.missed {
		told[account]++
	}
	if want := map[channels.Account]int{home: 1, work: 1}; cmp.Diff(want, told) != "" {
		t.Errorf("told %v, want %v", told, want)
	}
	if !kittest.Eventually(func() bool { return e.counts["/off"].Refused.Load() == 3 }) {
		t.Error("refusals are not counted")
	}
}
