package kit

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
)

// invoker plays the library: it hands every turn to the test.
type invoker struct {
	user func([]In)
	sys  func(any)
}

func (i invoker) InvokeUserMessage(msg any) { i.user(msg.(*batch).ins) }
func (i invoker) InvokeSystemMessage(msg any) {
	if i.sys != nil {
		i.sys(msg)
	}
}
func (invoker) EscalateFailure(any, any) {}

func opened(m *mailbox, i invoker) *mailbox {
	m.RegisterHandlers(i, actor.NewDefaultDispatcher(300))
	m.Start()
	return m
}

func TestAClosingMailboxLosesNothing(t *testing.T) {
	for range 50 {
		const senders, each = 4, 500
		var handled, rest atomic.Int64
		m := newMailbox(false, func(In) { rest.Add(1) })
		closed := make(chan struct{})
		opened(m, invoker{
			user: func(ins []In) {
				handled.Add(int64(len(ins)))
				if handled.Load() == senders*each/4 {
					m.PostSystemMessage(&actor.Stop{})
				}
			},
			sys: func(any) { m.close(); close(closed) },
		})
		var wg sync.WaitGroup
		for range senders {
			wg.Go(func() {
				for i := range each {
					m.post(In{Msg: i})
					runtime.Gosched()
				}
			})
		}
		wg.Wait()
		<-closed
		if got := handled.Load() + rest.Load(); got != senders*each {
			t.Fatalf("%d handled and %d handed over, want %d together", handled.Load(), rest.Load(), senders*each)
		}
	}
}

func TestAClosedMailboxTakesNoSystemMessageAndLetsGoOfTheActor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		systems := 0
		m := newMailbox(false, func(In) {})
		opened(m, invoker{sys: func(any) { systems++; m.close() }})
		m.PostSystemMessage(&actor.Stop{})
		synctest.Wait()
		m.PostSystemMessage(&actor.Stop{})
		synctest.Wait()
		if systems != 1 || m.invoker != nil || m.systems.Load() != 0 {
			t.Fatalf("systems handled: %d, invoker: %v, waiting: %d; want 1, nil, 0", systems, m.invoker, m.systems.Load())
		}
	})
}

func TestABoundedPostRefusesInsteadOfWaiting(t *testing.T) {
	m := newMailbox(false, func(In) {})
	for i := range 3 {
		if err := m.tryPost(In{Msg: i}, 3); err != nil {
			t.Fatalf("post %d: %v", i, err)
		}
	}
	if err := m.tryPost(In{Msg: 3}, 3); err != ErrFull { //nolint:errorlint // exactly this
		t.Fatalf("the fourth post below a bound of three: %v, want ErrFull", err)
	}
	if err := m.tryPost(In{Msg: 3}, 0); err != nil {
		t.Fatalf("a post without a bound: %v", err)
	}
	if got := m.UserMessageCount(); got != 4 {
		t.Fatalf("%d wait, want 4: what was refused must not count", got)
	}
}

func TestWhatComesBeforeTheStartWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []any
		m := newMailbox(false, func(In) {})
		m.post(In{Msg: "early"})
		opened(m, invoker{user: func(ins []In) { got = append(got, ins[0].Msg) }})
		m.post(In{Msg: "late"})
		synctest.Wait()
		if len(got) != 2 || got[0] != "early" || got[1] != "late" {
			t.Fatalf("handled %v, want early, late", got)
		}
	})
}

func TestTheOrderOfOneSenderIsKept(t *testing.T) {
	const senders, each = 3, 2000
	last := [senders]int{}
	left := senders * each
	done := make(chan struct{})
	m := opened(newMailbox(false, func(In) {}), invoker{user: func(ins []In) {
		m := ins[0].Msg.([2]int)
		if m[1] != last[m[0]]+1 {
			t.Errorf("sender %d: %d came after %d", m[0], m[1], last[m[0]])
		}
		last[m[0]] = m[1]
		if left--; left == 0 {
			close(done)
		}
	}})
	for s := range senders {
		go func() {
			for i := range each {
				m.post(In{Msg: [2]int{s, i + 1}})
			}
		}()
	}
	<-done
}

func TestAWholeMailboxGivesAllThatWaitsInOneTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns []int
		gate := make(chan struct{})
		m := opened(newMailbox(true, func(In) {}), invoker{user: func(ins []In) {
			turns = append(turns, len(ins))
			<-gate
		}})
		m.post(In{Msg: 0})
		synctest.Wait()
		for i := range 5 {
			m.post(In{Msg: i})
		}
		close(gate)
		synctest.Wait()
		if len(turns) != 2 || turns[0] != 1 || turns[1] != 5 {
			t.Fatalf("turns of %v, want of 1 and 5", turns)
		}
	})
}

func TestSystemMessagesOvertake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []any
		m := newMailbox(false, func(in In) { got = append(got, in.Msg) })
		m.post(In{Msg: "waits"})
		m.PostSystemMessage("overtakes")
		opened(m, invoker{
			user: func(ins []In) { got = append(got, ins[0].Msg) },
			sys:  func(msg any) { got = append(got, msg) },
		})
		synctest.Wait()
		if len(got) != 2 || got[0] != "overtakes" {
			t.Fatalf("handled %v, want overtakes, waits", got)
		}
	})
}

func TestAFloodsMemoryIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMailbox(false, func(In) {})
		for i := range 10 * keepBuffer {
			m.post(In{Msg: i})
		}
		opened(m, invoker{user: func([]In) {}})
		synctest.Wait()
		m.post(In{Msg: "one more turn of the buffers"})
		synctest.Wait()
		if got := cap(m.user) + cap(m.draining); got > 2*keepBuffer {
			t.Fatalf("an empty mailbox keeps room for %d inputs, want at most %d", got, 2*keepBuffer)
		}
	})
}

func TestHandledInputsAreLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, whole := range []bool{false, true} {
			m := newMailbox(whole, func(In) {})
			m.post(In{Msg: "large"})
			m.post(In{Msg: "larger"})
			opened(m, invoker{user: func([]In) {}})
			synctest.Wait()
			for _, buffer := range [][]In{m.user, m.draining} {
				for _, in := range buffer[:cap(buffer)] {
					if in.Msg != nil {
						t.Errorf("whole=%v: an idle mailbox still holds %v", whole, in.Msg)
					}
				}
			}
		}
	})
}

// once is a dispatcher that runs turns on the sender, so that only the mailbox's own allocations are counted.
type once struct{}

func (once) Schedule(f func()) { f() }
func (once) Throughput() int   { return 300 }

func TestAWakeUpAllocatesNothing(t *testing.T) {
	m := newMailbox(false, func(In) {})
	m.RegisterHandlers(invoker{user: func([]In) {}}, once{})
	m.Start()
	var msg any = "a message that is there already"
	if got := testing.AllocsPerRun(1000, func() { m.post(In{Msg: msg}) }); got != 0 {
		t.Fatalf("%v allocations for a message and its wake-up, want none", got)
	}
}

func TestAnEndOfTheGoroutineInsideATurnDoesNotStickTheMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handled := 0
		m := opened(newMailbox(false, func(In) {}), invoker{user: func(ins []In) {
			if ins[0].Msg == "end" {
				runtime.Goexit()
			}
			handled++
		}})
		m.post(In{Msg: "end"})
		m.post(In{Msg: "next"})
		synctest.Wait()
		if handled != 1 || m.hand.count != 0 {
			t.Fatalf("handled %d after the end, in hand %d; want 1 and 0", handled, m.hand.count)
		}
	})
}

func BenchmarkMailbox(b *testing.B) {
	done := make(chan struct{})
	n := 0
	m := opened(newMailbox(false, func(In) {}), invoker{user: func([]In) {
		if n++; n == b.N {
			close(done)
		}
	}})
	b.ReportAllocs()
	var msg any = 1
	for range b.N {
		m.post(In{Msg: msg})
	}
	<-done
}
