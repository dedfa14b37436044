package kit

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"
)

// System is one world of actors and the table of their mailboxes.
type System struct {
	lib   *actor.ActorSystem
	log   zerolog.Logger
	fatal func(who Addr, cause string)
	bug   func(who Addr, cause string)
	lost  func(to Addr, msg any)
	turn  func(c *Context, in In, state any, effects []Effect)

	slots slots // of TryAsk

	mu   sync.RWMutex
	rows map[Addr]*row

	stray atomic.Uint64 // tells whose receiver was gone
	asked atomic.Uint64 // numbers of questions, for all actors: an answer fits one question only
}

// row is what the table knows of one actor.
type row struct {
	addr   Addr
	kind   string
	parent Addr
	box    *mailbox
	since  time.Time
	view   atomic.Pointer[view]
}

// view is what an actor last published of itself.
type view struct {
	phase    string
	since    time.Time
	snapshot any
}

// Drawn is a snapshot that its reader makes, from a state that never changes: an actor that knows a thousand accounts would
// otherwise draw them all after each of its inputs, almost always for nobody.
type Drawn func() any

func (v *view) read() any {
	if draw, is := v.snapshot.(Drawn); is {
		return draw()
	}
	return v.snapshot
}

// Row is one line of the tree: read from the table of mailboxes without asking the actor.
type Row struct {
	Addr     Addr
	Kind     string
	Parent   Addr
	Age      time.Duration
	Phase    string
	PhaseFor time.Duration
	Waiting  int           // messages in the mailbox
	InHand   string        // what it works on; empty when idle
	HandFor  time.Duration // since when
	Snapshot any           // what the actor last published; immutable
}

// Options of a System.
type Options struct {
	Log zerolog.Logger
	// Fatal ends the process after a panic in a core actor. Default: a panic that nobody recovers. If it returns, as in a
	// test, only the actor ends.
	Fatal func(who Addr, cause string)
	// Bug hears of every panic that ended an actor or happened while one stopped, on that actor's turn. Default: nobody.
	Bug func(who Addr, cause string)
	// Stray hears of every tell whose receiver was gone, on the sender's goroutine. Default: nobody.
	Stray func(to Addr, msg any)
	// Turn performs what a machine has decided, on the actor's turn, which is over when it returns; state is the one after the
	// step. It is for tests that say when turns go on. Default: the effects are performed in order by Context.Do.
	Turn func(c *Context, in In, state any, effects []Effect)
}

// New makes a world. It starts nothing.
func New(o Options) *System {
	if o.Fatal == nil {
		o.Fatal = func(who Addr, cause string) { panic(who.String() + ": " + cause) }
	}
	if o.Bug == nil {
		o.Bug = func(Addr, string) {}
	}
	if o.Stray == nil {
		o.Stray = func(Addr, any) {}
	}
	s := &System{log: o.Log, fatal: o.Fatal, bug: o.Bug, lost: o.Stray, turn: o.Turn, rows: map[Addr]*row{}}
	s.lib = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(zerolog.NewSlogHandler(o.Log.Level(max(o.Log.GetLevel(), zerolog.WarnLevel)).With().Str("actor", "library").Logger()))
	}))
	narrow(s.lib.ProcessRegistry.LocalPIDs)
	return s
}

// narrow folds the library's names into the first of its buckets. By default there are 32,768 maps: 3.5 MiB before the first
// actor, and as each of them keeps the memory of the first name that fell into it, 9 MiB more as names come and go. Those of
// one bucket are plenty for names that are looked up only when an actor starts or ends.
func narrow(names *actor.SliceMap) {
	all := names.LocalPIDs
	for _, bucket := range all[1:] {
		bucket.IterCb(func(name string, process any) { all[0].Set(name, process) })
	}
	names.LocalPIDs = slices.Clone(all[:1])
}

// Start spawns an actor that has no parent, under the given name. It fails if the name is in use.
func (s *System) Start(name string, what Spec) (Addr, error) {
	return s.spawn(Named(name), Addr{}, what)
}

// Tell sends from outside all actors.
func (s *System) Tell(to Addr, msg any) { s.deliver(to, In{Msg: msg}) }

// Stop ends an actor after the turn that it is on, and all below it. Its parent hears of it.
func (s *System) Stop(who Addr) {
	if r := s.lookup(who); r != nil {
		r.stop()
	}
}

// Alive tells whether the actor is still there.
func (s *System) Alive(who Addr) bool { return s.lookup(who) != nil }

// Stray counts the tells whose receiver was gone.
func (s *System) Stray() uint64 { return s.stray.Load() }

// Table is every actor as it is now, by name.
func (s *System) Table() []Row {
	now := time.Now()
	s.mu.RLock()
	rows := slices.Collect(maps.Values(s.rows))
	s.mu.RUnlock()
	out := make([]Row, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.line(now))
	}
	slices.SortFunc(out, func(a, b Row) int { return strings.Compare(a.Addr.id, b.Addr.id) })
	return out
}

// Snapshot is what the actor last published; nil if it is gone or has published nothing.
func (s *System) Snapshot(who Addr) any {
	if r := s.lookup(who); r != nil {
		if v := r.view.Load(); v != nil {
			return v.read()
		}
	}
	return nil
}

func (r *row) line(now time.Time) Row {
	out := Row{Addr: r.addr, Kind: r.kind, Parent: r.parent, Age: now.Sub(r.since), Waiting: r.box.UserMessageCount()}
	if v := r.view.Load(); v != nil {
		out.Phase, out.PhaseFor, out.Snapshot = v.phase, now.Sub(v.since), v.read()
	}
	out.InHand, out.HandFor = r.box.hand.line(now)
	return out
}

// stop overtakes what waits. It serves an actor whose life is about to begin as well, and one that is gone.
func (r *row) stop() { r.box.PostSystemMessage(&actor.Stop{}) }

func (s *System) lookup(who Addr) *row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.rows[who]
}

func (s *System) deliver(to Addr, in In) {
	if r := s.lookup(to); r != nil {
		r.box.post(in)
		return
	}
	s.undelivered(to, in)
}

// undelivered is where messages end whose receiver is gone: questions are answered, tells counted.
func (s *System) undelivered(to Addr, in In) {
	if !in.From.IsZero() {
		s.answer(in.From, ErrGone)
		return
	}
	switch in.Msg.(type) {
	case reply, expired, own, Done, Ended:
		return // addressed to a life that is over; nobody is the poorer
	}
	s.stray.Add(1)
	s.log.Debug().Stringer("to", to).Type("input", in.Msg).Msg("a message found nobody")
	s.lost(to, in.Msg)
}

func (s *System) answer(to Return, msg any) {
	switch {
	case to.slot != nil:
		to.slot.put(to.seq, msg)
	case !to.to.IsZero():
		s.deliver(to.to, In{Msg: reply{seq: to.seq, msg: msg}})
	}
}

// spawn makes the actor before anybody knows it, so that a definition that panics leaves nothing behind; then it takes the
// name, with the first message already in the mailbox; then the library lets it run. A message sent in between waits.
func (s *System) spawn(as, parent Addr, what Spec) (Addr, error) {
	if as.IsZero() {
		return Addr{}, errors.New("spawn: an actor needs a name")
	}
	r := &row{addr: as, kind: what.kind, parent: parent, since: time.Now()}
	r.box = newMailbox(what.whole, func(in In) { s.undelivered(as, in) })
	sh := newShell(s, r, what)
	if what.first != nil {
		r.box.post(In{Msg: own{what.first}})
	}
	if !s.claim(r) {
		return Addr{}, fmt.Errorf("spawn %s: the name is in use", as)
	}
	props := actor.PropsFromProducer(func() actor.Actor { return sh },
		actor.WithMailbox(func() actor.Mailbox { return r.box }))
	if _, err := s.lib.Root.SpawnNamed(props, as.id); err != nil {
		s.forget(r)
		r.box.close()
		return Addr{}, fmt.Errorf("spawn %s: %w", as, err)
	}
	return as, nil
}

// claim takes the name if it is free. The library frees a name before forget does, so a claimed one is free there too.
func (s *System) claim(r *row) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows[r.addr] != nil {
		return false
	}
	s.rows[r.addr] = r
	return true
}

func (s *System) forget(r *row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows[r.addr] == r {
		delete(s.rows, r.addr)
	}
}
