package bluebubbles

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"holdfast/channels"
)

// pace is how often a run does what it does again and again.
type pace struct {
	probe     time.Duration // is the server there?
	reconcile time.Duration // rows that no webhook brought
	webhook   time.Duration // does the server still know our webhook?
	firstTry  time.Duration // pause after the first failure, doubling
	lastTry   time.Duration // up to this
}

var usualPace = pace{
	probe: 30 * time.Second, reconcile: 10 * time.Minute, webhook: 10 * time.Minute,
	firstTry: time.Second, lastTry: 30 * time.Second,
}

// channel is one life of an account.
type channel struct {
	env      channels.Env
	settings *Settings
	api      *client
	pace     pace
	now      func() time.Time

	look chan struct{} // a send failed: see at once whether the server is there

	mu   sync.Mutex
	info *serverInfo // nil before the first answer
}

// The optional parts that the network has.
var (
	_ channels.Channel   = (*channel)(nil)
	_ channels.Completer = (*channel)(nil)
	_ channels.Fetcher   = (*channel)(nil)
	_ channels.Finder    = (*channel)(nil)
	_ channels.Typer     = (*channel)(nil)
	_ channels.Reader    = (*channel)(nil)
	_ channels.Resolver  = (*channel)(nil)
)

func connect(settings channels.Settings, env channels.Env) channels.Channel {
	return newChannel(settings.(*Settings), env)
}

func newChannel(s *Settings, env channels.Env) *channel {
	return &channel{
		env: env, settings: s, api: newClient(env.Account, s),
		pace: usualPace, now: time.Now, look: make(chan struct{}, 1),
	}
}

// Run watches the server and fetches what no webhook brought. Everything happens on the caller's goroutine.
func (c *channel) Run(ctx context.Context, in channels.Inbox) error {
	defer c.api.close()
	w := watch{channel: c, in: in, rows: newRows(c, in), due: true, facts: map[string]string{}}
	err := w.loop(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// watch is the state of one Run.
type watch struct {
	*channel
	in       channels.Inbox
	rows     *rows
	due      bool // rows are to be fetched
	fetched  time.Time
	hook     hookState
	ours     string    // the address that hook is about
	asked    time.Time // when hook was last looked up
	fails    int
	facts    map[string]string
	reported channels.Condition
}

// loop probes, fetches and pauses until ctx ends, the password is refused, or the gateway does not take what it is
// given. A server that is away is no error: the run waits for it.
func (w *watch) loop(ctx context.Context) error {
	w.report(channels.Connecting, "")
	if err := w.rows.begin(ctx); err != nil {
		return err
	}
	for {
		err := w.round(ctx)
		pause := w.pace.probe
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			w.fails = 0
			w.report(channels.Connected, w.hook.advice(w.ours))
		case !transient(err):
			return err
		default:
			w.due = true // what happened meanwhile came by no webhook
			pause = backoff(w.pace, w.fails)
			w.fails++
			w.report(channels.Waiting, err.Error())
		}
		if err := w.wait(ctx, pause); err != nil {
			return err
		}
	}
}

// round is one look at the server.
func (w *watch) round(ctx context.Context) error {
	if err := w.probe(ctx); err != nil {
		return err
	}
	now := w.now()
	if at := w.in.Webhook(); w.hook == "" || at != w.ours || now.Sub(w.asked) >= w.pace.webhook {
		hook, err := w.findHook(ctx, at)
		if err != nil {
			return err
		}
		w.hook, w.ours, w.asked = hook, at, now
	}
	if !w.due && now.Sub(w.fetched) < w.pace.reconcile {
		return nil
	}
	if err := w.rows.reconcile(ctx); err != nil {
		return err
	}
	w.due, w.fetched = false, now
	return nil
}

func (w *watch) wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	case <-w.look:
	case <-w.in.Nudge():
		w.due = true
	}
	return nil
}

// report tells the gateway what has changed.
func (w *watch) report(link channels.Link, cause string) {
	facts := map[string]string{"webhookRegistered": string(w.hook.orUnknown())}
	maps.Copy(facts, w.channel.facts())
	maps.Copy(facts, w.rows.facts)
	next := channels.Condition{Link: link, Cause: cause, Facts: facts}
	if next.Link == w.reported.Link && next.Cause == w.reported.Cause && maps.Equal(next.Facts, w.reported.Facts) {
		return
	}
	if next.Link != w.reported.Link {
		w.env.Log.Info().Str("link", string(link)).Str("from", string(w.reported.Link)).Str("cause", cause).Msg("connection")
	}
	w.reported = next
	w.in.Report(next)
}

// backoff doubles with every failure; the random part keeps accounts of one server apart.
func backoff(p pace, fails int) time.Duration {
	pause := p.lastTry
	if fails < 16 {
		pause = min(p.firstTry<<fails, p.lastTry)
	}
	return pause - time.Duration(rand.Int64N(int64(pause)/4+1))
}

// lookNow makes the run see at once what became of the server.
func (c *channel) lookNow() {
	select {
	case c.look <- struct{}{}:
	default:
	}
}
