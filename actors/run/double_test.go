package run

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

// double is a network made of functions; what is not set does nothing until its context ends.
type double struct {
	run  func(ctx context.Context, in channels.Inbox) error
	send func(ctx context.Context, r channels.Reply) (channels.Receipt, error)
}

func (d double) Run(ctx context.Context, in channels.Inbox) error {
	if d.run != nil {
		return d.run(ctx, in)
	}
	<-ctx.Done()
	return ctx.Err()
}

func (d double) Send(ctx context.Context, r channels.Reply) (channels.Receipt, error) {
	if d.send != nil {
		return d.send(ctx, r)
	}
	return channels.Receipt{ID: "sent"}, nil
}

// fetching is a network that can also fetch.
type fetching struct {
	double
	fetch func(ctx context.Context, a channels.Attachment) (io.ReadCloser, error)
}

func (f fetching) Fetch(ctx context.Context, a channels.Attachment) (io.ReadCloser, error) {
	return f.fetch(ctx, a)
}

var errTooLarge = errors.New("larger than the limit")

// blobs keeps attachments in memory.
type blobs struct {
	mu     sync.Mutex
	stored map[string][]byte
}

func (b *blobs) Put(r io.Reader, limit int64) (string, int64, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return "", 0, err
	}
	if int64(len(data)) > limit {
		return "", 0, errTooLarge
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stored[string(data)] = data
	return string(data), int64(len(data)), nil
}

func (b *blobs) Open(hash string) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return io.NopCloser(bytes.NewReader(b.stored[hash])), nil
}

// stage is a run among probes.
type stage struct {
	t       *testing.T
	sys     *kit.System
	parent  *kittest.Probe
	journal *kittest.Probe
	blobs   *blobs
	self    kit.Addr
}

// newStage starts a run of the network below a probe. The journal takes everything.
func newStage(t *testing.T, network channels.Channel) *stage {
	t.Helper()
	return newStageWith(t, network, func(m journal.Accept) any { return journal.Accepted{Seqs: make([]uint64, len(m.Requests))} })
}

// newStageWith starts a run whose journal knows the cursor c1 and answers Accept as said; nil leaves it open.
func newStageWith(t *testing.T, network channels.Channel, accept func(journal.Accept) any) *stage {
	t.Helper()
	sys := kittest.New(t)
	s := &stage{t: t, sys: sys, blobs: &blobs{stored: map[string][]byte{}}}
	s.parent = kittest.NewProbe(t, sys, "channels/double")
	s.journal = kittest.NewProbe(t, sys, "journal").Answering(func(msg any) any {
		switch m := msg.(type) {
		case journal.GetCursor:
			return journal.Cursor{Value: []byte("c1")}
		case journal.Accept:
			return accept(m)
		}
		return nil
	})
	start := Start{Account: "double:home", Number: 7, Webhook: testStart.Webhook, Kind: channels.Kind{
		Name: "double", Connect: func(channels.Settings, channels.Env) channels.Channel { return network },
	}}
	s.self = s.parent.Child(start.Name(), Spec(start, s.journal.Addr(), s.parent.Addr(), sys, s.blobs, zerolog.Nop()))
	return s
}

// status is what the run last published.
func (s *stage) status() Status {
	status, _ := s.sys.Snapshot(s.self).(Status)
	return status
}

// is waits until the run's status is as said.
func (s *stage) is(what string, holds func(Status) bool) {
	s.t.Helper()
	if !kittest.Eventually(func() bool { return holds(s.status()) }) {
		s.t.Fatalf("the run is never %s: %+v", what, s.status())
	}
}

func (s *stage) up() {
	s.t.Helper()
	s.is("up", func(st Status) bool { return st.Phase == Up })
}

// ended waits for the end of the run.
func (s *stage) ended() kit.Ended {
	s.t.Helper()
	return kittest.Wait(s.parent, func(m kit.Ended) bool { return m.Child == s.self })
}

func content(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }
