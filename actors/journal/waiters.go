package journal

import (
	"time"

	"github.com/benbjohnson/immutable"

	"holdfast/actors/kit"
)

const (
	// maxWaiting bounds how many Answers may wait at once; further ones hear at once what is known.
	maxWaiting = 1024
	// longestWait bounds how long one Answers may wait.
	longestWait = 10 * time.Minute
)

// waiters are the Answers that wait for a request to end. It is a value.
type waiters struct {
	last uint64
	by   *immutable.SortedMap[uint64, waiter] // by their own number, which is the order in which they came
}

type waiter struct {
	ask  Answers
	from kit.Return
}

func noWaiters() waiters { return waiters{by: immutable.NewSortedMap[uint64, waiter](nil)} }

func (w waiters) full() bool { return w.by.Len() >= maxWaiting }

// with keeps a question and asks for its deadline.
func (w waiters) with(m Answers, from kit.Return) (waiters, []kit.Effect) {
	w.last++
	w.by = w.by.Set(w.last, waiter{ask: m, from: from})
	return w, []kit.Effect{kit.After{Delay: min(m.Wait, longestWait), Msg: waitOver{w.last}}}
}

// without takes one away, if it still waits.
func (w waiters) without(number uint64) (waiters, waiter, bool) {
	found, waits := w.by.Get(number)
	if waits {
		w.by = w.by.Delete(number)
	}
	return w, found, waits
}

// look has those judged again that wait for one of the requests, in the order in which they came.
func (w waiters) look(requests map[uint64]bool) []kit.Effect {
	if len(requests) == 0 {
		return nil
	}
	var out []kit.Effect
	for it := w.by.Iterator(); !it.Done(); {
		if n, one, _ := it.Next(); requests[one.ask.Request] {
			out = append(out, judge{number: n, ask: one.ask, from: one.from})
		}
	}
	return out
}

// renamed has those wait for the new name who waited for the old one.
func (w waiters) renamed(m Rename) waiters {
	for it := w.by.Iterator(); !it.Done(); {
		if n, one, _ := it.Next(); one.ask.Account == m.From {
			one.ask.Account = m.To
			w.by = w.by.Set(n, one)
		}
	}
	return w
}

// over lets nobody wait any longer: each hears what is known.
func (w waiters) over() (waiters, []kit.Effect) {
	var out []kit.Effect
	for it := w.by.Iterator(); !it.Done(); {
		_, one, _ := it.Next()
		out = append(out, judge{ask: one.ask, from: one.from, last: true})
	}
	return waiters{last: w.last, by: noWaiters().by}, out
}

// verdict is what became of a request: pending while anything is, else the worst end. Of equally bad ends the most telling
// one speaks: what became of the message, then of its replies, then of the request.
func verdict(request item, led []item) (State, string, string) {
	speaks, worst := request, rank(request)
	for _, it := range led {
		if r := rank(it); r > worst {
			speaks, worst = it, r
		}
	}
	return speaks.State, speaks.Outcome, speaks.Reason
}

func rank(it item) int {
	bad := map[State]int{Done: 0, Expired: 1, Dead: 2, Pending: 3}[it.State]
	telling := map[Kind]int{Requests: 0, Replies: 1, Arrivals: 2}[it.Kind]
	return bad*3 + telling
}
