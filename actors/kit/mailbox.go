package kit

import (
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// keepBuffer is the largest buffer, in messages, that an empty mailbox keeps: a flood must not hold its memory for ever.
const keepBuffer = 1024

// batch is what the actor gets in one turn: one input, or all that waited. The slice belongs to the mailbox and is used
// again after the turn.
type batch struct{ ins []In }

// mailbox is the library's Mailbox without its losses: when it closes, what is left and whatever comes later goes to
// rest; a bounded post refuses instead of spinning or dropping. It exists before its actor does: what is posted before the
// library says Start waits.
//
// A turn is one run of the actor with one batch; turns never overlap. Fields without a lock belong to the running turn.
type mailbox struct {
	mu     sync.Mutex
	user   []In  // being filled
	system []any // the library's own; they overtake
	closed bool

	rest    func(In)
	waiting atomic.Int64 // inputs that no turn has taken
	systems atomic.Int64
	running atomic.Bool // a turn is running or scheduled; true until Start

	draining []In // taken from user, owned by the running turn
	pos      int
	all      batch

	whole      bool // one turn takes all that waits
	invoker    actor.MessageInvoker
	dispatcher actor.Dispatcher
	run        func() // one closure for life, not one per wake-up

	hand hand
}

// hand is what an actor works on, for the tree: the hung one shows itself.
type hand struct {
	mu    sync.Mutex
	what  reflect.Type // of the first input; nil when idle
	count int
	since time.Time
}

func (h *hand) take(ins []In) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.what, h.count, h.since = seenAs(ins[0].Msg), len(ins), time.Now()
}

func (h *hand) drop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.what, h.count = nil, 0
}

// line is what the tree shows: nothing when idle.
func (h *hand) line(now time.Time) (what string, held time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.count == 0:
		return "", 0
	case h.count == 1:
		return fmt.Sprint(h.what), now.Sub(h.since)
	default:
		return fmt.Sprintf("%d inputs, first %v", h.count, h.what), now.Sub(h.since)
	}
}

// seenAs is the type as which the machine will see a message.
func seenAs(msg any) reflect.Type {
	switch m := msg.(type) {
	case own:
		msg = m.msg
	case reply, expired:
		msg = Answered{}
	}
	return reflect.TypeOf(msg)
}

func newMailbox(whole bool, rest func(In)) *mailbox {
	m := &mailbox{whole: whole, rest: rest}
	m.run = m.process
	m.running.Store(true)
	return m
}

var _ actor.Mailbox = (*mailbox)(nil)

// RegisterHandlers is called by the library while it spawns the actor.
func (m *mailbox) RegisterHandlers(i actor.MessageInvoker, d actor.Dispatcher) {
	m.invoker, m.dispatcher = i, d
}

// Start is called by the library when the actor can run; it lets turns begin.
func (m *mailbox) Start() { m.dispatcher.Schedule(m.run) }

// UserMessageCount is the number of inputs that wait; those in hand do not count.
func (m *mailbox) UserMessageCount() int { return int(m.waiting.Load()) }

// PostUserMessage serves the library, which has nothing to say to our actors; the kit itself posts with post and tryPost.
func (m *mailbox) PostUserMessage(msg any) { m.post(In{Msg: msg}) }

// PostSystemMessage serves the library, and the kit for Stop. An actor that is gone takes none.
func (m *mailbox) PostSystemMessage(msg any) {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.system = append(m.system, msg)
	m.systems.Add(1)
	m.mu.Unlock()
	m.schedule()
}

// post accepts in, or gives it to rest if the mailbox is closed.
func (m *mailbox) post(in In) { _ = m.tryPost(in, 0) }

// tryPost refuses with ErrFull when limit inputs wait already; limit 0 is none. A closed mailbox gives in to rest and
// returns nil: whoever waits for an answer gets ErrGone from there.
func (m *mailbox) tryPost(in In, limit int) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		m.rest(in)
		return nil
	}
	if limit > 0 && int(m.waiting.Load()) >= limit {
		m.mu.Unlock()
		return ErrFull
	}
	m.user = append(m.user, in)
	m.waiting.Add(1)
	m.mu.Unlock()
	m.schedule()
	return nil
}

func (m *mailbox) schedule() {
	if m.running.CompareAndSwap(false, true) {
		m.dispatcher.Schedule(m.run)
	}
}

// close is called on the actor's own turn when it has stopped. Timers may hold the mailbox for long after: it lets go of
// the actor.
func (m *mailbox) close() {
	m.mu.Lock()
	left := append(append([]In(nil), m.draining[m.pos:]...), m.user...)
	m.user, m.system, m.closed = nil, nil, true
	m.waiting.Store(0)
	m.systems.Store(0)
	m.mu.Unlock()
	m.draining, m.pos, m.invoker = nil, 0, nil
	for _, in := range left {
		m.rest(in)
	}
}

// process runs turns until nothing waits. A panic that reaches it comes from the kit itself or from Options.Fatal: it ends
// the process, for the library's way of going on would bring a broken actor back to life. An end of the goroutine from
// inside a turn (a test's FailNow) lets the next goroutine go on.
func (m *mailbox) process() {
	defer m.release()
	deepen(0)
	m.turns()
}

// stackRoom is what turns need of a stack as a rule.
const stackRoom = 8 << 10

// deepen has the goroutine's stack grow to that at once. Turns of a few microseconds begin on a small one each, and growing it
// step by step below them, with all their frames to be moved, took 10.6 % of the time of a gateway under load, and 5.1 % so.
//
//go:noinline
func deepen(n int) byte {
	if n == 0 {
		return 0 // it is the frame that counts; nothing is ever written to it
	}
	var room [stackRoom]byte
	room[n%stackRoom] = byte(n)
	return room[n/2%stackRoom]
}

// release gives the mailbox free and takes it again if something came after the last look.
func (m *mailbox) release() {
	m.hand.drop()
	m.running.Store(false)
	if m.systems.Load() > 0 || m.waiting.Load() > 0 {
		m.schedule()
	}
}

func (m *mailbox) turns() {
	for i := 0; ; i++ {
		if i > m.dispatcher.Throughput() {
			i = 0
			runtime.Gosched()
		}
		if msg := m.nextSystem(); msg != nil {
			m.invoker.InvokeSystemMessage(msg)
			continue
		}
		if !m.take() {
			return
		}
		m.hand.take(m.all.ins)
		m.invoker.InvokeUserMessage(&m.all)
		clear(m.all.ins)
	}
}

func (m *mailbox) nextSystem() any {
	if m.systems.Load() == 0 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.system) == 0 {
		return nil
	}
	msg := m.system[0]
	m.system = m.system[1:]
	m.systems.Add(-1)
	return msg
}

// take puts the next turn's inputs into m.all and tells whether there are any.
func (m *mailbox) take() bool {
	if m.pos == len(m.draining) && !m.swap() {
		return false
	}
	end := m.pos + 1
	if m.whole {
		end = len(m.draining)
	}
	m.all.ins = m.draining[m.pos:end:end]
	m.waiting.Add(int64(m.pos - end))
	m.pos = end
	return true
}

// swap exchanges the drained buffer for the filled one and tells whether that holds something.
func (m *mailbox) swap() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if cap(m.draining) > keepBuffer {
		m.draining = nil
	}
	m.user, m.draining, m.pos = m.draining[:0], m.user, 0
	return len(m.draining) > 0
}
