package control

import (
	"fmt"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/tree"
)

// Deadlines of the questions that methods ask.
const (
	quick = 10 * time.Second
	slow  = 90 * time.Second // a reload waits for runs to drain
)

// handlers is the method table of the core. It is never changed.
var handlers = map[string]handler{
	"status":        looks("what the gateway is and how it is, account by account", World.status),
	"tree":          looks("every actor as it is now, read without asking it", func(w World, _ time.Time) []tree.Line { return tree.Lines(w.System.Table()) }),
	"routes":        looks("the live route table with its counters", World.routes),
	"channels.list": looks("every account with its state", func(w World, now time.Time) []AccountStatus { return w.Look(now).Accounts }),
	"plugins.list":  looks("generations, instances, and who holds a lease", World.plugins),
	"journal.stats": looks("the counters", func(w World, now time.Time) StatsResult { s := w.Look(now); return StatsResult{s.Journal, s.Queues} }),
	"rpc.discover":  looks("every method with the schema of its params and result", World.discover),

	"config.get":           inspects("what the configuration file says, secrets masked, with the hash that a change needs as its base", World.setting),
	"config.schema":        inspects("the JSON Schema of the configuration file", World.schema),
	"config.schema.lookup": inspects("what the schema says of one place, and what may stand below it", World.lookup),
	"config.set":           asks("make one place of the configuration file say something else, and reload", slow, askSet, edited),
	"config.patch":         asks("merge an object into the configuration file, and reload", slow, askPatch, edited),

	"plan":             reading(asks("say what a reload would change, and how", slow, askPlan, reported)),
	"reload":           asks("read the configuration again, or restart what target names", slow, askReload, reported),
	"channels.start":   byName(asks("start an account, or every account of a channel", slow, order("start"), ordered)),
	"channels.stop":    byName(asks("stop an account, or every account of a channel, until start", slow, order("stop"), ordered)),
	"channels.restart": byName(asks("restart an account, or every account of a channel", slow, order("restart"), ordered)),
	"send":             asks("start a message to a conversation", quick, askSend, posted),

	"journal.ls":     reading(asks("items by kind, account and state, oldest first", quick, askList, listed)),
	"journal.show":   reading(asks("one item with its payload", quick, askItem(func(seq uint64) any { return journal.Show{Seq: seq} }), shown)),
	"journal.verify": reading(asks("count the pending items from the keys and compare with the counters", slow, askVerify, verified)),
	"journal.resend": asks("make a dead item pending again", quick, askItem(func(seq uint64) any { return journal.Resend{Seq: seq} }), committed),
	"journal.drop":   asks("end a pending item as dead, or forget a dead one", quick, askDrop, committed),

	"pairing.list": reading(asks("who waits for approval, and who was approved", quick, func(p Places, m PairingListParams) (kit.Addr, any, error) {
		return p.Access, access.ListPairing{Account: m.Account}, nil
	}, paired)),
	"pairing.approve": asks("let a sender in by the code", quick, askApprove, settled),
	"pairing.deny":    asks("forget a code, or take an approval back by sender", quick, askDeny, settled),

	"shutdown": {help: "drain and end the process with code 0", result: StopResult{}, stop: true},
}

// looks makes a method that reads what everybody may read.
func looks[R any](help string, look func(World, time.Time) R) handler {
	var result R
	return handler{help: help, reads: true, result: result, look: func(w World, _ any, now time.Time) (any, error) { return look(w, now), nil }}
}

// inspects makes a method that reads what everybody may read, and takes params or reads from disk.
func inspects[P, R any](help string, look func(World, P) (R, error)) handler {
	var (
		params P
		result R
	)
	h := handler{help: help, reads: true, params: params, result: result}
	if _, none := any(params).(None); none {
		h.params = nil
	}
	h.look = func(w World, decoded any, _ time.Time) (any, error) {
		p, _ := decoded.(P) // nothing was decoded for None
		return look(w, p)
	}
	return h
}

// asks makes a method that turns its params P into a question, asks the owner of the state, and turns the answer A into the
// result R. An error of question is the caller's, one of result the owner's.
func asks[P, A, R any](help string, within time.Duration, question func(Places, P) (kit.Addr, any, error), result func(A) (R, error)) handler {
	var (
		params P
		out    R
	)
	h := handler{help: help, within: within, params: params, result: out}
	if _, none := any(params).(None); none {
		h.params = nil
	}
	h.ask = func(places Places, decoded any) (kit.Addr, any, error) {
		p, _ := decoded.(P) // nothing was decoded for None
		return question(places, p)
	}
	h.render = func(answer any) (any, error) {
		a, ok := answer.(A)
		if !ok {
			return nil, fmt.Errorf("a bug: got %T as answer, want %T", answer, a)
		}
		return result(a)
	}
	return h
}

// reading marks a method that changes nothing.
func reading(h handler) handler { h.reads = true; return h }

// byName marks a method whose owner is found by a name that the caller gives.
func byName(h handler) handler { h.byName = true; return h }
