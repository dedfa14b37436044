package run

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// Blobs is where attachments lie, by the hash of their content.
type Blobs interface {
	// Put stores at most limit bytes; more is an error, and then nothing is stored.
	Put(r io.Reader, limit int64) (hash string, size int64, err error)
	// Open reads what was stored.
	Open(hash string) (io.ReadCloser, error)
}

// Spec makes the actor of one run. The supervisor spawns it as its child under start.Name(). sys carries what the
// network's own goroutines ask; log is the network's, with account and run added.
func Spec(start Start, journal, supervisor kit.Addr, sys *kit.System, blobs Blobs, log zerolog.Logger) kit.Spec {
	places := Places{Self: supervisor.Child(start.Name()), Supervisor: supervisor, Journal: journal}
	sh := newShell(start, places.Self, sys, blobs, log)
	return kit.Def[State]{
		Kind:     "run",
		State:    New(start, places),
		Step:     Step,
		First:    Begin{},
		Work:     sh.work,
		Perform:  sh.perform,
		Phase:    func(s State) string { return string(s.Phase) },
		Snapshot: func(s State) any { return s.Status() },
	}.Spec()
}

// leaveWithin is how long a network may take to say what it leaves to the next run.
const leaveWithin = 2 * time.Second

// shell holds what a machine must not: contexts, and the network itself.
type shell struct {
	start Start
	sys   *kit.System
	self  kit.Addr
	blobs Blobs
	log   zerolog.Logger
	inbox *inbox

	all        context.Context //nolint:containedctx // ends when the run is fenced; every call and the network's Run live below it
	cutAll     context.CancelFunc
	calls      context.Context //nolint:containedctx // of the calls alone
	cutCalls   context.CancelFunc
	connection context.Context //nolint:containedctx // of the network's Run alone
	cancel     context.CancelFunc

	network atomic.Pointer[channels.Channel] // what Connect returned
}

func newShell(start Start, self kit.Addr, sys *kit.System, blobs Blobs, log zerolog.Logger) *shell {
	log = log.With().Str("account", string(start.Account)).Uint64("run", start.Number).Logger()
	sh := &shell{start: start, sys: sys, self: self, blobs: blobs, log: log}
	sh.all, sh.cutAll = context.WithCancel(context.Background())
	sh.calls, sh.cutCalls = context.WithCancel(sh.all)
	sh.connection, sh.cancel = context.WithCancel(sh.all)
	sh.inbox = newInbox(sh.all, sys, self, start)
	return sh
}

// perform does the machine's private effects; none of them waits.
func (sh *shell) perform(_ *kit.Context, e kit.Effect) {
	switch e := e.(type) {
	case Cancel:
		sh.cancel()
	case Hurry:
		sh.cutCalls()
	case Cut:
		sh.cutAll()
	case Poke:
		sh.inbox.poke()
	case Readdress:
		sh.inbox.readdress(e.Webhook)
	default:
		panic(fmt.Sprintf("no arm for effect %T", e))
	}
}

// work runs beside the actor; life ends with it, so that nothing is left when the process stops in disorder.
func (sh *shell) work(life context.Context, job any) (any, error) {
	defer context.AfterFunc(life, sh.cutAll)()
	switch job := job.(type) {
	case Live:
		return nil, sh.live(job)
	case Leave:
		ctx, cancel := context.WithTimeout(sh.calls, leaveWithin)
		defer cancel()
		if n, can := (*sh.network.Load()).(channels.Exporter); can {
			return n.Export(ctx)
		}
		return []byte(nil), nil
	case Perform:
		ctx, cancel := context.WithDeadline(sh.calls, job.Until)
		defer cancel()
		return sh.op(ctx, job.Op), nil
	}
	panic(fmt.Sprintf("no arm for job %T", job))
}

// live is one life: Connect and Run, on one goroutine.
func (sh *shell) live(job Live) error {
	sh.inbox.begin(job.Cursor)
	network := sh.start.Kind.Connect(sh.start.Settings, channels.Env{
		Account: sh.start.Account, Run: sh.start.Number, Log: sh.log, Blob: sh.blobs.Open,
	})
	sh.network.Store(&network)
	answer, err := sh.sys.Ask(sh.connection, sh.self, Connected{})
	if err != nil {
		return channels.ErrGone // the run was ended before it began
	}
	if word := answer.(GoOn); word.Err != nil {
		return word.Err
	}
	if n, can := network.(channels.Adopter); can && sh.start.Adopt != nil {
		n.Adopt(sh.start.Adopt)
	}
	return network.Run(sh.connection, sh.inbox)
}
