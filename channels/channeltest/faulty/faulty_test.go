package faulty

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"holdfast/channels"
	"holdfast/channels/channeltest"
	"holdfast/config"
)

func TestTheContractHoldsWhenNothingIsToldToFail(t *testing.T) {
	channeltest.Run(t, Kind(), channeltest.Fake{
		Environ: []string{"FAULTY_SECRET=sesame"},
		Peer: func(*testing.T) channeltest.Peer {
			return channeltest.Peer{Settings: `{"secret":"` + channeltest.Canary + `"}`, Conversation: "c"}
		},
		Requests: []channeltest.Request{
			{Name: "a message", Body: `{"id":"1","conversation":"c","sender":"bob","text":"hi"}`, Arrivals: 1},
			{Name: "no document", Body: `[1]`, Arrivals: channeltest.Unusable},
		},
	})
}

// began is a run under way.
type began struct {
	link  channels.Channel
	inbox *channeltest.Inbox
	end   context.CancelFunc
	over  chan any // what Run returned, or panicked with
}

// begin starts run number n of an account that belongs to the test.
func begin(t *testing.T, n uint64, change func(*Settings)) (channels.Account, began) {
	t.Helper()
	account := channels.NewAccount(Name, t.Name())
	s := Kind().Settings().(*Settings)
	s.Secret = config.NewSecret("sesame")
	change(s)
	if faults := s.Validate(); len(faults) > 0 {
		t.Fatal(config.Problems(faults))
	}
	ctx, cancel := context.WithCancel(t.Context())
	b := began{
		link: connect(s, channels.Env{Account: account, Run: n}), inbox: channeltest.NewInbox(nil), end: cancel, over: make(chan any, 1),
	}
	t.Cleanup(func() { cancel(); Forget(account) })
	go func() {
		defer func() {
			if v := recover(); v != nil {
				b.over <- v
			}
		}()
		err := b.link.Run(ctx, b.inbox)
		b.over <- err
	}()
	return account, b
}

func count(account channels.Account, what string) int {
	n := 0
	for _, s := range Steps(account) {
		if s.What == what {
			n++
		}
	}
	return n
}

func TestARunThatHangsIgnoresItsContextUntilReleased(t *testing.T) {
	t.Parallel()
	account, b := begin(t, 1, func(s *Settings) { s.Run, s.Exclusive = Hang, true })
	channeltest.Eventually(t, "the run holds the connection", func() bool { now, _ := Holders(account); return now == 1 })
	b.end()
	if len(b.over) > 0 {
		t.Fatal("the run returned")
	}
	_, second := begin(t, 2, func(s *Settings) { s.Exclusive = true })
	channeltest.Eventually(t, "the second run finds the first", func() bool { return count(account, Conflict) == 1 })
	Release(account)
	<-b.over
	second.end()
	<-second.over
	if now, most := Holders(account); now != 0 || most != 2 {
		t.Errorf("%d hold the connection and at most %d did, want 0 and 2", now, most)
	}
}

func TestRunsEndAsTheyAreTold(t *testing.T) {
	t.Parallel()
	var refused *channels.Refusal
	for fault, right := range map[Fault]func(any) bool{
		Panic:  func(v any) bool { _, isError := v.(error); return v != nil && !isError },
		Fail:   func(v any) bool { err, _ := v.(error); return err != nil && !errors.As(err, &refused) },
		Refuse: func(v any) bool { err, _ := v.(error); return errors.As(err, &refused) },
		Return: func(v any) bool { return v == nil },
	} {
		t.Run(string(fault), func(t *testing.T) {
			account, b := begin(t, 1, func(s *Settings) { s.Run = fault })
			if v := <-b.over; !right(v) {
				t.Errorf("it ended with %v", v)
			}
			if count(account, Ended) != 1 {
				t.Errorf("the end was not told: %+v", Steps(account))
			}
		})
	}
}

func TestStartsFailAsOftenAsTold(t *testing.T) {
	t.Parallel()
	settings := func(s *Settings) { s.FailStarts = 2 }
	for n := range uint64(2) {
		if _, b := begin(t, n+1, settings); (<-b.over) == nil {
			t.Errorf("start %d did not fail", n+1)
		}
	}
	_, b := begin(t, 3, settings)
	channeltest.Eventually(t, "the third start connects", func() bool { return b.inbox.Link() == channels.Connected })
	b.end()
	if v := <-b.over; v != nil {
		t.Errorf("the third run ended with %v", v)
	}
}

func TestAFloodIsTaken(t *testing.T) {
	t.Parallel()
	_, b := begin(t, 1, func(s *Settings) { s.Flood = 50 })
	channeltest.Eventually(t, "all items are taken", func() bool { return len(b.inbox.Items()) == 50 })
	got, err := interpret(Kind().Settings(), channels.Request{Body: b.inbox.Items()[49].Body})
	if err != nil || len(got) != 1 || string(b.inbox.Cursor()) != "49" {
		t.Errorf("the last item means %+v, %v; cursor %s", got, err, b.inbox.Cursor())
	}
}

func TestSendsEndAsTheyAreTold(t *testing.T) {
	t.Parallel()
	for fault, want := range map[Fault]channels.Outcome{Unknown: channels.Unknown, NotSent: channels.NotSent, Rejected: channels.Rejected} {
		t.Run(string(fault), func(t *testing.T) {
			account, b := begin(t, 1, func(s *Settings) { s.Send = fault })
			_, err := b.link.Send(t.Context(), channels.Reply{})
			if err == nil || channels.OutcomeOf(err) != want {
				t.Errorf("got %v, want outcome %d", err, want)
			}
			if count(account, Sending) != 1 || count(account, Sent) != 0 {
				t.Errorf("steps %+v", Steps(account))
			}
		})
	}
	t.Run("hang", func(t *testing.T) {
		account, b := begin(t, 1, func(s *Settings) { s.Send = Hang })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		done := make(chan error)
		go func() { _, err := b.link.Send(ctx, channels.Reply{}); done <- err }()
		channeltest.Eventually(t, "the send began", func() bool { return count(account, Sending) == 1 })
		Release(account)
		if err := <-done; channels.OutcomeOf(err) != channels.Unknown {
			t.Errorf("got %v, want an unknown outcome", err)
		}
	})
	t.Run("panic", func(t *testing.T) {
		_, b := begin(t, 1, func(s *Settings) { s.Send = Panic })
		defer func() {
			if recover() == nil {
				t.Error("it did not panic")
			}
		}()
		_, _ = b.link.Send(t.Context(), channels.Reply{})
	})
}

func TestInterpretFailsAsTold(t *testing.T) {
	t.Parallel()
	s := Kind().Settings().(*Settings)
	s.Interpret = Fail
	if _, err := interpret(s, channels.Request{Body: []byte(`{}`)}); err == nil {
		t.Error("it did not fail")
	}
	s.Interpret = Panic
	defer func() {
		if recover() == nil {
			t.Error("it did not panic")
		}
	}()
	_, _ = interpret(s, channels.Request{Body: []byte(`{}`)})
}

func TestStepsArePostedToTheSink(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []Step
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var s Step
		if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, s)
	}))
	defer sink.Close()
	account, b := begin(t, 4, func(s *Settings) { s.Sink = sink.URL })
	channeltest.Eventually(t, "the run connects", func() bool { return b.inbox.Link() == channels.Connected })
	if _, err := b.link.Send(t.Context(), channels.Reply{Seq: 3, Conversation: "c", Text: "hi", Part: 1, Attempt: 2, Nonce: "n"}); err != nil {
		t.Fatal(err)
	}
	b.end()
	<-b.over
	mu.Lock()
	defer mu.Unlock()
	var whats []string
	for _, s := range got {
		if s.Account != account || s.Run != 4 {
			t.Errorf("step of %s run %d", s.Account, s.Run)
		}
		whats = append(whats, s.What)
	}
	want := []string{Started, Sending, Sent, Ended}
	if len(whats) != len(want) {
		t.Fatalf("got %v, want %v", whats, want)
	}
	for i := range want {
		if whats[i] != want[i] {
			t.Fatalf("got %v, want %v", whats, want)
		}
	}
	if s := got[2]; s.Text != "hi" || s.Seq != 3 || s.Attempt != 2 || s.Nonce != "n" || s.Conversation != "c" {
		t.Errorf("the sink got %+v", s)
	}
}

func TestValidateKnowsItsFaults(t *testing.T) {
	t.Parallel()
	for _, s := range []Settings{{Run: "explode"}, {Send: Refuse}, {Interpret: NotSent}, {Flood: -1}, {Path: "x"}} {
		whole := Kind().Settings().(*Settings)
		s.Common, s.Secret = whole.Common, config.NewSecret("sesame")
		if s.Path == "" {
			s.Path = whole.Path
		}
		if n := len(s.Validate()); n != 1 {
			t.Errorf("%+v has %d faults, want 1", s, n)
		}
	}
}
