package main

import (
	"fmt"
	"time"

	"holdfast/actors/control"
	"holdfast/tests/rig"
)

// through measures messages that go all the way: posted to a webhook account, answered by the echo agent, and received as
// posts by a process of its own. The rate is that of so many messages posted flat out, from the first post to the last
// answer; the latency is at half that rate, from the planned post to the answer.
func (b *bench) through() error {
	const connections = 256
	messages := pick(b, uint64(2_000), 40_000)
	t := b.out.table("Messages through: webhook in, echo agent, post to a receiver", "round", "messages/s", "accepted/s", "p50 ms", "p99 ms",
		"gateway µs/message")
	var rates, p50s, p99s []float64
	for n := range pick(b, 1, 3) {
		flat, err := b.passed(pressure{connections: connections, during: time.Minute, requests: messages})
		if err != nil {
			return err
		}
		paced, err := b.passed(pressure{connections: connections, rate: flat.rate / 2, during: pick(b, time.Second, 4*time.Second)})
		if err != nil {
			return err
		}
		t.row(fmt.Sprint(n+1), fmt.Sprintf("%.0f", flat.rate), fmt.Sprintf("%.0f", flat.accepted), fmt.Sprintf("%.2f", paced.P50),
			fmt.Sprintf("%.2f", paced.P99), fmt.Sprintf("%.1f", flat.cost))
		rates, p50s, p99s = append(rates, flat.rate), append(p50s, paced.P50), append(p99s, paced.P99)
	}
	b.out.target("through_per_s", spreadOf(rates).median, atLeast, 8000)
	b.out.figure("through_p50_ms", spreadOf(p50s).median)
	b.out.figure("through_p99_ms", spreadOf(p99s).median)
	t.note("messages/s: flat out over %d connections, a conversation each, from the first post to the last answer; latency at half that rate", connections)
	return nil
}

// passage is what came through.
type passage struct {
	received
	rate     float64 // a second, from the first post to the last answer
	accepted float64 // a second
	cost     float64 // µs of a processor that the gateway needed for one
}

// passed has a load go through a gateway of its own.
func (b *bench) passed(p pressure) (out passage, err error) {
	k, endSink, err := b.stand(sinkServer)
	if err != nil {
		return out, err
	}
	defer endSink()
	g, _, end, err := b.start(settings{webhooks: 1, callback: k.URL + "/"})
	if err != nil {
		return out, err
	}
	defer end()
	before, err := cpuOf(g.PID())
	if err != nil {
		return out, err
	}
	began := time.Now()
	a, err := b.load(g, webhookPost("c{c}"), p)
	if err != nil {
		return out, err
	}
	if out.received, err = allReceived(k, int64(a.Requests)); err != nil {
		return out, fmt.Errorf("%w\n%s", err, g.Log())
	}
	after, err := cpuOf(g.PID())
	if err != nil {
		return out, err
	}
	out.rate, out.accepted = float64(out.Count)/out.Last.Sub(began).Seconds(), a.Rate
	out.cost = float64((after - before).Microseconds()) / float64(out.Count)
	return out, nil
}

// allReceived waits for so many answers, as long as there are any more.
func allReceived(k *rig.Gateway, want int64) (r received, err error) {
	const patience = 30 * time.Second
	last := int64(-1)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if r, err = ask(k); err != nil || r.Count >= want {
			return r, err
		}
		if r.Count > last {
			last, end = r.Count, time.Now().Add(patience)
		}
	}
	return r, fmt.Errorf("of %d messages %d were answered, and then none for %s (%d answers were to none of them)", want, r.Count, patience, r.Strange)
}

// settled waits until nothing is pending in the journal.
func settled(g *rig.Gateway, within time.Duration) (s control.Status, err error) {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		s = control.Status{}
		if err := g.Call("status", nil, &s); err != nil {
			return s, fmt.Errorf("ask for the status: %w", err)
		}
		if pending(s) == 0 {
			return s, nil
		}
	}
	return s, fmt.Errorf("something was pending for longer than %s: %+v", within, s.Queues)
}

// pending is how many items wait in the journal.
func pending(s control.Status) (n uint64) {
	for _, q := range s.Queues {
		n += q.Pending
	}
	return n
}
