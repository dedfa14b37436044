package server

import (
	"context"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"holdfast/actors/journal"
	"holdfast/channels"
)

// waitMost is the longest that a client may wait for replies in one request.
const waitMost = time.Minute

// ticket is the answer to a request whose replies can be fetched.
type ticket struct {
	ID string `json:"id"`
}

// fetched is what became of a request.
type fetched struct {
	ID      string         `json:"id"`
	State   journal.State  `json:"state"`
	Outcome string         `json:"outcome,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Replies []fetchedReply `json:"replies"`
}

type fetchedReply struct {
	Text        string                `json:"text"`
	Part        int                   `json:"part"`
	Parts       int                   `json:"parts"`
	Attachments []channels.Attachment `json:"attachments,omitempty"`
}

// answers serves GET <path>/<id>?wait=10s: 200 when the request has ended, 202 while it has not, 410 when nothing is known
// of it (any more), 503 when the journal does not say.
func (x *exchange) answers(account channels.Account) {
	seq, err := strconv.ParseUint(x.rest, 10, 64)
	if err != nil {
		x.refuse(fasthttp.StatusBadRequest, "an id is what the POST answered")
		return
	}
	var wait time.Duration
	if raw := string(x.ctx.QueryArgs().Peek("wait")); raw != "" {
		if wait, err = time.ParseDuration(raw); err != nil || wait < 0 {
			x.refuse(fasthttp.StatusBadRequest, "wait is a duration such as 10s, at most 1m")
			return
		}
		wait = min(wait, waitMost)
	}
	got, why := x.ask(journal.Answers{Account: account, Revision: x.live.Revision, Request: seq, Wait: wait})
	switch {
	case why != "":
		x.refuse(fasthttp.StatusServiceUnavailable, why)
	case !got.Known:
		x.refuse(fasthttp.StatusGone, "no such id of this account, or kept no longer")
	default:
		code := fasthttp.StatusOK
		if got.State == journal.Pending {
			code = fasthttp.StatusAccepted
		}
		x.json(code, fetchedOf(x.rest, got))
	}
}

// ask waits for the journal as long as the client wants, or until the gateway stops.
func (x *exchange) ask(question journal.Answers) (got journal.Answer, why string) {
	if !x.waiters.TryAcquire(1) {
		return got, "too many clients wait for replies"
	}
	defer x.waiters.Release(1)
	ctx, cancel := context.WithTimeout(x.life, question.Wait+journalWithin(x.live))
	defer cancel()
	answer, err := x.o.System.Ask(ctx, x.o.Journal, question)
	got, ok := answer.(journal.Answer)
	switch {
	case x.life.Err() != nil && err != nil:
		return got, "the gateway is stopping"
	case err != nil || !ok || got.Err != nil:
		return got, "the journal gave no answer in time"
	}
	return got, ""
}

func fetchedOf(id string, got journal.Answer) fetched {
	out := fetched{ID: id, State: got.State, Outcome: got.Outcome, Reason: got.Reason, Replies: []fetchedReply{}}
	for _, r := range got.Replies {
		out.Replies = append(out.Replies, fetchedReply{Text: r.Text, Part: r.Part, Parts: r.Parts, Attachments: r.Attachments})
	}
	return out
}

// probe answers /healthz (the process lives) and /readyz (it can take messages in).
func (x *exchange) probe(path string) {
	if !x.ctx.IsGet() && !x.ctx.IsHead() {
		x.methodNotAllowed("GET, HEAD")
		return
	}
	health := x.o.Health()
	code := fasthttp.StatusOK
	if path == "/readyz" && !health.Ready {
		code = fasthttp.StatusServiceUnavailable
		x.ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, retryAfter)
	}
	x.json(code, health)
}
