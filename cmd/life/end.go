package life

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/lanes"
	"holdfast/actors/outbox"
	"holdfast/actors/supervisor"
)

// Shares of the budget by which each stage has ended; what one does not use, the next one has. The journal closes after
// the budget: it has only memory to write down.
const (
	edgeShare   = 0.2
	intakeShare = 0.3
	lanesShare  = 0.6
	outboxShare = 0.8
	runsShare   = 1.0
)

const (
	journalExtra = 10 * time.Second       // after the budget
	answerExtra  = 500 * time.Millisecond // after a stage's share, for it to say what it leaves behind
)

// budget is the time that the end may take.
type budget struct {
	began time.Time
	all   time.Duration
}

// until is when a share of the budget is used up.
func (b budget) until(share float64) time.Time {
	return b.began.Add(time.Duration(share * float64(b.all)))
}

// end follows the message through the gateway and stops each stage when the one before has nothing more for it.
func (g *gateway) end(e ending) int {
	defer g.ebb.stop()
	b := budget{time.Now(), g.settings.DrainTimeout.D()}
	g.o.Log.Info().Str("why", e.why).Dur("budget", b.all).Msg("stopping")
	left := g.endEdge(b.until(edgeShare))
	left = append(left, g.drainSupervisors(false, b.until(intakeShare))...)
	for _, one := range drain[lanes.Drained](g, g.places.lanes, lanes.Drain{By: b.until(lanesShare)}, b.until(lanesShare)).Left {
		left = append(left, "turn of "+one)
	}
	for _, seq := range drain[outbox.Drained](g, g.places.outbox, outbox.Drain{By: b.until(outboxShare)}, b.until(outboxShare)).Left {
		left = append(left, fmt.Sprintf("send of item %d, whose outcome will be looked up", seq))
	}
	left = append(left, g.drainSupervisors(true, b.until(runsShare))...)
	if g.face != nil {
		_ = g.socket.Close()
		g.face.Close()
	}
	return cmp.Or(g.closeJournal(b.began, left), e.code)
}

// endEdge answers what is under way and takes nothing more.
func (g *gateway) endEdge(by time.Time) []string {
	ctx, cancel := context.WithDeadline(context.Background(), by)
	defer cancel()
	if err := g.edge.Shutdown(ctx); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// drainSupervisors ends consumption, and with runs the accounts, of all channels beside each other.
func (g *gateway) drainSupervisors(runs bool, by time.Time) []string {
	var at []kit.Addr
	for _, row := range g.sys.Table() {
		if row.Kind == "supervisor" {
			at = append(at, row.Addr)
		}
	}
	left := make([][]string, len(at))
	var all sync.WaitGroup
	for i, one := range at {
		all.Go(func() {
			left[i] = drain[supervisor.Drained](g, one, supervisor.Drain{Runs: runs, By: by}, by).Left
		})
	}
	all.Wait()
	return slices.Concat(left...)
}

// drain asks a stage to drain; the answer may be late by a little, a stage that says nothing is left behind.
func drain[A any](g *gateway, stage kit.Addr, msg any, by time.Time) A {
	ctx, cancel := context.WithDeadline(context.Background(), by.Add(answerExtra))
	defer cancel()
	answer, err := tell[A](ctx, g.sys, stage, msg)
	if err != nil {
		g.o.Log.Warn().Err(err).Str("stage", stage.String()).Msg("a stage did not say that it has drained")
	}
	return answer
}

func (g *gateway) closeJournal(began time.Time, left []string) int {
	ctx, cancel := context.WithTimeout(context.Background(), journalExtra)
	defer cancel()
	closed, err := tell[journal.Closed](ctx, g.sys, g.places.journal, journal.Close{})
	if err = cmp.Or(err, closed.Err); err != nil {
		g.o.Log.Error().Err(err).Msg("the journal did not close; what was acknowledged is safe, the next start recovers")
		return ExitJournal
	}
	level := zerolog.InfoLevel
	if len(left) > 0 {
		level = zerolog.WarnLevel
	}
	g.o.Log.WithLevel(level).Strs("left", left).Dur("took", time.Since(began)).Msg("stopped")
	return ExitOK
}
