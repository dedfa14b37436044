package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/valyala/fasthttp"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/router"
	"holdfast/channels"
	"holdfast/channels/webhook"
	"holdfast/http/server"
)

// The servers that this binary is, by the first word of its command line. They are started as a gateway is, so "run" is the
// last one.
const (
	bareServer     = "bare"     // the library, answering 200
	askedServer    = "asked"    // the edge with route table and screen; an actor is asked, and keeps nothing
	acceptServer   = "accept"   // the edge and the journal; nobody takes anything out again
	sinkServer     = "sink"     // a receiver of answers
	profiledServer = "profiled" // the gateway, with profiles of itself
)

// serve is the server that a command line names, until it is ended; false if it names none.
func serve(args []string) (code int, served bool) {
	if len(args) == 0 {
		return 0, false
	}
	var err error
	switch args[0] {
	case bareServer:
		err = serveBare()
	case askedServer:
		err = serveEdge(instant)
	case acceptServer:
		err = serveEdge(durable)
	case sinkServer:
		err = serveSink()
	case profiledServer:
		return profiled(args[1], args[2:]), true
	default:
		return 0, false
	}
	fmt.Fprintln(os.Stderr, args[0]+":", err)
	return 1, true
}

// say tells whoever started the server where it is.
func say(l net.Listener) { fmt.Printf("listens on http://%s\n", l.Addr()) }

// serveBare reads a body and says ok, as the edge does. A body is read whole, as it is by default.
func serveBare() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	say(l)
	s := &fasthttp.Server{Name: "bare", Handler: func(ctx *fasthttp.RequestCtx) {
		if len(ctx.PostBody()) == 0 {
			ctx.SetStatusCode(fasthttp.StatusBadRequest)
			return
		}
		ctx.SetContentType("text/plain; charset=utf-8")
		ctx.SetBodyString("ok\n")
	}}
	return s.Serve(l)
}

// instant is in the journal's place, and has taken everything before it is asked.
func instant(sys *kit.System, _ zerolog.Logger) (kit.Addr, error) {
	return sys.Start("journal", kit.Def[uint64]{Kind: "instant", Step: func(n uint64, in kit.In) (uint64, []kit.Effect) {
		return n + 1, []kit.Effect{kit.Answer{To: in.From, Msg: journal.Accepted{Seqs: []uint64{n + 1}}}}
	}}.Spec())
}

// durable is the journal itself, in the working folder.
func durable(sys *kit.System, log zerolog.Logger) (kit.Addr, error) {
	store, err := journal.Open(journal.Options{Dir: "state", Log: log})
	if err != nil {
		return kit.Addr{}, err
	}
	return sys.Start("journal", journal.Spec(store))
}

// serveEdge is the edge with one account, whose requests go to what takes them.
func serveEdge(taker func(*kit.System, zerolog.Logger) (kit.Addr, error)) error {
	log := zerolog.New(os.Stderr).Level(zerolog.WarnLevel)
	sys, cell := kit.New(kit.Options{Log: log}), &registry.Cell{}
	to, err := taker(sys, log)
	if err != nil {
		return err
	}
	l, err := server.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := publish(sys, cell, l.Addr().String()); err != nil {
		return err
	}
	say(l)
	return server.New(server.Options{
		System: sys, Live: cell, Journal: to, Log: log, Listener: l,
		Health: func() server.Health { return server.Health{Ready: true, Health: "green"} },
		Missed: func(channels.Account) {},
	}).Serve()
}

// publish makes the route of one account live, by the router and the registry.
func publish(sys *kit.System, cell *registry.Cell, listen string) error {
	kind := webhook.Kind()
	own := kind.Settings()
	said := fmt.Sprintf(`{"path": "/hook/a0", "auth": {"type": "bearer", "secret": %q}, "callbackUrl": "http://127.0.0.1:9/", "callbackSecret": %q}`,
		settings{webhooks: 2}.secret(0), callbackKey)
	if err := json.Unmarshal([]byte(said), own); err != nil {
		return fmt.Errorf("read the settings of the account: %w", err)
	}
	at, err := sys.Start("registry", registry.Spec(cell))
	if err != nil {
		return err
	}
	routes, err := sys.Start("router", router.Spec(at, kit.Addr{}, router.Known{})) // nothing is published by it, so it keeps nothing
	if err != nil {
		return err
	}
	const account = channels.Account("webhook:a0")
	claims := []router.Claim{{Account: account, Routes: kind.Routes(account, own)}}
	if err := asked(sys, routes, router.Register{Claims: claims, Listen: listen}); err != nil {
		return err
	}
	return asked(sys, at, registry.Publish{Revision: 1})
}

// asked asks and wants an answer that is no refusal.
func asked(sys *kit.System, to kit.Addr, msg any) error {
	answer, err := sys.TryAsk(to, msg, 0, time.Minute)
	if err != nil {
		return fmt.Errorf("%s: %w", to, err)
	}
	switch a := answer.(type) {
	case router.Registered:
		if len(a.Refused) > 0 {
			return fmt.Errorf("the router refused: %v", a.Refused)
		}
		return a.Err
	case registry.Published:
		return a.Err
	}
	return nil
}
