package control

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/outbox"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/actors/router"
	"holdfast/actors/supervisor"
	"holdfast/actors/tree"
	"holdfast/channels"
)

// Deadlines of the questions that methods ask.
const (
	quick = 10 * time.Second
	slow  = 90 * time.Second // a reload waits for runs to drain
)

// Params of the methods.
type (
	ReloadParams struct {
		Target string `json:"target,omitempty" jsonschema:"description=an account such as bluebubbles:home or a channel or all: restart it; empty: read the configuration again"`
	}
	ChannelParams struct {
		Target string `json:"target" jsonschema:"description=an account such as bluebubbles:home or a channel"`
	}
	SendParams struct {
		Account channels.Account `json:"account"`
		Target  string           `json:"target" jsonschema:"description=a conversation or a handle that the network can resolve"`
		Text    string           `json:"text"`
		Key     string           `json:"key,omitempty" jsonschema:"description=idempotency key: the same one sends once"`
	}
	ListParams struct {
		Kind    journal.Kind     `json:"kind,omitempty" jsonschema:"enum=request,enum=arrival,enum=reply"`
		Account channels.Account `json:"account,omitempty"`
		State   journal.State    `json:"state,omitempty" jsonschema:"enum=pending,enum=done,enum=dead,enum=expired"`
		After   uint64           `json:"after,omitempty"`
		Max     int              `json:"max,omitempty"`
	}
	SeqParams struct {
		Seq    uint64 `json:"seq"`
		Reason string `json:"reason,omitempty"`
	}
	PairingParams struct {
		Account channels.Account `json:"account,omitempty"`
		Code    string           `json:"code,omitempty"`
		Sender  string           `json:"sender,omitempty"`
	}
)

// Results that are not an actor's own answer.
type (
	SentResult struct {
		Seqs      []uint64 `json:"seqs"`
		Duplicate bool     `json:"duplicate"`
	}
	ListResult struct {
		Records []journal.Record `json:"records"`
		More    bool             `json:"more"`
	}
	ShowResult struct {
		Record  journal.Record  `json:"record"`
		Payload json.RawMessage `json:"payload"`
	}
	VerifyResult struct {
		Balanced bool          `json:"balanced"`
		Faults   []string      `json:"faults"`
		Queues   []QueueStatus `json:"queues"`
	}
	StatsResult struct {
		Journal JournalStatus `json:"journal"`
		Queues  []QueueStatus `json:"queues"`
	}
	DoneResult struct {
		Seqs []uint64 `json:"seqs,omitempty"`
	}
	VerdictsResult struct {
		Verdicts map[channels.Account]supervisor.Verdict `json:"verdicts"`
	}
	// RouteResult is one path of the live table with what it has seen.
	RouteResult struct {
		router.Path
		Methods  []string  `json:"methods"`
		Accepted uint64    `json:"accepted"`
		Skipped  uint64    `json:"skipped"`
		Refused  uint64    `json:"refused"`
		Missed   uint64    `json:"missed"`
		Last     time.Time `json:"lastAccepted,omitzero"`
	}
)

// handlers is the method table of the core.
var handlers = map[string]handler{
	"status":        {help: "what the gateway is and how it is, account by account", reads: true, result: Status{}, look: func(w World, now time.Time) any { return w.Look(now) }},
	"tree":          {help: "every actor as it is now, read without asking it", reads: true, result: []tree.Line{}, look: func(w World, _ time.Time) any { return tree.Lines(w.System.Table()) }},
	"routes":        {help: "the live route table with its counters", reads: true, result: []RouteResult{}, look: func(w World, _ time.Time) any { return w.routes() }},
	"channels.list": {help: "every account with its state", reads: true, result: []AccountStatus{}, look: func(w World, now time.Time) any { return w.Look(now).Accounts }},
	"plugins.list":  {help: "generations, instances, and who holds a lease", reads: true, result: registry.Description{}, look: func(w World, _ time.Time) any { return w.plugins() }},
	"rpc.discover":  {help: "every method with the schema of its params and result", reads: true, look: func(w World, _ time.Time) any { return w.discover() }},
	"shutdown":      {help: "drain and end the process with code 0", stop: true},

	"reload": {help: "read the configuration again, or restart what target names", params: ReloadParams{}, result: reload.Report{},
		ask: func(p Places, params any) (kit.Addr, any, time.Duration, error) {
			return p.Reload, reload.Reload{Target: params.(ReloadParams).Target}, slow, nil //nolint:forcetypeassert // decoded as such
		}, render: same},
	"channels.start":   order("start"),
	"channels.stop":    order("stop"),
	"channels.restart": order("restart"),
	"send": {help: "start a message to a conversation", params: SendParams{}, result: SentResult{}, ask: askSend, render: func(a any) (any, error) {
		m, err := as[outbox.Posted](a)
		return SentResult{Seqs: m.Seqs, Duplicate: m.Duplicate}, cmp.Or(err, m.Err)
	}},

	"journal.ls": {help: "items by kind, account and state, oldest first", reads: true, params: ListParams{}, result: ListResult{}, ask: askList, render: func(a any) (any, error) {
		m, err := as[journal.Listed](a)
		return ListResult{Records: append([]journal.Record{}, m.Records...), More: m.More}, cmp.Or(err, m.Err)
	}},
	"journal.show": {help: "one item with its payload", reads: true, params: SeqParams{}, result: ShowResult{},
		ask: toJournal(func(p SeqParams) any { return journal.Show{Seq: p.Seq} }), render: func(a any) (any, error) {
			m, err := as[journal.Shown](a)
			return ShowResult{Record: m.Record, Payload: m.Payload}, cmp.Or(err, m.Err)
		}},
	"journal.stats": {help: "the counters", reads: true, result: StatsResult{},
		look: func(w World, now time.Time) any { s := w.Look(now); return StatsResult{s.Journal, s.Queues} }},
	"journal.verify": {help: "count the pending items from the keys and compare with the counters", reads: true, result: VerifyResult{},
		ask: func(p Places, _ any) (kit.Addr, any, time.Duration, error) {
			return p.Journal, journal.Verify{}, slow, nil
		},
		render: func(a any) (any, error) {
			m, err := as[journal.Verified](a)
			return VerifyResult{Balanced: len(m.Faults) == 0, Faults: append([]string{}, m.Faults...), Queues: Books(m.Statistics)}, cmp.Or(err, m.Err)
		}},
	"journal.resend": {help: "make a dead item pending again", params: SeqParams{}, result: DoneResult{},
		ask: toJournal(func(p SeqParams) any { return journal.Resend{Seq: p.Seq} }), render: committed},
	"journal.drop": {help: "end a pending item as dead, or forget a dead one", params: SeqParams{}, result: DoneResult{},
		ask: toJournal(func(p SeqParams) any {
			return journal.Drop{Seq: p.Seq, Reason: cmp.Or(p.Reason, "dropped by the operator")}
		}), render: committed},

	"pairing.list": {help: "who waits for approval, and who was approved", reads: true, params: PairingParams{}, result: access.PairingList{},
		ask: toAccess(func(p PairingParams) any { return access.ListPairing{Account: p.Account} }), render: same},
	"pairing.approve": {help: "let a sender in by the code", params: PairingParams{}, result: access.Settled{},
		ask: toAccess(func(p PairingParams) any { return access.Approve{Account: p.Account, Code: p.Code} }), render: settled},
	"pairing.deny": {help: "forget a code, or take an approval back by sender", params: PairingParams{}, result: access.Settled{},
		ask: toAccess(func(p PairingParams) any {
			return access.Deny{Account: p.Account, Code: p.Code, Sender: p.Sender}
		}), render: settled},
}

func as[A any](answer any) (A, error) {
	a, ok := answer.(A)
	if !ok {
		return a, fmt.Errorf("a bug: got %T as answer, want %T", answer, a)
	}
	return a, nil
}

func same(answer any) (any, error) { return answer, nil }

func committed(answer any) (any, error) {
	m, err := as[journal.Committed](answer)
	return DoneResult{Seqs: m.Added}, cmp.Or(err, m.Err)
}

func settled(answer any) (any, error) {
	m, err := as[access.Settled](answer)
	return struct {
		Account channels.Account `json:"account"`
		Sender  string           `json:"sender"`
	}{m.Account, m.Sender}, cmp.Or(err, m.Err)
}

func toJournal(msg func(SeqParams) any) func(Places, any) (kit.Addr, any, time.Duration, error) {
	return func(p Places, params any) (kit.Addr, any, time.Duration, error) {
		seq := params.(SeqParams) //nolint:forcetypeassert // decoded as such
		if seq.Seq == 0 {
			return kit.Addr{}, nil, 0, errors.New("seq: want the number of an item, as journal.ls shows it")
		}
		return p.Journal, msg(seq), quick, nil
	}
}

func toAccess(msg func(PairingParams) any) func(Places, any) (kit.Addr, any, time.Duration, error) {
	return func(p Places, params any) (kit.Addr, any, time.Duration, error) {
		return p.Access, msg(params.(PairingParams)), quick, nil //nolint:forcetypeassert // decoded as such
	}
}

func askSend(p Places, params any) (kit.Addr, any, time.Duration, error) {
	m := params.(SendParams) //nolint:forcetypeassert // decoded as such
	switch {
	case !strings.Contains(string(m.Account), ":"):
		return kit.Addr{}, nil, 0, fmt.Errorf("account: got %q, want channel:name such as bluebubbles:home", m.Account)
	case m.Target == "":
		return kit.Addr{}, nil, 0, errors.New("target: want a conversation or a handle")
	case strings.TrimSpace(m.Text) == "":
		return kit.Addr{}, nil, 0, errors.New("text: want something to say")
	}
	return p.Outbox, outbox.Post{Account: m.Account, Target: m.Target, Text: m.Text, Key: m.Key}, quick, nil
}

func askList(p Places, params any) (kit.Addr, any, time.Duration, error) {
	m := params.(ListParams) //nolint:forcetypeassert // decoded as such
	const most = 1000
	if m.Max <= 0 || m.Max > most {
		m.Max = 100
	}
	return p.Journal, journal.List{Kind: m.Kind, Account: m.Account, State: m.State, After: m.After, Max: m.Max}, quick, nil
}

// order is start, stop and restart of an account or a channel.
func order(do string) handler {
	return handler{help: do + " an account, or every account of a channel", params: ChannelParams{}, result: VerdictsResult{},
		ask: func(_ Places, params any) (kit.Addr, any, time.Duration, error) {
			target := params.(ChannelParams).Target //nolint:forcetypeassert // decoded as such
			if target == "" {
				return kit.Addr{}, nil, 0, errors.New("target: want an account such as bluebubbles:home, or a channel")
			}
			channel, name, one := strings.Cut(target, ":")
			account := channels.Account("")
			if one {
				account = channels.NewAccount(channel, name)
			}
			return kit.Named("channels/" + channel), supervisor.Order{Account: account, Do: do}, slow, nil
		}, render: func(a any) (any, error) {
			m, err := as[supervisor.Ordered](a)
			return VerdictsResult{m.Verdicts}, err
		}}
}

func (w World) routes() []RouteResult {
	out := []RouteResult{}
	for _, e := range w.Live.Load().Routes.All() {
		r := RouteResult{Path: router.Path{Path: e.Path, Under: e.Under, Accounts: e.Accounts, Held: e.Held}, Methods: e.Screen.Methods(),
			Accepted: e.Counts.Accepted.Load(), Skipped: e.Counts.Skipped.Load(), Refused: e.Counts.Refused.Load(), Missed: e.Counts.Missed.Load()}
		if at := e.Counts.LastAccepted.Load(); at > 0 {
			r.Last = time.UnixMilli(at)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b RouteResult) int { return strings.Compare(a.Path.Path, b.Path.Path) })
	return out
}

func (w World) plugins() registry.Description {
	for _, row := range w.System.Table() {
		if d, ok := row.Snapshot.(registry.Description); ok {
			return d
		}
	}
	return registry.Description{}
}

// discover is the method table as an OpenRPC document has it, as far as it says something.
func (w World) discover() any {
	type method struct {
		Name   string          `json:"name"`
		Help   string          `json:"summary"`
		Reads  bool            `json:"reads"`
		Params json.RawMessage `json:"params,omitempty"`
		Result json.RawMessage `json:"result,omitempty"`
	}
	out := []method{}
	for _, m := range w.Live.Load().Methods.All() {
		out = append(out, method{m.Name, m.Help, m.Reads, m.Params, m.Result})
	}
	slices.SortFunc(out, func(a, b method) int { return strings.Compare(a.Name, b.Name) })
	return map[string]any{"openrpc": "1.3.2", "info": map[string]string{"title": "holdfast gateway", "version": w.Version}, "methods": out}
}
