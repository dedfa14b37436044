package main

import (
	"fmt"
	"time"

	"holdfast/actors/journal"
	"holdfast/tests/rig"
)

// conversationsWithin is how long they may take to be answered. Those that were by then are what counts.
const conversationsWithin = 75 * time.Second

// conversations has many of them be begun and answered in one life of the gateway, and looks at what each leaves in memory.
func (b *bench) conversations() error {
	n := pick(b, uint64(5_000), 100_000)
	g, _, end, err := b.start(settings{webhooks: 1})
	if err != nil {
		return err
	}
	defer end()
	// A first load fills what is as large as load makes it, whoever talks.
	first, before, err := b.answered(g, webhookPost("c{c}"), pressure{connections: 64, during: time.Minute, requests: n / 10, first: n}, conversationsWithin/3)
	if err != nil {
		return err
	}
	all, after, err := b.answered(g, webhookPost("conversation-{n}"), pressure{connections: 64, during: time.Minute, requests: n}, conversationsWithin)
	if err != nil {
		return err
	}
	answered := max(1, all-first)
	each := (after.anon - before.anon) * (1 << 20) / float64(answered)
	t := b.out.table("Conversations of one life that have been answered and are idle", "posted", "answered", "RssAnon before, MiB", "and after, MiB",
		"bytes for each")
	t.row(fmt.Sprint(n), fmt.Sprint(answered), fmt.Sprintf("%.1f", before.anon), fmt.Sprintf("%.1f", after.anon), fmt.Sprintf("%.0f", each))
	t.note("posted in one go; answered within %s", conversationsWithin)
	b.out.figure("conversations", float64(answered))
	b.out.figure("conversation_bytes", each)
	b.out.figure("conversations_anon_mb", after.anon)
	return nil
}

// answered posts, waits for the answers, and gives how many messages have been answered so far, and the memory after a rest.
func (b *bench) answered(g *rig.Gateway, what post, p pressure, within time.Duration) (n uint64, m memory, err error) {
	if _, err := b.load(g, what, p); err != nil {
		return 0, m, err
	}
	s, err := settled(g, within)
	if err != nil {
		return 0, m, err
	}
	for _, q := range s.Queues {
		if q.Kind == journal.Arrivals {
			n += q.Done
		}
	}
	time.Sleep(b.rest())
	m, err = memoryOf(g.PID())
	return n, m, err
}
