package main

import (
	"fmt"
	"time"
)

// conversations has many of them be begun and answered in one life of the gateway, and looks at what each leaves in memory.
func (b *bench) conversations() error {
	n := pick(b, uint64(5_000), 100_000)
	g, _, end, err := b.start(settings{webhooks: 1})
	if err != nil {
		return err
	}
	defer end()
	// A first load fills what is as large as load makes it, whoever talks.
	if _, err := b.load(g, webhookPost("c{c}"), pressure{connections: 64, during: time.Minute, requests: pick(b, uint64(2_000), 20_000), first: n}); err != nil {
		return err
	}
	before, err := b.calm(g.PID(), func() error { _, err := settled(g, time.Minute); return err })
	if err != nil {
		return err
	}
	if _, err := b.load(g, webhookPost("conversation-{n}"), pressure{connections: 64, during: 5 * time.Minute, requests: n}); err != nil {
		return err
	}
	after, err := b.calm(g.PID(), func() error { _, err := settled(g, 5*time.Minute); return err })
	if err != nil {
		return err
	}
	each := (after.anon - before.anon) * (1 << 20) / float64(n)
	t := b.out.table("Conversations of one life that have been answered and are idle", "conversations", "RssAnon before, MiB", "and after, MiB", "bytes for each")
	t.row(fmt.Sprint(n), fmt.Sprintf("%.1f", before.anon), fmt.Sprintf("%.1f", after.anon), fmt.Sprintf("%.0f", each))
	b.out.figure("conversation_bytes", each)
	b.out.figure("conversations_anon_mb", after.anon)
	return nil
}

// calm is the memory of a process when what was under way has ended and it has rested.
func (b *bench) calm(pid int, ended func() error) (memory, error) {
	if err := ended(); err != nil {
		return memory{}, err
	}
	time.Sleep(b.rest())
	return memoryOf(pid)
}
