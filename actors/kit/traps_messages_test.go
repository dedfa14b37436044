package kit_test

import (
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

func TestTrapStashIsReplayedOnRestartOnlyInReverseWithoutItsSender(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		lives := 0
		sender := s.Root.Spawn(props(idle))
		pid := s.Root.Spawn(actor.PropsFromProducer(func() actor.Actor {
			lives++
			first := lives == 1
			return actor.ReceiveFunc(func(c actor.Context) {
				m, ok := c.Message().(string)
				switch {
				case !ok:
				case m == "die":
					panic("on purpose")
				case first:
					c.Stash()
				default:
					seen.add(m)
					seen.add(c.Sender() != nil)
				}
			})
		}))
		for _, m := range []string{"a", "b", "die"} {
			s.Root.RequestWithCustomSender(pid, m, sender)
		}
		seen.want(t, "b", false, "a", false)
	})
}

func TestTrapTheFailingMessageIsLostAndTheRestGoesToTheNextLife(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		pid := s.Root.Spawn(props(func(c actor.Context) {
			if n, ok := c.Message().(int); ok {
				if n == 0 {
					panic("on purpose")
				}
				seen.add(n)
			}
		}))
		for n := range 4 {
			s.Root.Send(pid, n)
		}
		seen.want(t, 1, 2, 3)
	})
}

// busy is an actor that handles ints, the first one only when gate opens.
func busy(s *actor.ActorSystem, seen *log, gate chan struct{}, options ...actor.PropsOption) *actor.PID {
	pid := s.Root.Spawn(props(func(c actor.Context) {
		if n, ok := c.Message().(int); ok {
			if n == 0 {
				<-gate
			}
			seen.add(n)
		}
	}, options...))
	s.Root.Send(pid, 0)
	synctest.Wait()
	return pid
}

// deadLetters counts the messages of which the library admits that nobody got them.
func deadLetters(s *actor.ActorSystem) *atomic.Int64 {
	var n atomic.Int64
	s.EventStream.Subscribe(func(event any) {
		if d, ok := event.(*actor.DeadLetterEvent); ok {
			if _, ours := d.Message.(int); ours {
				n.Add(1)
			}
		}
	})
	return &n
}

func TestTrapStopOvertakesAndLosesWhatWaitsSilently(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		dead, gate := deadLetters(s), make(chan struct{})
		pid := busy(s, &seen, gate)
		for n := range 20 {
			s.Root.Send(pid, n+1)
		}
		s.Root.Stop(pid)
		close(gate)
		seen.want(t, 0)
		if dead.Load() != 0 {
			t.Errorf("%d dead letters, measured none", dead.Load())
		}
	})
}

func TestTrapPoisonLosesWhatComesBetweenThePillAndTheEndSilently(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		dead, gate := deadLetters(s), make(chan struct{})
		pid := busy(s, &seen, gate)
		s.Root.Send(pid, 1)
		s.Root.Poison(pid)
		s.Root.Send(pid, 2)
		close(gate)
		seen.want(t, 0, 1)
		if dead.Load() != 0 {
			t.Errorf("%d dead letters, measured none", dead.Load())
		}
	})
}

func TestTrapPoisonDoesNotDrainChildren(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		gate := make(chan struct{})
		parent := s.Root.Spawn(props(func(c actor.Context) {
			switch m := c.Message().(type) {
			case *actor.Started:
				child := c.Spawn(props(func(c actor.Context) {
					switch n := c.Message().(type) {
					case string:
						<-gate
					case int:
						seen.add(n)
					}
				}))
				c.Send(child, "be busy")
				for n := range 20 {
					c.Send(child, n)
				}
			case float64:
				seen.add(m)
			}
		}))
		for n := range 3 {
			s.Root.Send(parent, float64(n))
		}
		s.Root.Poison(parent)
		synctest.Wait()
		close(gate)
		seen.want(t, 0., 1., 2.)
	})
}

func TestTrapAQuestionQueuedBehindAStopWaitsOutItsTime(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		gate := make(chan struct{})
		pid := busy(s, &log{}, gate)
		asked := time.Now()
		f := s.Root.RequestFuture(pid, "question", time.Hour)
		s.Root.Stop(pid)
		close(gate)
		if _, err := f.Result(); !errors.Is(err, actor.ErrTimeout) || time.Since(asked) != time.Hour {
			t.Errorf("%v after %v, measured: a timeout after the full hour", err, time.Since(asked))
		}
	})
}

func TestTrapTheEndsOfAQuestionDoNotNameIt(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		dead := s.Root.Spawn(props(idle))
		s.Root.Stop(dead)
		synctest.Wait()
		s.Root.Spawn(props(func(c actor.Context) {
			switch m := c.Message().(type) {
			case *actor.Started:
				c.RequestFuture(c.Self(), 1, time.Second).PipeTo(c.Self())
				c.Request(dead, 1)
			case *actor.DeadLetterResponse:
				seen.add(m.GetTarget() == nil)
			case error:
				seen.add(m)
			}
		}))
		time.Sleep(time.Minute)
		seen.want(t, true, actor.ErrTimeout)
	})
}

func TestTrapASecondAnswerOverwritesTheFirst(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		pid := s.Root.Spawn(props(func(c actor.Context) {
			if _, ok := c.Message().(int); ok {
				c.Respond("first")
				c.Respond("second")
			}
		}))
		f := s.Root.RequestFuture(pid, 0, time.Hour)
		synctest.Wait()
		if got, err := f.Result(); got != "second" || err != nil {
			t.Errorf("%v, %v; measured: the second answer", got, err)
		}
	})
}

func TestTrapAContinuationHoldsTheOldLife(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		lives := 0
		other := s.Root.Spawn(props(func(c actor.Context) {
			if _, ok := c.Message().(int); ok {
				time.Sleep(time.Second)
				c.Respond(1)
			}
		}))
		pid := s.Root.Spawn(actor.PropsFromProducer(func() actor.Actor {
			lives++
			life := lives
			return actor.ReceiveFunc(func(c actor.Context) {
				switch c.Message() {
				case "ask":
					c.ReenterAfter(c.RequestFuture(other, 1, time.Hour), func(any, error) { seen.add(life) })
				case "die":
					panic("on purpose")
				}
			})
		}))
		s.Root.Send(pid, "ask")
		s.Root.Send(pid, "die")
		time.Sleep(time.Minute)
		seen.want(t, 1)
		if lives != 2 {
			t.Errorf("%d lives, measured 2", lives)
		}
	})
}

func TestTrapANameThatIsBeingSpawnedPanicsInItsSender(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		panicked := false
		_, err := s.Root.SpawnNamed(props(idle, actor.WithOnInit(func(c actor.Context) {
			defer func() { panicked = recover() != nil }()
			s.Root.Send(actor.NewPID("nonhost", c.Self().GetId()), "hello")
		})), "registry")
		if !panicked || err != nil {
			t.Errorf("panicked: %v, %v; measured: the sender panics", panicked, err)
		}
	})
}

func TestTrapAReceiveTimeoutFiresOnce(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		began := time.Now()
		s.Root.Spawn(props(func(c actor.Context) {
			switch c.Message().(type) {
			case *actor.Started:
				c.SetReceiveTimeout(time.Minute)
			case *actor.ReceiveTimeout:
				seen.add(time.Since(began))
			}
		}))
		time.Sleep(time.Hour)
		seen.want(t, time.Minute)
	})
}

// TestTrapABoundedMailboxHoldsUpItsSender runs in real time, for the sender spins.
func TestTrapABoundedMailboxHoldsUpItsSender(t *testing.T) {
	s, gate, handled := library(), make(chan struct{}), make(chan struct{})
	pid := s.Root.Spawn(props(func(c actor.Context) {
		switch c.Message() {
		case 0:
			<-gate
		case 19:
			close(handled)
		}
	}, actor.WithMailbox(actor.Bounded(4))))
	var sent atomic.Int64
	go func() {
		for n := range 20 {
			s.Root.Send(pid, n)
			sent.Add(1)
		}
	}()
	for range 1000 {
		runtime.Gosched()
	}
	if n := sent.Load(); n > 6 {
		t.Errorf("%d of 20 sent, measured: held up after what is in hand and the bound", n)
	}
	close(gate)
	<-handled
}

// still is a dispatcher that never runs a turn.
type still struct{}

func (still) Schedule(func()) {}
func (still) Throughput() int { return 1 }

func TestTrapADroppingMailboxMiscountsWhatItDropped(t *testing.T) {
	box := actor.BoundedDropping(8)()
	box.RegisterHandlers(nil, still{})
	for n := range 100 {
		box.PostUserMessage(n)
	}
	if got := box.UserMessageCount(); got != 100 {
		t.Errorf("%d counted in a mailbox of 8, measured 100 (and, after that, a busy loop)", got)
	}
}

type pair struct{}

func (pair) GetMessages() []any { return []any{1, 2} }

func TestTrapABatchOfMessagesIsPostedOnceMoreAsItself(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		pid := s.Root.Spawn(props(func(c actor.Context) {
			switch m := c.Message().(type) {
			case int, pair:
				seen.add(m)
			}
		}))
		s.Root.Send(pid, pair{})
		seen.want(t, 1, 2, pair{})
	})
}

func TestTrapAPointerIsAnotherMessage(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		pid := s.Root.Spawn(props(func(c actor.Context) {
			if m, ok := c.Message().(again); ok {
				seen.add(m)
			}
		}))
		s.Root.Send(pid, &again{})
		s.Root.Send(pid, again{})
		seen.want(t, again{})
	})
}

func TestTrapEventsAreHandledOnTheirPublishersGoroutine(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		handled := false
		s.EventStream.Subscribe(func(any) { handled = true })
		s.EventStream.Publish("event")
		if !handled {
			t.Error("Publish returned before the handler ran, measured: it runs inside")
		}
	})
}

func TestTrapWithChangesTheSharedRoot(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		_ = s.Root.WithSenderMiddleware(func(next actor.SenderFunc) actor.SenderFunc {
			return func(c actor.SenderContext, to *actor.PID, m *actor.MessageEnvelope) {
				seen.add("middleware")
				next(c, to, m)
			}
		})
		s.Root.Send(s.Root.Spawn(props(idle)), 1)
		seen.want(t, "middleware")
	})
}
