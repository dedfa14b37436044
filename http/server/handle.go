package server

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/channels"
	"holdfast/channels/screen"
)

// exchange is one request on its way to its answer.
type exchange struct {
	*Server
	ctx  *fasthttp.RequestCtx
	live *registry.Live     // what it is judged by
	to   *registry.Endpoint // who owns the path; nil while nobody is known to
	rest string             // the last segment, where the endpoint owns what is under its path
	head screen.Head
	now  time.Time // when its header was there: a signature is not too old because its body came slowly

	proven  bool  // the sender has proven an account
	missing bool  // not to be accepted now is something that an account may miss
	taken   bool  // the body has been read to its end
	held    int64 // bytes of room
	share   int64 // of the part for strangers
}

// exchange begins the judgement of a request by what is live now.
func (s *Server) exchange(ctx *fasthttp.RequestCtx) *exchange {
	return &exchange{Server: s, ctx: ctx, live: s.o.Live.Load()}
}

// handle is the way of one request. The library calls it with the header and an unread body.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	x := s.exchange(ctx)
	defer x.guard()
	if x.enter() {
		x.take()
	}
	if connOf(ctx).from.is(leaving) {
		x.hangUp()
	}
}

// expect judges a request that asks before it sends its body. It is judged again when the body comes.
func (s *Server) expect(ctx *fasthttp.RequestCtx) int {
	x := s.exchange(ctx)
	if x.guarded() {
		return fasthttp.StatusContinue
	}
	x.hangUp()
	return ctx.Response.StatusCode()
}

// guarded is enter for who goes on after a bug: the answer is given then.
func (x *exchange) guarded() (wanted bool) {
	defer x.guard()
	return x.enter()
}

// guard ends a request that met a bug of ours, and nothing else. The first bug of an interval is logged whole.
func (x *exchange) guard() {
	cause := recover()
	x.release()
	if cause == nil {
		return
	}
	const text = "a bug at the edge"
	if x.bugs.Add(1) == 1 {
		x.o.Log.Error().Str("cause", fmt.Sprint(cause)).Bytes("stack", debug.Stack()).Msg(text)
	}
	x.refusals.count(fasthttp.StatusInternalServerError, text)
	x.ctx.Response.Reset()
	x.say(fasthttp.StatusInternalServerError, text)
	x.hangUp()
}

// enter answers what needs no body, in the order 404, 405, 413, 401, and tells whether the body is wanted.
func (x *exchange) enter() bool {
	path, err := channels.Canonical(view(x.ctx.URI().PathOriginal()))
	if err != nil {
		x.refuse(fasthttp.StatusNotFound, "nobody owns this path")
		return false
	}
	if path == "/healthz" || path == "/readyz" {
		x.probe(path)
		return false
	}
	var found bool
	if x.to, x.rest, found = x.live.Routes.Find(path); !found {
		x.refuse(fasthttp.StatusNotFound, "nobody owns this path")
		return false
	}
	x.head, x.now = connOf(x.ctx).head(x.ctx), time.Now()
	verdict := x.to.Screen.Head(x.head, x.now)
	x.proven = verdict.Account != ""
	x.missing = verdict.Action == screen.Read && verdict.Ack != channels.AckAnswers
	switch {
	case verdict.Code == fasthttp.StatusMethodNotAllowed:
		x.methodNotAllowed(strings.Join(x.to.Screen.Methods(), ", "))
	case int64(x.ctx.Request.Header.ContentLength()) > x.to.Screen.MaxBody():
		x.tooLarge()
	case verdict.Action != screen.Read:
		x.refuse(verdict.Code, verdict.Reason)
	default:
		return true
	}
	return false
}

// take reads the body and does what the screen says.
func (x *exchange) take() {
	body, ok := x.body()
	if !ok {
		return
	}
	verdict := x.to.Screen.Check(x.head, body, x.now)
	x.proven = verdict.Account != ""
	switch verdict.Action {
	case screen.Accept:
		if verdict.Ack == channels.AckAnswers {
			x.release()
			x.answers(verdict.Account)
			return
		}
		x.accept(verdict)
	case screen.Skip:
		x.to.Counts.Skipped.Add(1)
		x.say(fasthttp.StatusOK, "ok")
	case screen.Refuse, screen.Read:
		// Who turns out to be a stranger had nothing that could be missed, and an operator's own no is not missed either.
		x.missing = x.missing && x.proven && verdict.Code != fasthttp.StatusServiceUnavailable
		x.refuse(verdict.Code, verdict.Reason)
	}
}

// accept hands the request to the journal and answers what that says. An answer that comes after the 503 finds nobody.
func (x *exchange) accept(v screen.Verdict) {
	request := channels.Request{
		Account: v.Account, Form: channels.FormWebhook, ID: v.ID, Header: v.Keep, Body: v.Body,
		Ticket: v.Ack == channels.AckTicket,
	}
	step := journal.Accept{Account: v.Account, Revision: x.live.Revision, Requests: []channels.Request{request}}
	answer, err := x.o.System.TryAsk(x.o.Journal, step, journalQueueMax, journalWithin(x.live))
	got, ok := answer.(journal.Accepted)
	switch {
	case errors.Is(err, kit.ErrFull):
		x.refuse(fasthttp.StatusServiceUnavailable, "the journal has too much to do")
	case err != nil || !ok:
		x.refuse(fasthttp.StatusServiceUnavailable, "the journal gave no answer in time")
	case got.Err != nil || len(got.Seqs) != 1:
		x.refuse(fasthttp.StatusServiceUnavailable, "the journal takes nothing")
	default:
		x.to.Counts.Accepted.Add(1)
		x.to.Counts.LastAccepted.Store(time.Now().UnixMilli())
		if request.Ticket {
			x.json(fasthttp.StatusOK, ticket{ID: strconv.FormatUint(got.Seqs[0], 10)})
			return
		}
		x.say(fasthttp.StatusOK, "ok")
	}
}
