package backendtest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"holdfast/actors/agents/backend"
)

// behaviour is what the server does with a request that was in order. Text is what the request said.
type behaviour func(w http.ResponseWriter, r *http.Request, text string)

// world is one agent and its server.
type world struct {
	agent backend.Agent
	conns *atomic.Int64 // connections that the server has seen
}

// newWorld starts a server on loopback that judges every request by fake and then behaves; and opens an agent that asks
// it. At the end of the test it fails if a goroutine is left.
func newWorld(t *testing.T, kind backend.Kind, fake Fake, behave behaviour, adjust ...func(backend.Settings)) world {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	address, conns := "http://127.0.0.1:1", new(atomic.Int64)
	if fake.Hear != nil {
		srv := httptest.NewUnstartedServer(judge(t, fake, behave))
		srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				conns.Add(1)
			case http.StateIdle:
				t.Error("a connection was kept after its turn")
			}
		}
		srv.Start()
		t.Cleanup(srv.Close)
		address = srv.URL
	}
	s := Decode(t, kind, fake.Settings(address, Canary))
	for _, change := range adjust {
		change(s)
	}
	return world{kind.Open(s, Env()), conns}
}

// Env is what an agent is given in these tests: no attachments.
func Env() backend.Env {
	return backend.Env{Name: "default", Blob: func(string) (io.ReadCloser, error) {
		return nil, errors.New("the disk is on fire")
	}}
}

// judge lets only those requests through that fake understands.
func judge(t *testing.T, fake Fake, behave behaviour) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client went away
		}
		text, err := fake.Hear(r, body, Canary)
		if err != nil {
			t.Errorf("the server does not understand the request: %v\n%s", err, body)
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		behave(w, r, text)
	})
}

// cut closes the connection in the middle of an answer.
func cut(w http.ResponseWriter) {
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// outcome of a turn.
type outcome struct {
	answer backend.Answer
	err    error
}

// begin starts a turn beside the test.
func begin(ctx context.Context, a backend.Agent, turn backend.Turn) <-chan outcome {
	out := make(chan outcome, 1)
	go func() {
		answer, err := a.Turn(ctx, turn)
		out <- outcome{answer, err}
	}()
	return out
}

// await returns what a turn came to; a turn that does not end fails the test.
func await(t *testing.T, turn <-chan outcome) outcome {
	t.Helper()
	select {
	case got := <-turn:
		return got
	case <-time.After(Patience):
		t.Fatalf("the turn did not end within %v", Patience)
		return outcome{}
	}
}

// ask runs one turn to its end.
func (w world) ask(t *testing.T, turn backend.Turn) outcome {
	t.Helper()
	return await(t, begin(t.Context(), w.agent, turn))
}

// nothing fails the test if an error came with a part of an answer.
func nothing(t *testing.T, got outcome) {
	t.Helper()
	if got.err == nil {
		t.Fatalf("got answer %.80q, want an error", got.answer.Text)
	}
	if got.answer.Text != "" || got.answer.Attachments != nil {
		t.Errorf("an error came with answer %.80q: half an answer", got.answer.Text)
	}
}

// passing fails the test unless got is an error that may pass.
func passing(t *testing.T, got outcome) {
	t.Helper()
	if nothing(t, got); backend.IsRefusal(got.err) {
		t.Errorf("refused for good, want an error that may pass: %v", got.err)
	}
}
