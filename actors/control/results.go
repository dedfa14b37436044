package control

import (
	"slices"
	"strings"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/journal"
	"holdfast/actors/outbox"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/actors/router"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

// list makes a list that is never null in JSON.
func list[E any](in []E) []E { return append([]E{}, in...) }

// reported gives a report as it is: that a reload went wrong is its result.
func reported(m reload.Report) (reload.Report, error) {
	if m.Units == nil {
		m.Units = map[string]reload.Verdict{}
	}
	m.Plan = planned(m.Plan)
	return m, nil
}

// planned gives a plan as it is; nil stays nil.
func planned(p *reload.Plan) *reload.Plan {
	if p == nil {
		return nil
	}
	out := *p
	out.Units = list(p.Units)
	return &out
}

func ordered(m supervisor.Ordered) (VerdictsResult, error) {
	if m.Verdicts == nil {
		m.Verdicts = map[channels.Account]supervisor.Verdict{}
	}
	return VerdictsResult{m.Verdicts}, nil
}

func posted(m outbox.Posted) (SentResult, error) {
	return SentResult{Seqs: list(m.Seqs), Duplicate: m.Duplicate}, m.Err
}

func listed(m journal.Listed) (ListResult, error) {
	return ListResult{Records: list(m.Records), More: m.More}, m.Err
}

func shown(m journal.Shown) (ShowResult, error) {
	return ShowResult{Record: m.Record, Payload: m.Payload}, m.Err
}

func verified(m journal.Verified) (VerifyResult, error) {
	return VerifyResult{Balanced: len(m.Faults) == 0, Faults: list(m.Faults), Queues: Books(m.Statistics)}, m.Err
}

func committed(m journal.Committed) (DoneResult, error) { return DoneResult{Seqs: m.Added}, m.Err }

func paired(m access.PairingList) (PairingResult, error) {
	return PairingResult{Requests: list(m.Requests), Approved: list(m.Approved)}, nil
}

func settled(m access.Settled) (SettledResult, error) {
	return SettledResult{Account: m.Account, Sender: m.Sender}, m.Err
}

func (w World) routes(time.Time) []RouteResult {
	out := []RouteResult{}
	for _, e := range w.Live.Load().Routes.All() {
		r := RouteResult{
			Path:    router.Path{Path: e.Path, Under: e.Under, Accounts: list(e.Accounts), Held: e.Held},
			Methods: list(e.Screen.Methods()), Accepted: e.Counts.Accepted.Load(), Skipped: e.Counts.Skipped.Load(),
			Refused: e.Counts.Refused.Load(), Missed: e.Counts.Missed.Load(),
		}
		if at := e.Counts.LastAccepted.Load(); at > 0 {
			r.Last = time.UnixMilli(at)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b RouteResult) int { return strings.Compare(a.key(), b.key()) })
	return out
}

// key orders a path before what is under it.
func (r RouteResult) key() string {
	if r.Under {
		return r.Path.Path + "/"
	}
	return r.Path.Path
}

func (w World) plugins(time.Time) registry.Description {
	out := registry.Description{}
	for _, row := range w.System.Table() {
		if d, ok := row.Snapshot.(registry.Description); ok {
			out = d
		}
	}
	out.Instances = list(out.Instances)
	return out
}

func (w World) discover(time.Time) Discovery {
	out := Discovery{OpenRPC: "1.3.2", Info: DiscoveryInfo{Title: "holdfast gateway", Version: w.Version}, Methods: []DiscoveredMethod{}}
	for _, m := range w.Live.Load().Methods.All() {
		out.Methods = append(out.Methods, DiscoveredMethod{m.Name, m.Help, m.Reads, m.Params, m.Result})
	}
	slices.SortFunc(out.Methods, func(a, b DiscoveredMethod) int { return strings.Compare(a.Name, b.Name) })
	return out
}
