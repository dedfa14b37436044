package explore

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"holdfast/actors/access"
	"holdfast/actors/agents"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/lanes"
	"holdfast/actors/outbox"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

// Faults that a world may allow.
const (
	slow    = "slow"    // a deadline is over while what it waits for is on its way
	late    = "late"    // a question is not answered in time
	crash   = "crash"   // a run ends with an error; right after its start it is a failed start
	panicky = "panic"   // a run ends without a word
	refusal = "refusal" // the network says no, and that asking again will not help
	hang    = "hang"    // a run does not end when it is told to, or a call never comes back
	disk    = "disk"    // the journal cannot
	plugin  = "plugin"  // interpreting a request panics or hangs
)

var errDisk = errors.New("the disk is full")

// configured plays those who only take what a reload tells them: access, agents, outbox and lanes.
type configured struct{ quiet }

// told is their state: the last revision that they heard of.
type told struct{ Revision uint64 }

func (configured) Direct() bool  { return true }
func (configured) Alike() string { return "configured" }

func (configured) Take(_ View, state any, in kit.In) []Way {
	var answer any
	switch m := in.Msg.(type) {
	case access.Configure:
		state, answer = told{m.Revision}, access.Configured{}
	case agents.Configure:
		state, answer = told{m.Revision}, agents.Configured{}
	case outbox.Configure:
		state, answer = told{m.Revision}, outbox.Configured{}
	case lanes.Configure:
		state, answer = told{m.Revision}, lanes.Configured{}
	case supervisor.Connected, supervisor.Disconnected:
		return []Way{{State: state}}
	default:
		return []Way{{State: state, Bug: fmt.Sprintf("told %T, which it cannot know", in.Msg)}}
	}
	to := []kit.Effect{kit.Answer{To: in.From, Msg: answer}}
	return []Way{{State: state, Effects: to}, {State: state, Effects: to, Fault: late, Late: true}}
}

// kept is what the journal has of one account.
type kept struct {
	account channels.Account
	run     uint64
	stopped bool
	pending []uint64 // requests
	last    uint64   // the newest request
	ended   uint64   // the newest that has ended
}

// books is the state of the journal.
type books struct {
	rows  []kept
	to    map[string]kit.Addr // subscribers by channel
	posts int                 // requests that senders may still post
	paths []doorway           // what the router has it keep
}

func (b books) row(id channels.Account) kept {
	for _, k := range b.rows {
		if k.account == id {
			return k
		}
	}
	return kept{account: id}
}

func (b books) with(k kept) books {
	b.rows = slices.DeleteFunc(slices.Clone(b.rows), func(o kept) bool { return o.account == k.account })
	b.rows = append(b.rows, k)
	slices.SortFunc(b.rows, func(x, y kept) int { return strings.Compare(string(x.account), string(y.account)) })
	return b
}

// ledger plays the journal.
type ledger struct {
	quiet
	accounts []channels.Account // to which senders may post
}

func (ledger) Direct() bool { return true }

func (l ledger) Take(_ View, state any, in kit.In) []Way {
	b := state.(books)
	reply := func(next books, ok, bad any) []Way {
		to := func(msg any) []kit.Effect { return []kit.Effect{kit.Answer{To: in.From, Msg: msg}} }
		return []Way{
			{State: next, Effects: to(ok)},
			{State: b, Effects: to(bad), Fault: disk},
			{State: next, Effects: to(ok), Fault: late, Late: true, Text: "but too late"},
		}
	}
	switch m := in.Msg.(type) {
	case journal.Subscribe:
		to := map[string]kit.Addr{m.Channel: m.To}
		for channel, addr := range b.to {
			if channel != m.Channel {
				to[channel] = addr
			}
		}
		b.to = to
		return []Way{{State: b}}
	case journal.GetState:
		return reply(b, journal.Values{Values: b.row(m.Account).values()}, journal.Values{Err: errDisk})
	case journal.Commit:
		if in.From.IsZero() { // the router's: it waits for nothing
			next, wrong := b.keep(m)
			return []Way{{State: next, Bug: wrong}}
		}
		next, wrong, ended := b.commit(m)
		if wrong != "" {
			return []Way{{State: b, Bug: wrong}}
		}
		if ended {
			return reply(b, journal.Committed{Err: journal.ErrEnded}, journal.Committed{Err: errDisk})
		}
		return reply(next, journal.Committed{Added: make([]uint64, 0)}, journal.Committed{Err: errDisk})
	case journal.Keep:
		return reply(b, journal.Committed{}, journal.Committed{Err: errDisk})
	case journal.Take:
		return reply(b, b.take(m), journal.Taken{Err: errDisk})
	}
	return []Way{{State: b, Bug: fmt.Sprintf("told %T, which it cannot know", in.Msg)}}
}

func (k kept) values() map[string][]byte {
	out := map[string][]byte{}
	if k.run > 0 {
		out["run"] = strconv.AppendUint(nil, k.run, 10)
	}
	if k.stopped {
		out["stopped"] = []byte("1")
	}
	return out
}

// commit does all of a step, or nothing of it: ended tells that one of its requests has ended already.
func (b books) commit(m journal.Commit) (next books, wrong string, ended bool) {
	k := b.row(m.Account)
	for _, op := range m.Ops {
		switch op := op.(type) {
		case journal.SetState:
			if op.Name == "stopped" {
				k.stopped = len(op.Value) > 0
				break
			}
			n, err := strconv.ParseUint(string(op.Value), 10, 64)
			if err != nil || n < k.run {
				return b, fmt.Sprintf("%s: run numbers fall from %d to %s", m.Account, k.run, op.Value), false
			}
			k.run = n
		case journal.End:
			if op.Seq <= k.ended {
				return b, "", true
			}
			if slices.Index(k.pending, op.Seq) != 0 {
				return b, fmt.Sprintf("law 5: %s: request %d is ended out of the order of acceptance: %v wait", m.Account, op.Seq, k.pending), false
			}
			k.pending, k.ended = k.pending[1:], op.Seq
		}
	}
	return b.with(k), "", false
}

func (b books) take(m journal.Take) journal.Taken {
	out := journal.Taken{Queue: m.Queue, Last: m.After}
	for _, seq := range b.row(m.Queue.Account).pending {
		if seq > m.After && len(out.Requests) < m.Max {
			out.Requests = append(out.Requests, channels.Request{Seq: seq, Account: m.Queue.Account})
			out.Last = seq
		}
	}
	return out
}

// Moves: a sender posts a request.
func (l ledger) Moves(_ View, state any) []Way {
	b := state.(books)
	if b.posts == 0 {
		return nil
	}
	var out []Way
	for _, id := range l.accounts {
		next, k := b, b.row(id)
		to, subscribed := b.to[id.Channel()]
		if !subscribed {
			continue
		}
		next.posts--
		k.last++
		k.pending = append(slices.Clone(k.pending), k.last)
		woken := journal.Woken{Queue: journal.Queue{Kind: journal.Requests, Account: id}}
		out = append(out, Way{
			State: next.with(k), Effects: []kit.Effect{kit.Tell{To: to, Msg: woken}},
			Text: fmt.Sprintf("request %d of %s is accepted", k.last, id),
		})
	}
	return out
}
