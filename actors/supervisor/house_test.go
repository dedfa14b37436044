package supervisor

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
	"holdfast/actors/run"
	"holdfast/channels"
)

// double is a network made of functions; what is not set does nothing until its context ends.
type double struct {
	run  func(ctx context.Context, env channels.Env, in channels.Inbox) error
	send func(ctx context.Context, r channels.Reply) (channels.Receipt, error)
	env  channels.Env
}

func (d double) Run(ctx context.Context, in channels.Inbox) error {
	if d.run != nil {
		return d.run(ctx, d.env, in)
	}
	in.Report(channels.Condition{Link: channels.Connected})
	<-ctx.Done()
	return ctx.Err()
}

func (d double) Send(ctx context.Context, r channels.Reply) (channels.Receipt, error) {
	if d.send != nil {
		return d.send(ctx, r)
	}
	return channels.Receipt{ID: "sent"}, nil
}

// noBlobs stands where attachments would lie.
type noBlobs struct{}

func (noBlobs) Put(io.Reader, int64) (string, int64, error) {
	return "", 0, errors.New("no blobs here")
}
func (noBlobs) Open(string) (io.ReadCloser, error) { return nil, errors.New("no blobs here") }

// disk is what the journal keeps; it outlives supervisors.
type disk struct {
	mu      sync.Mutex
	values  map[channels.Account]map[string][]byte
	pending []channels.Request
	ends    []journal.End
	added   []channels.Arrival
}

func (d *disk) answer(msg any) any {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch m := msg.(type) {
	case journal.GetCursor:
		return journal.Cursor{}
	case journal.GetState:
		return journal.Values{Values: d.values[m.Account]}
	case journal.Take:
		out := journal.Taken{Queue: m.Queue, Last: m.After}
		for _, r := range d.pending {
			if r.Seq > m.After && r.Account == m.Queue.Account && len(out.Requests) < m.Max {
				out.Requests, out.Last = append(out.Requests, r), r.Seq
			}
		}
		return out
	case journal.Commit:
		return d.commit(m)
	}
	return nil
}

func (d *disk) commit(m journal.Commit) journal.Committed {
	var out journal.Committed
	for _, op := range m.Ops {
		switch op := op.(type) {
		case journal.SetState:
			next := map[string][]byte{}
			for name, value := range d.values[m.Account] {
				next[name] = value
			}
			next[op.Name] = op.Value
			if op.Value == nil {
				delete(next, op.Name)
			}
			d.values[m.Account] = next
		case journal.End:
			d.ends = append(d.ends, op)
			d.pending = slices.DeleteFunc(slices.Clone(d.pending), func(r channels.Request) bool { return r.Seq == op.Seq })
		case journal.AddArrival:
			d.added = append(d.added, op.Arrival)
			out.Added = append(out.Added, uint64(len(d.added)))
		}
	}
	return out
}

func (d *disk) ended() []journal.End {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.ends)
}

// house is a supervisor with real runs, between a journal and a registry that are played.
type house struct {
	t        *testing.T
	sys      *kit.System
	self     kit.Addr
	disk     *disk
	journal  *kittest.Probe
	registry *kittest.Probe
	outbox   *kittest.Probe

	mu     sync.Mutex
	held   map[registry.LeaseID]string
	leased []string // holders, in order
}

func newHouse(t *testing.T, kind channels.Kind, allow ...kittest.Allowance) *house {
	t.Helper()
	h := &house{t: t, sys: kittest.New(t, allow...), held: map[registry.LeaseID]string{}, disk: &disk{values: map[channels.Account]map[string][]byte{}}}
	h.journal = kittest.NewProbe(t, h.sys, "journal").Answering(h.disk.answer)
	h.outbox = kittest.NewProbe(t, h.sys, "outbox")
	h.registry = kittest.NewProbe(t, h.sys, "registry").Answering(func(msg any) any {
		h.mu.Lock()
		defer h.mu.Unlock()
		m, asks := msg.(registry.Lease)
		if !asks {
			return nil
		}
		h.leased = append(h.leased, m.Holder)
		return registry.Leased{Lease: registry.LeaseID(len(h.leased)), Kind: kind}
	})
	h.start("channels/double")
	return h
}

// start begins a supervisor; another one after the first is what a new process would begin.
func (h *house) start(name string) {
	h.t.Helper()
	self := kit.Named(name)
	spec := Spec("double", Places{Self: self, Registry: h.registry.Addr(), Journal: h.journal.Addr(), Outbox: h.outbox.Addr()}, func(start run.Start) kit.Spec {
		return run.Spec(start, h.journal.Addr(), self, h.sys, noBlobs{}, zerolog.Nop())
	})
	if _, err := h.sys.Start(name, spec); err != nil {
		h.t.Fatal(err)
	}
	h.self = self
}

func (h *house) ask(msg any) any {
	h.t.Helper()
	answer, err := h.sys.Ask(h.t.Context(), h.self, msg)
	if err != nil {
		h.t.Fatalf("asking the supervisor: %v", err)
	}
	return answer
}

func (h *house) apply(accounts ...Account) map[channels.Account]Verdict {
	h.t.Helper()
	return h.ask(Apply{Revision: 1, Accounts: accounts}).(Applied).Verdicts
}

func (h *house) order(id channels.Account, do string) Verdict {
	h.t.Helper()
	return h.ask(Order{Account: id, Do: do}).(Ordered).Verdicts[id]
}

func (h *house) status(id channels.Account) Status {
	snapshot, _ := h.sys.Snapshot(h.self).(Snapshot)
	for _, a := range snapshot.Accounts {
		if a.Account == id {
			return a
		}
	}
	return Status{}
}

// is waits until the account's status is as said.
func (h *house) is(id channels.Account, what string, holds func(Status) bool) Status {
	h.t.Helper()
	if !kittest.Eventually(func() bool { return holds(h.status(id)) }) {
		h.t.Fatalf("%s is never %s: %+v", id, what, h.status(id))
	}
	return h.status(id)
}

// accept makes requests pending and wakes the supervisor.
func (h *house) accept(requests ...channels.Request) {
	h.disk.mu.Lock()
	h.disk.pending = append(h.disk.pending, requests...)
	h.disk.mu.Unlock()
	h.sys.Tell(h.self, journal.Woken{Queue: journal.Queue{Kind: journal.Requests, Account: requests[0].Account}})
}

// connecting is a kind whose Connect gives the network.
func connecting(network double) channels.Kind {
	return channels.Kind{
		Name:      "double",
		Connect:   func(_ channels.Settings, env channels.Env) channels.Channel { n := network; n.env = env; return n },
		Interpret: func(channels.Settings, channels.Request) ([]channels.Arrival, error) { return nil, nil },
	}
}
