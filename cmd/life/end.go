package life

import (
	"context"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/lanes"
	"holdfast/actors/outbox"
	"holdfast/actors/supervisor"
)

// Shares of the drain's budget; what one step does not use, the next one has. The journal closes after the budget: it has
// only memory to write down.
const (
	edgeShare    = 0.2
	lanesShare   = 0.6
	outboxShare  = 0.8
	journalExtra = 10 * time.Second
)

// end follows the message through the gateway and stops each stage when the one before has nothing more for it.
func (g *gateway) end(why string) int {
	began := time.Now()
	budget := g.cfg.Gateway.DrainTimeout.D()
	until := func(share float64) time.Time { return began.Add(time.Duration(share * float64(budget))) }
	g.o.Log.Info().Str("why", why).Dur("budget", budget).Msg("stopping")
	var left []string

	if g.edge != nil {
		ctx, cancel := context.WithDeadline(context.Background(), until(edgeShare))
		if err := g.edge.Shutdown(ctx); err != nil {
			left = append(left, err.Error())
		}
		cancel()
	}
	supervisors := g.supervisors()
	for _, s := range supervisors {
		left = append(left, ask[supervisor.Drained](g, s, supervisor.Drain{By: until(edgeShare)}, until(edgeShare)).Left...)
	}
	for _, one := range ask[lanes.Drained](g, g.places.lanes, lanes.Drain{By: until(lanesShare)}, until(lanesShare)).Left {
		left = append(left, "turn of "+one)
	}
	if n := len(ask[outbox.Drained](g, g.places.outbox, outbox.Drain{By: until(outboxShare)}, until(outboxShare)).Left); n > 0 {
		left = append(left, "sends whose outcome will be looked up")
	}
	for _, s := range supervisors {
		left = append(left, ask[supervisor.Drained](g, s, supervisor.Drain{Runs: true, By: until(1)}, until(1)).Left...)
	}
	if g.face != nil {
		_ = g.socket.Close()
		g.face.Close()
	}
	return g.closeJournal(began, left)
}

func (g *gateway) closeJournal(began time.Time, left []string) int {
	ctx, cancel := context.WithTimeout(context.Background(), journalExtra)
	defer cancel()
	closed, err := tell[journal.Closed](ctx, g.sys, g.places.journal, journal.Close{})
	if err == nil {
		err = closed.Err
	}
	level := zerolog.InfoLevel
	if len(left) > 0 {
		level = zerolog.WarnLevel
	}
	g.o.Log.WithLevel(level).Strs("left", left).Dur("took", time.Since(began)).Msg("stopped")
	if err != nil {
		g.o.Log.Error().Err(err).Msg("the journal did not close; what was acknowledged is safe, the next start recovers")
		return ExitJournal
	}
	return ExitOK
}

// supervisors are found in the table of mailboxes.
func (g *gateway) supervisors() []kit.Addr {
	var out []kit.Addr
	for _, row := range g.sys.Table() {
		if row.Kind == "supervisor" {
			out = append(out, row.Addr)
		}
	}
	return slices.Clip(out)
}

// ask asks a stage to drain; the answer may be late by a little, a stage that says nothing is left behind.
func ask[A any](g *gateway, to kit.Addr, msg any, by time.Time) A {
	const margin = 500 * time.Millisecond
	ctx, cancel := context.WithDeadline(context.Background(), by.Add(margin))
	defer cancel()
	answer, err := tell[A](ctx, g.sys, to, msg)
	if err != nil {
		g.o.Log.Warn().Err(err).Str("stage", to.String()).Msg("a stage did not say that it has drained")
	}
	return answer
}
