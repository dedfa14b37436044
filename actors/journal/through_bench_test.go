//go:build unix

package journal_test

import (
	"bytes"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/channels"
)

// BenchmarkThrough takes messages of 1 KiB all the way: accepted, interpreted, answered, sent. With a backlog, all have been
// accepted before the first is taken, so that what is read left the memory of the store long ago. Of interest is the time of
// the processor per message, which says the same on a disk that is slow and on a machine that has other work.
func BenchmarkThrough(b *testing.B) {
	const messages = 1 << 14
	for _, backlog := range []bool{false, true} {
		b.Run(fmt.Sprintf("backlog=%t", backlog), func(b *testing.B) {
			for b.Loop() {
				p := newPath(b, messages)
				began, busy := time.Now(), cpu(b)
				p.run(backlog)
				stats := ask[journal.Statistics](p.w, journal.Stats{})
				b.ReportMetric(float64((cpu(b)-busy).Microseconds())/messages, "cpu-µs/message")
				b.ReportMetric(messages/time.Since(began).Seconds(), "messages/s")
				b.ReportMetric(float64(stats.Commits)/float64(stats.Syncs), "steps/sync")
				p.w.close()
			}
		})
	}
}

// cpu is what this process has used of the processor.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// path is the way of so many messages through a journal.
type path struct {
	b        *testing.B
	w        *world
	messages int
	body     []byte
}

func newPath(b *testing.B, messages int) *path {
	b.Helper()
	w := start(b, journal.Options{Dir: b.TempDir(), Log: zerolog.Nop()})
	return &path{b: b, w: w, messages: messages, body: bytes.Repeat([]byte("x"), 1<<10)}
}

// run lets the stages work until every message has been sent.
func (p *path) run(backlog bool) {
	var stages sync.WaitGroup
	stages.Go(p.accept)
	if backlog {
		stages.Wait()
	}
	stages.Go(func() { p.stage(journal.Requests, p.interpret) })
	stages.Go(func() { p.stage(journal.Arrivals, p.answer) })
	stages.Go(func() { p.stage(journal.Replies, p.send) })
	stages.Wait()
}

func (p *path) accept() {
	const producers = 256
	var all sync.WaitGroup
	for range producers {
		all.Go(func() {
			for range p.messages / producers {
				p.ask(journal.Accept{Account: home, Requests: []channels.Request{{Form: channels.FormWebhook, Body: p.body}}})
			}
		})
	}
	all.Wait()
}

// stage takes pages of its queue, and does its work on the items of one page at once.
func (p *path) stage(kind journal.Kind, each func(journal.Taken, int)) {
	after := uint64(0)
	for seen := 0; seen < p.messages; {
		taken, is := p.ask(journal.Take{Queue: queue(kind, home), After: after, Max: 64}).(journal.Taken)
		if !is || taken.Err != nil {
			p.b.Error(taken.Err)
			return
		}
		n := len(seqs(taken))
		if n == 0 {
			time.Sleep(time.Millisecond)
		}
		var page sync.WaitGroup
		for i := range n {
			page.Go(func() { each(taken, i) })
		}
		page.Wait()
		seen, after = seen+n, taken.Last
	}
}

func (p *path) interpret(t journal.Taken, i int) {
	r := t.Requests[i]
	p.commit(done(journal.Requests, r.Seq, "interpreted"), journal.AddArrival{Keep: day, Arrival: channels.Arrival{
		ID: fmt.Sprint(r.Seq), Kind: channels.Message, Conversation: conversationFor(r.Seq), Text: string(r.Body),
	}})
}

func (p *path) answer(t journal.Taken, i int) {
	a := t.Arrivals[i]
	p.commit(journal.SetState{Conversation: a.Conversation, Name: "turn", Value: []byte("1")})
	p.commit(done(journal.Arrivals, a.Seq, "answered"), reply(a.Conversation, a.Text))
}

func (p *path) send(t journal.Taken, i int) {
	r := t.Replies[i]
	p.commit(journal.Attempt{Seq: r.Seq, Attempt: 1, At: time.Now()})
	p.commit(journal.Receive{Seq: r.Seq, Receipt: channels.Receipt{ID: fmt.Sprint("p", r.Seq)}}, done(journal.Replies, r.Seq, "sent"))
}

func conversationFor(seq uint64) string { return fmt.Sprint("c", seq%256) }

func (p *path) commit(ops ...journal.Op) {
	if c, is := p.ask(journal.Commit{Account: home, Ops: ops}).(journal.Committed); !is || c.Err != nil {
		p.b.Error(c.Err)
	}
}

func (p *path) ask(msg any) any {
	answer, err := p.w.sys.TryAsk(p.w.at, msg, 0, time.Minute)
	if err != nil {
		p.b.Error(err)
	}
	if a, is := answer.(journal.Accepted); is && a.Err != nil {
		p.b.Error(a.Err)
	}
	return answer
}
