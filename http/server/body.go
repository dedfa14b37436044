package server

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/valyala/fasthttp"
)

// errLong says that a body is longer than the route takes.
var errLong = errors.New("body too long")

// body brings the body in, into memory that is ours, when there is room for it: for the announced length, or for the most
// where the sender does not say. If ok is false the answer is given.
func (x *exchange) body() (body []byte, ok bool) {
	stream, header := x.ctx.RequestBodyStream(), &x.ctx.Request.Header
	if stream == nil {
		return nil, true // none was announced
	}
	if ambiguous(header) {
		x.refuse(fasthttp.StatusBadRequest, "both Content-Length and Transfer-Encoding")
		return nil, false
	}
	most := x.to.Screen.MaxBody()
	need := int64(header.ContentLength())
	if need < 0 {
		need = most
	}
	if !x.fit(need) {
		x.refuse(fasthttp.StatusServiceUnavailable, "no room for more bodies")
		return nil, false
	}
	body, err := x.read(stream, int64(header.ContentLength()), most)
	switch {
	case err == nil:
		x.taken = true
		return body, true
	case errors.Is(err, errLong):
		x.tooLarge()
	case connOf(x.ctx).late:
		x.refuse(fasthttp.StatusRequestTimeout, "the body did not come in time")
	default:
		x.refuse(fasthttp.StatusBadRequest, "the body is cut or badly framed")
	}
	return nil, false
}

// read reads to the end of the body, which is not the same as the end of what the sender says: the library reports no error
// when he hangs up in front of a chunk.
func (x *exchange) read(stream io.Reader, length, most int64) ([]byte, error) {
	if length >= 0 {
		body := make([]byte, length)
		_, err := io.ReadFull(stream, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(stream, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(body)) > most:
		return nil, errLong
	case connOf(x.ctx).ended:
		return nil, io.ErrUnexpectedEOF
	}
	return body, nil
}

// ambiguous tells whether a body has two lengths. The library takes the chunks and forgets the other length; a proxy in
// front may have taken the other one. It marks such requests by ending their connection.
func ambiguous(header *fasthttp.RequestHeader) bool {
	if !header.ConnectionClose() {
		return false
	}
	var length, coding bool
	for line := range bytes.Lines(header.RawHeaders()) {
		name, _, _ := bytes.Cut(line, []byte{':'})
		length = length || bytes.EqualFold(name, []byte(fasthttp.HeaderContentLength))
		coding = coding || bytes.EqualFold(name, []byte(fasthttp.HeaderTransferEncoding))
	}
	return length && coding
}

// fit takes room for so many bytes and tells whether there is any. Who has not proven himself shares one half with all
// others like him and does not wait.
func (x *exchange) fit(need int64) bool {
	if !x.proven {
		if !x.strange.try(need, inFlight(x.live)/2) {
			return false
		}
		x.share = need
		if !x.room.try(need, inFlight(x.live)) {
			return false
		}
		x.held = need
		return true
	}
	if !x.room.try(need, inFlight(x.live)) {
		ctx, cancel := context.WithTimeout(context.Background(), journalWithin(x.live))
		defer cancel()
		if !x.room.wait(ctx, need, func() int64 { return inFlight(x.o.Live.Load()) }) {
			return false
		}
		// The wait was ours, not the sender's.
		connOf(x.ctx).wait(requestWithin(x.live))
	}
	x.held = need
	return true
}

// release gives the room back; once is enough.
func (x *exchange) release() {
	x.room.release(x.held)
	x.strange.release(x.share)
	x.held, x.share = 0, 0
}
