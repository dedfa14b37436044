package server

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"
)

// refuse answers a request that is not taken. A stranger whose peer was refused too often hears 429, whatever the reason
// was, and learns nothing more.
func (x *exchange) refuse(code int, reason string) {
	if x.to != nil {
		x.to.Counts.Refused.Add(1)
		if x.missing {
			x.to.Counts.Missed.Add(1)
		}
	}
	x.refusals.count(code, reason)
	if !x.proven && x.refusals.tooMany(x.peer()) && code < fasthttp.StatusInternalServerError {
		code, reason = fasthttp.StatusTooManyRequests, "too many refused requests"
		x.ctx.Response.Header.Del(fasthttp.HeaderAllow)
	}
	if code == fasthttp.StatusTooManyRequests || code == fasthttp.StatusServiceUnavailable {
		x.ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, retryAfter)
	}
	x.say(code, reason)
	if x.life.Err() != nil {
		x.ctx.SetConnectionClose()
	}
	if x.ctx.RequestBodyStream() != nil && !x.taken && x.ctx.Request.Header.ContentLength() != 0 {
		x.hangUp() // the body stays unread
	}
}

func (x *exchange) methodNotAllowed(allow string) {
	x.ctx.Response.Header.Set(fasthttp.HeaderAllow, allow)
	x.refuse(fasthttp.StatusMethodNotAllowed, "method not taken here")
}

func (x *exchange) tooLarge() {
	x.refuse(fasthttp.StatusRequestEntityTooLarge, fmt.Sprintf("body too large: at most %d bytes", x.to.Screen.MaxBody()))
}

// hangUp ends the connection with the answer, while the sender may still be sending.
func (x *exchange) hangUp() {
	x.ctx.SetConnectionClose()
	connOf(x.ctx).linger = true
}

// broken is the library's error handler: a request that could not be read as far as its body. Every branch sets a status.
func (s *Server) broken(ctx *fasthttp.RequestCtx, err error) {
	x := s.exchange(ctx)
	defer x.guard()
	var large *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &large):
		x.refuse(fasthttp.StatusRequestHeaderFieldsTooLarge, fmt.Sprintf("request line and headers too large: at most %d bytes", headerMax))
	case connOf(ctx).late:
		x.refuse(fasthttp.StatusRequestTimeout, "the request did not come in time")
	default:
		x.refuse(fasthttp.StatusBadRequest, "this is no HTTP request that can be read")
	}
	x.hangUp()
}

// say answers with one line of text.
func (x *exchange) say(code int, text string) {
	x.ctx.SetStatusCode(code)
	x.ctx.SetContentType("text/plain; charset=utf-8")
	x.ctx.SetBodyString(text + "\n")
}

// json answers with a document.
func (x *exchange) json(code int, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types
	}
	x.ctx.SetStatusCode(code)
	x.ctx.SetContentType("application/json")
	x.ctx.SetBody(append(raw, '\n'))
}
