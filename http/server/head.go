package server

import (
	"unsafe"

	"github.com/valyala/fasthttp"

	"holdfast/channels/screen"
)

// head lends the screen what is known before the body. The look-ups are made once for a connection, whose requests come one
// after the other in the same place; what they give is valid during the request.
func (c *conn) head(ctx *fasthttp.RequestCtx) screen.Head {
	if c.of != ctx {
		c.of, c.header, c.query = ctx, headerOf(ctx), queryOf(ctx)
	}
	return screen.Head{Method: view(ctx.Method()), Header: c.header, Query: c.query}
}

func headerOf(ctx *fasthttp.RequestCtx) screen.Lookup {
	return func(name string) (string, int) {
		all := ctx.Request.Header.PeekAll(name)
		if len(all) == 0 {
			return "", 0
		}
		return view(all[0]), len(all)
	}
}

// queryOf looks no further than it has to: to go through all of them takes memory, and almost always there is one.
func queryOf(ctx *fasthttp.RequestCtx) screen.Lookup {
	return func(name string) (first string, count int) {
		args := ctx.QueryArgs()
		switch {
		case !args.Has(name):
			return "", 0
		case args.Len() == 1:
			return view(args.Peek(name)), 1
		}
		all := args.PeekMulti(name)
		return view(all[0]), len(all)
	}
}

// view is a text in the library's memory, which it uses again: nothing writes there until the request is answered,
// and nobody keeps it longer.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
