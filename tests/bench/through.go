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
	messages := pick(b, uint64(2_000), 20_000)
	t := b.out.table("Messages through: webhook in, echo agent, post to a receiver", "round", "messages/s", "accepted/s", "p50 ms", "p99 ms",
		"gateway µs/message", "not through in time")
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
			fmt.Sprintf("%.2f", paced.P99), fmt.Sprintf("%.1f", flat.cost), fmt.Sprint(flat.left+paced.left))
		rates, p50s, p99s = append(rates, flat.rate), append(p50s, paced.P50), append(p99s, paced.P99)
	}
	b.out.target("through_per_s", spreadOf(rates).median, atLeast, 8000)
	b.out.figure("through_p50_ms", spreadOf(p50s).median)
	b.out.figure("through_p99_ms", spreadOf(p99s).median)
	t.note("messages/s: %d posted flat out over %d connections, a conversation each, from the first post to the last answer, at most %s; latency at "+
		"half that rate", messages, connections, throughWithin)
	return nil
}

// passage is what came through.
type passage struct {
	received
	rate     float64 // a second, from the first post to the last answer
	accepted float64 // a second
	cost     float64 // µs of a processor that the gateway needed for one
	left     int64   // were not answered in time
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
	if out.received, err = allReceived(k, int64(a.Requests), began.Add(throughWithin)); err != nil {
		return out, err
	}
	if out.Count == 0 || out.Strange > 0 {
		return out, fmt.Errorf("of %d messages %d were answered within %s, and %d answers were to none of them\n%s", a.Requests, out.Count, throughWithin,
			out.Strange, g.Log())
	}
	out.left = int64(a.Requests) - out.Count
	after, err := cpuOf(g.PID())
	if err != nil {
		return out, err
	}
	out.rate, out.accepted = float64(out.Count)/out.Last.Sub(began).Seconds(), a.Rate
	out.cost = float64((after - before).Microseconds()) / float64(out.Count)
	return out, nil
}

// throughWithin is how long so many messages may take to come through. What has come by then is what counts.
const throughWithin = 20 * time.Second

// allReceived waits for so many answers until then, and gives what there is.
func allReceived(k *rig.Gateway, want int64, until time.Time) (r received, err error) {
	for {
		if r, err = ask(k); err != nil || r.Count >= want || time.Now().After(until) {
			return r, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// settled waits until nothing is pending in the journal, or for so long, and gives what it counts then.
func settled(g *rig.Gateway, within time.Duration) (s control.Status, err error) {
	for end := time.Now().Add(within); ; time.Sleep(100 * time.Millisecond) {
		s = control.Status{}
		if err := g.Call("status", nil, &s); err != nil {
			return s, fmt.Errorf("ask for the status: %w", err)
		}
		if pending(s) == 0 || time.Now().After(end) {
			return s, nil
		}
	}
}

// pending is how many items wait in the journal.
func pending(s control.Status) (n uint64) {
	for _, q := range s.Queues {
		n += q.Pending
	}
	return n
}
