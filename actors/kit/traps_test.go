package kit_test

import (
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"holdfast/actors/kit/kittest"
)

// The tests of this file and of traps_messages_test.go are about the library alone. Each states what the library does by
// default and the kit keeps away from; one that fails says that a newer version behaves differently, and which rule of the
// kit may go. They run in virtual time, where an actor that is stuck for ever costs nothing.

// bare runs f with the library alone.
func bare(t *testing.T, f func(t *testing.T, s *actor.ActorSystem)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t, library())
		time.Sleep(time.Minute) // a dead letter keeps a goroutine of the library for a while
	})
}

func library() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
}

func props(receive actor.ReceiveFunc, options ...actor.PropsOption) *actor.Props {
	return actor.PropsFromFunc(receive, options...)
}

func idle(actor.Context) {}

// log is what an actor under test has seen; it is read after synctest.Wait.
type log []any

func (l *log) add(what any) { *l = append(*l, what) }

func (l *log) want(t *testing.T, want ...any) {
	t.Helper()
	synctest.Wait()
	if diff := kittest.Diff(log(want), *l); diff != "" {
		t.Errorf("the library behaves differently (-measured +now):\n%s", diff)
	}
}

func TestTrapAParentThatWatchesItsChildIsToldTwice(t *testing.T) {
	for name, want := range map[string][]any{"without Watch": {"terminated"}, "with Watch": {"terminated", "terminated"}} {
		t.Run(name, func(t *testing.T) {
			bare(t, func(t *testing.T, s *actor.ActorSystem) {
				var seen log
				var child *actor.PID
				s.Root.Spawn(props(func(c actor.Context) {
					switch c.Message().(type) {
					case *actor.Started:
						child = c.Spawn(props(idle))
						if name == "with Watch" {
							c.Watch(child)
						}
					case *actor.Terminated:
						seen.add("terminated")
					}
				}))
				synctest.Wait()
				s.Root.Stop(child)
				seen.want(t, want...)
			})
		})
	}
}

func TestTrapANameIsTakenUntilTheEndAndTheProducerRunsAnyway(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		produced, gate := 0, make(chan struct{})
		p := actor.PropsFromProducer(func() actor.Actor {
			produced++
			return actor.ReceiveFunc(func(c actor.Context) {
				if _, stopping := c.Message().(*actor.Stopping); stopping {
					<-gate
				}
			})
		})
		pid, _ := s.Root.SpawnNamed(p, "run.7")
		s.Root.Stop(pid)
		synctest.Wait()
		if _, err := s.Root.SpawnNamed(p, "run.7"); !errors.Is(err, actor.ErrNameExists) || produced != 2 {
			t.Errorf("right after Stop: %v, %d produced; measured: the name exists, 2", err, produced)
		}
		close(gate)
		synctest.Wait()
		if _, err := s.Root.SpawnNamed(p, "run.7"); err != nil {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestTrapNamesAreKeptInThousandsOfMaps(t *testing.T) {
	buckets := library().ProcessRegistry.LocalPIDs.LocalPIDs
	if len(buckets) != 1024 || len(buckets[0]) != 32 {
		t.Errorf("%d buckets of %d maps, measured 1024 of 32", len(buckets), len(buckets[0]))
	}
}

func TestTrapAPanicWhileStoppingHidesTheEnd(t *testing.T) {
	for _, c := range []struct {
		name     string
		at       any
		strategy actor.SupervisorStrategy
		measured []any
	}{
		{"in Stopping, default supervision: alive again", &actor.Stopping{}, actor.DefaultSupervisorStrategy(), []any{"started", "started", "hello"}},
		{"in Stopping, stopped on failure: silent for ever", &actor.Stopping{}, actor.NewOneForOneStrategy(0, 0, func(any) actor.Directive { return actor.StopDirective }), []any{"started"}},
		{"in Stopped: silent for ever", &actor.Stopped{}, actor.DefaultSupervisorStrategy(), []any{"started"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bare(t, func(t *testing.T, s *actor.ActorSystem) {
				var seen log
				panics := true
				child := make(chan *actor.PID, 1)
				receive := func(x actor.Context) {
					switch m := x.Message().(type) {
					case *actor.Started:
						seen.add("started")
					case string:
						seen.add(m)
					case *actor.Stopping, *actor.Stopped:
						_, stopping := m.(*actor.Stopping)
						_, atStopping := c.at.(*actor.Stopping)
						if stopping == atStopping && panics {
							panics = false
							panic("on purpose")
						}
					}
				}
				s.Root.Spawn(props(func(x actor.Context) {
					switch x.Message().(type) {
					case *actor.Started:
						child <- x.Spawn(props(receive))
					case *actor.Terminated:
						seen.add("terminated")
					}
				}, actor.WithSupervisor(c.strategy)))
				pid := <-child
				s.Root.Stop(pid)
				time.Sleep(time.Hour)
				s.Root.Send(pid, "hello")
				seen.want(t, c.measured...)
			})
		})
	}
}

func TestTrapDefaultSupervisionStartsElevenTimesAtOnceAndGivesUp(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		starts, began := 0, time.Now()
		var seen log
		s.Root.Spawn(props(func(c actor.Context) {
			switch c.Message().(type) {
			case *actor.Started:
				c.Spawn(props(func(c actor.Context) {
					if _, started := c.Message().(*actor.Started); started {
						starts++
						panic("on purpose")
					}
				}))
			case *actor.Terminated:
				seen.add(time.Since(began))
			}
		}))
		seen.want(t, time.Duration(0))
		if starts != 11 {
			t.Errorf("%d starts, measured 11", starts)
		}
	})
}

func TestTrapTheRestartingStrategyIsAHotLoop(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		const enough = 1000
		starts, began := 0, time.Now()
		s.Root.Spawn(props(func(c actor.Context) {
			if _, started := c.Message().(*actor.Started); started {
				c.Spawn(props(func(c actor.Context) {
					if _, started := c.Message().(*actor.Started); started {
						if starts++; starts < enough {
							panic("on purpose")
						}
					}
				}))
			}
		}, actor.WithSupervisor(actor.NewRestartingStrategy())))
		synctest.Wait()
		if starts != enough || time.Since(began) != 0 {
			t.Errorf("%d starts in %v, measured: as many as one lets it, without a pause", starts, time.Since(began))
		}
	})
}

func TestTrapExponentialBackoffIsLinear(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var pauses []time.Duration
		last := time.Now()
		s.Root.Spawn(props(func(c actor.Context) {
			if _, started := c.Message().(*actor.Started); started {
				c.Spawn(props(func(c actor.Context) {
					if _, started := c.Message().(*actor.Started); started && len(pauses) < 6 {
						pauses = append(pauses, time.Since(last).Truncate(time.Microsecond)/time.Millisecond)
						last = time.Now()
						panic("on purpose")
					}
				}))
			}
		}, actor.WithSupervisor(actor.NewExponentialBackoffStrategy(time.Hour, 20*time.Millisecond))))
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := []time.Duration{0, 20, 40, 60, 80, 100}; !slices.Equal(pauses, want) {
			t.Errorf("pauses of %v ms, measured %v", pauses, want)
		}
	})
}

func TestTrapAFailingConstructorPanicsInTheCaller(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		defer func() {
			if recover() == nil {
				t.Error("Spawn returned, measured: it panics")
			}
		}()
		s.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { panic("on purpose") }))
	})
}

func TestTrapAnEndOfTheGoroutineSticksTheActor(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		pid := s.Root.Spawn(props(func(c actor.Context) {
			switch c.Message() {
			case "end":
				runtime.Goexit()
			case "hello":
				seen.add("hello")
			}
		}))
		s.Root.Send(pid, "end")
		synctest.Wait()
		s.Root.Send(pid, "hello")
		time.Sleep(time.Hour)
		seen.want(t)
	})
}

func TestTrapShutdownStopsNoActorAndPanicsTheSecondTime(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		pid := s.Root.Spawn(props(func(c actor.Context) {
			if m, ok := c.Message().(string); ok {
				seen.add(m)
			}
		}))
		s.Shutdown()
		s.Root.Send(pid, "still here")
		seen.want(t, "still here")
		defer func() {
			if recover() == nil {
				t.Error("a second Shutdown returned, measured: it panics")
			}
		}()
		s.Shutdown()
	})
}

func TestTrapAStoppingParentGoesOnReceiving(t *testing.T) {
	bare(t, func(t *testing.T, s *actor.ActorSystem) {
		var seen log
		gate := make(chan struct{})
		pid := s.Root.Spawn(props(func(c actor.Context) {
			switch m := c.Message().(type) {
			case *actor.Started:
				c.Spawn(props(func(c actor.Context) {
					if _, stopping := c.Message().(*actor.Stopping); stopping {
						<-gate
					}
				}))
			case *actor.Stopping:
				seen.add("stopping")
			case int:
				seen.add(m)
			}
		}))
		synctest.Wait()
		s.Root.Stop(pid)
		synctest.Wait()
		s.Root.Send(pid, 1)
		seen.want(t, "stopping", 1)
		close(gate)
	})
}
