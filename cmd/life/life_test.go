package life

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/actors/supervisor"
)

func TestSignals(t *testing.T) {
	const (
		hup, interrupt, term = syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM
		soon                 = sameSignal - time.Millisecond
	)
	type signal struct {
		after time.Duration
		s     os.Signal
	}
	for _, c := range []struct {
		name    string
		signals []signal
		why     string
		exits   []int
	}{
		{"the first asks for the end", []signal{{0, term}}, "terminated", nil},
		{"a terminal that is closed asks for the end", []signal{{0, hup}}, "hangup", nil},
		{"one that follows at once is the same", []signal{{0, interrupt}, {0, interrupt}, {soon, term}}, "interrupt", nil},
		{"a second SIGTERM ends the process at once", []signal{{0, term}, {sameSignal, term}}, "terminated", []int{ExitTERM}},
		{"a second SIGINT ends the process at once", []signal{{0, term}, {sameSignal, interrupt}}, "terminated", []int{ExitINT}},
		{"a second SIGHUP ends it as SIGTERM does", []signal{{0, hup}, {time.Hour, hup}}, "hangup", []int{ExitTERM}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				signals := make(chan os.Signal)
				var exits []int
				g := &gateway{stop: make(chan ending, 1), o: Options{
					Signals: signals, Log: zerolog.Nop(), Exit: func(code int) { exits = append(exits, code) },
				}}
				go g.obey()
				for _, s := range c.signals {
					time.Sleep(s.after)
					signals <- s.s
					synctest.Wait()
				}
				close(signals)
				if e := <-g.stop; e != (ending{why: c.why}) || !slices.Equal(exits, c.exits) {
					t.Errorf("%+v and exits %v, want %s and %v", e, exits, c.why, c.exits)
				}
			})
		})
	}
}

func TestOnlyTheFirstReasonCounts(t *testing.T) {
	g := &gateway{stop: make(chan ending, 1)}
	g.shutdown(ending{"the listener failed", ExitHeld})
	g.shutdown(ending{why: "terminated"})
	if e := <-g.stop; e.code != ExitHeld {
		t.Errorf("it ends for %+v", e)
	}
}

func TestTheSharesOfTheBudgetFollowTheMessage(t *testing.T) {
	began := time.Now()
	b := budget{began, 10 * time.Second}
	last := began
	for _, share := range []float64{edgeShare, intakeShare, lanesShare, outboxShare, runsShare} {
		until := b.until(share)
		if !until.After(last) {
			t.Errorf("share %v ends at %s, not after the one before", share, until.Sub(began))
		}
		last = until
	}
	if all := last.Sub(began); all != 10*time.Second {
		t.Errorf("the last share ends after %s, want the whole budget", all)
	}
}

func TestWhyTheStateFolderCannotBeHad(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		code int
		do   string
	}{
		{"another gateway has it", journal.ErrLocked{Dir: "d", Holder: "process 7"}, ExitHeld, "another gateway runs"},
		{"a format that is not known", journal.ErrVersion, ExitJournal, "use the gateway that wrote it"},
		{"a folder that cannot be made", &fs.PathError{Op: "mkdir", Path: "d", Err: syscall.ENOTDIR}, ExitHeld, "cannot be used"},
		{"a store that is damaged", errors.New("manifest: corruption"), ExitJournal, "restore the state folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, do := unopened(fmt.Errorf("open the journal: %w", c.err))
			if code != c.code || !strings.Contains(do, c.do) {
				t.Errorf("code %d, %q; want %d, %q", code, do, c.code, c.do)
			}
		})
	}
}

func TestTheGreetingOfAnAccount(t *testing.T) {
	status := func(change func(*control.AccountStatus)) control.AccountStatus {
		s := control.AccountStatus{Status: supervisor.Status{Account: "webhook:a", Webhook: "http://h/hook"}}
		change(&s)
		return s
	}
	for _, c := range []struct {
		name string
		of   control.AccountStatus
		want string
	}{
		{"its webhook", status(func(*control.AccountStatus) {}), "  webhook:a  http://h/hook"},
		{"one with a hint", status(func(s *control.AccountStatus) { s.Hint = "listen elsewhere" }), "  webhook:a  http://h/hook  (listen elsewhere)"},
		{"one without a webhook", status(func(s *control.AccountStatus) { s.Webhook = "" }), "  webhook:a"},
		{"one that is disabled", status(func(s *control.AccountStatus) { s.Disabled = true }), "  webhook:a  http://h/hook  (disabled)"},
		{
			"one that was stopped", status(func(s *control.AccountStatus) { s.Stopped = true }),
			"  webhook:a  http://h/hook  (stopped by hand: gateway channels start webhook:a)",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := greeting(c.of); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
