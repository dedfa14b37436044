package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"holdfast/channels"
	"holdfast/config"
)

// receiver is the other side: it answers as told and keeps what it got.
type receiver struct {
	*httptest.Server
	answer http.HandlerFunc
	got    []received
}

type received struct {
	header http.Header
	body   []byte
}

func listen(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		r.got = append(r.got, received{q.Header.Clone(), body})
		r.answer(w, q)
	}))
	t.Cleanup(r.Close)
	return r
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func linkTo(t *testing.T, url string) *link {
	t.Helper()
	return linkWithLog(t, url, io.Discard)
}

func linkWithLog(t *testing.T, url string, log io.Writer) *link {
	t.Helper()
	s := newSettings()
	s.CallbackURL = config.NewSecret(url)
	s.CallbackSecret = config.NewSecret(signing)
	l := connect(s, channels.Env{Account: "webhook:home", Blob: func(hash string) (io.ReadCloser, error) {
		if hash == "gone" {
			return nil, errors.New("no such file")
		}
		return io.NopCloser(strings.NewReader(hash)), nil
	}, Log: zerolog.New(log)}).(*link)
	t.Cleanup(l.client.CloseIdleConnections)
	return l
}

func reply() channels.Reply {
	return channels.Reply{
		Seq: 9, Account: "webhook:home", Conversation: "c", Origin: 7, Part: 1, Parts: 2, Text: "grüß <dich>", ReplyTo: "m-1", Attempt: 1, Nonce: "n-9",
	}
}

func TestACallbackIsSignedAndTheSameInEveryAttempt(t *testing.T) {
	t.Parallel()
	r := listen(t, status(204))
	l := linkTo(t, r.URL)
	first := reply()
	first.Attachments = []channels.Attachment{{Name: "a.txt", Type: "text/plain", Blob: "content"}, {Name: "b", Blob: "gone"}, {Name: "c", Gone: "too old"}}
	again := first
	again.Attempt, again.FirstTry = 2, time.Now()
	for _, one := range []channels.Reply{first, again} {
		receipt, err := l.Send(t.Context(), one)
		if err != nil {
			t.Fatal(err)
		}
		if receipt.ID != "n-9" || receipt.At.IsZero() {
			t.Errorf("receipt %+v, want the reply's id and a time", receipt)
		}
	}
	key, err := standardwebhooks.NewWebhook(signing)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.got) != 2 {
		t.Fatalf("got %d requests, want 2", len(r.got))
	}
	for _, got := range r.got {
		if err := key.Verify(got.body, got.header); err != nil {
			t.Errorf("the receiver's library says: %v", err)
		}
		if kind := got.header.Get("Content-Type"); kind != "application/json" {
			t.Errorf("content type %q", kind)
		}
		if agent := got.header.Get("User-Agent"); agent != "holdfast" {
			t.Errorf("user agent %q", agent)
		}
		if id := got.header.Get("webhook-id"); id != "n-9" {
			t.Errorf("id %q, want the same in every attempt", id)
		}
		if diff := cmp.Diff(string(r.got[0].body), string(got.body)); diff != "" {
			t.Errorf("the body changed between attempts:\n%s", diff)
		}
	}
	var body Callback
	if err := json.Unmarshal(r.got[0].body, &body); err != nil {
		t.Fatal(err)
	}
	want := Callback{
		ID: "n-9", Account: "webhook:home", Conversation: "c", Text: "grüß <dich>", Part: 1, Parts: 2, ReplyTo: "m-1", Request: 7,
		Files: []File{
			{Name: "a.txt", Type: "text/plain", Data: []byte("content")}, {Name: "b", Gone: "the stored file cannot be opened"}, {Name: "c", Gone: "too old"},
		},
	}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("callback (-want +got):\n%s", diff)
	}
}

func TestLaw6_WhatAnAnswerMeansForTheReply(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		want   channels.Outcome
		after  time.Duration
	}{
		{"busy, with a pause in seconds", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "17")
			w.WriteHeader(http.StatusTooManyRequests)
		}, channels.NotSent, 17 * time.Second},
		{"down, with a pause that is nonsense", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "-5")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, channels.NotSent, 0},
		{"a broken server", status(500), channels.NotSent, 0},
		{"a proxy without its server", status(502), channels.NotSent, 0},
		{"a server that waited too long", status(408), channels.NotSent, 0},
		{"too early", status(425), channels.NotSent, 0},
		{"a bad request", status(400), channels.Rejected, 0},
		{"a door that is shut", status(401), channels.Rejected, 0},
		{"nobody there", status(404), channels.Rejected, 0},
		{"gone for good", status(410), channels.Rejected, 0},
		{"elsewhere", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, channels.Rejected, 0},
		{"a connection cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, channels.NotSent, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := listen(t, tc.answer)
			_, err := linkTo(t, r.URL+"/?token=canary").Send(t.Context(), reply())
			var f *channels.Failure
			if !errors.As(err, &f) {
				t.Fatalf("got %v, want a failure whose outcome is known", err)
			}
			if f.Outcome != tc.want || f.After != tc.after {
				t.Errorf("got outcome %d after %s, want %d after %s", f.Outcome, f.After, tc.want, tc.after)
			}
			if strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("the error shows the URL or names no host: %q", err)
			}
		})
	}
}

func TestStatusesAtTheEdges(t *testing.T) {
	t.Parallel()
	for code, delivered := range map[int]bool{200: true, 299: true, 300: false, 399: false} {
		r := listen(t, status(code))
		if _, err := linkTo(t, r.URL).Send(t.Context(), reply()); (err == nil) != delivered {
			t.Errorf("%d: got %v, want delivered: %v", code, err, delivered)
		}
	}
	const advice = "set callbackUrl to where it leads"
	for code, advised := range map[int]bool{308: true, 400: false} {
		r := listen(t, status(code))
		if _, err := linkTo(t, r.URL).Send(t.Context(), reply()); err == nil || strings.Contains(err.Error(), advice) != advised {
			t.Errorf("%d: got %v, want advice about redirects: %v", code, err, advised)
		}
	}
}

func TestACallbackThatCannotBeReachedIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := listen(t, status(200))
	r.Close()
	_, err := linkTo(t, r.URL+"/?token=canary").Send(t.Context(), reply())
	if channels.OutcomeOf(err) != channels.NotSent || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v, want not sent, without the URL", err)
	}
}

func TestACallbackThatDoesNotAnswerEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := listen(t, func(_ http.ResponseWriter, q *http.Request) {
		cancel()
		<-q.Context().Done()
	})
	_, err := linkTo(t, r.URL).Send(ctx, reply())
	if channels.OutcomeOf(err) != channels.NotSent || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want not sent because the context ended", err)
	}
}

func TestWithoutACallbackTheJournalKeepsTheReply(t *testing.T) {
	t.Parallel()
	receipt, err := linkTo(t, "").Send(t.Context(), reply())
	if err != nil || receipt.ID != "kept" {
		t.Errorf("got %+v, %v", receipt, err)
	}
}

func TestRetryAfterReadsBothForms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"0": 0, "3": 3 * time.Second, "Sun, 01 Mar 2026 12:01:00 GMT": time.Minute, "Sun, 01 Mar 2026 11:00:00 GMT": 0,
		"": 0, "soon": 0, "-1": 0, "99999999999999999999": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
}

func TestAnAttemptThatACrashCutOffIsMadeAgain(t *testing.T) {
	t.Parallel()
	if _, found, err := linkTo(t, "http://127.0.0.1:1").Find(t.Context(), reply(), func(string) bool { return false }); found || err != nil {
		t.Errorf("found %t, %v: the callback would not be posted again", found, err)
	}
}
