package control

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"holdfast/actors/agents"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/lanes"
	"holdfast/actors/outbox"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/config"
	"holdfast/config/edit"
)

// World is what can be read without asking anybody: the table of mailboxes, the live value, the configuration file.
type World struct {
	System  *kit.System
	Live    *registry.Cell
	Started time.Time
	Version string
	Listen  func() string // the address that the edge really has, at this moment
	// Of the methods that read the configuration alone: the file, which each of them reads anew, and its JSON Schema.
	Config edit.File
	Schema func() ([]byte, error)
}

const (
	// stuckAfter is how long a message may be in hand, or an item pending, before health is not green.
	stuckAfter = time.Minute
	// settleWithin is how long an account may be on its way to a connection, or from one, before that is a fault. After a
	// failure it has no such time.
	settleWithin = 15 * time.Second
	// manyRefusals of an agent in a row are more than the fault of single messages: not every server says by another code
	// that it refuses them all.
	manyRefusals = 3
)

// Healths.
const (
	green = "green"
	red   = "red"
	off   = "off" // the operator's own no
)

// Status is the whole state of the gateway from one source: HTTP, CLI and logs all show this.
type Status struct {
	Version    string          `json:"version"`
	Uptime     config.Duration `json:"uptime"`
	Listen     string          `json:"listen"`
	Revision   uint64          `json:"revision"`
	Generation uint64          `json:"generation"`
	Ready      bool            `json:"ready"`
	Health     string          `json:"health"` // green, or red
	Causes     []string        `json:"causes,omitempty"`
	Journal    JournalStatus   `json:"journal"`
	Accounts   []AccountStatus `json:"accounts"`
	Agents     []agents.Status `json:"agents"`
	Lanes      *lanes.Snapshot `json:"lanes,omitempty"`
	Outbox     []outbox.Status `json:"outbox,omitempty"`
	LastReload *reload.Report  `json:"lastReload,omitempty"`
	Reloads    reload.Counts   `json:"reloads"`
	Queues     []QueueStatus   `json:"queues"`
	Runtime    *RuntimeStatus  `json:"runtime,omitempty"` // of the method status only
}

// JournalStatus is the journal without its queues.
type JournalStatus struct {
	Accepting bool   `json:"accepting"`
	Why       string `json:"why,omitempty"`
	FreeMB    uint64 `json:"freeMb"`
	Commits   uint64 `json:"commits"`
	Syncs     uint64 `json:"syncs"`
}

// QueueStatus is one queue of the journal.
type QueueStatus struct {
	journal.Queue
	journal.Counters
}

// AccountStatus is one account in all its dimensions.
type AccountStatus struct {
	supervisor.Status
	PathLive bool      `json:"pathLive"` // its path is in the live table
	Received uint64    `json:"received"` // requests accepted on its path since the start
	Webhooks time.Time `json:"lastWebhook,omitzero"`
	Missed   uint64    `json:"missed,omitempty"` // requests on its path that were not accepted and might have been its own
	Health   string    `json:"health"`           // green, red, or off
	Causes   []string  `json:"causes,omitempty"` // why it is red
	Hint     string    `json:"hint,omitempty"`   // what the operator may want to look at
	// Unapplied says why the account serves on with older settings than the configuration has; empty: it does not.
	Unapplied string `json:"unapplied,omitempty"`
}

// Look reads the status. It asks nobody, so a hung actor cannot hang it.
func (w World) Look(now time.Time) Status {
	live := w.Live.Load()
	s := Status{
		Version: w.Version, Uptime: config.Duration(now.Sub(w.Started).Truncate(time.Second)), Listen: w.Listen(),
		Revision: live.Revision, Generation: live.Generation, Health: green, Accounts: []AccountStatus{}, Agents: []agents.Status{}, Queues: []QueueStatus{},
	}
	var (
		stats     *journal.Statistics
		unapplied map[channels.Account]string
		refused   config.Problems
	)
	for _, row := range w.System.Table() {
		if row.HandFor > stuckAfter {
			s.Causes = append(s.Causes, fmt.Sprintf("%s has worked on one message (%s) for %s", row.Addr, row.InHand, row.HandFor.Truncate(time.Second)))
		}
		switch snap := row.Snapshot.(type) {
		case journal.Statistics:
			stats = &snap
		case supervisor.Snapshot:
			for _, a := range snap.Accounts {
				s.Accounts = append(s.Accounts, AccountStatus{Status: a})
			}
		case agents.Snapshot:
			s.Agents = append(s.Agents, snap.Agents...)
		case lanes.Snapshot:
			s.Lanes = &snap
		case outbox.Snapshot:
			s.Outbox = snap.Accounts
		case reload.Snapshot:
			s.LastReload, s.Reloads, unapplied, refused = snap.Last, snap.Counts, snap.Unapplied, snap.Refused
		}
	}
	s.books(stats)
	for _, a := range s.Agents {
		s.Causes = append(s.Causes, s.agentFaults(a)...)
	}
	paths, queues := byAccount(live, s.Queues)
	for i := range s.Accounts {
		id := s.Accounts[i].Account
		s.Accounts[i].Unapplied = unapplied[id]
		s.Accounts[i].judge(paths[id], queues[id], s, w.Listen(), now)
		if s.Accounts[i].Health == red {
			s.Causes = append(s.Causes, fmt.Sprintf("%s: %s", s.Accounts[i].Account, strings.Join(s.Accounts[i].Causes, "; ")))
		}
	}
	if len(refused) > 0 {
		s.Causes = append(s.Causes, fmt.Sprintf("the configuration was refused, and what was live serves on: %s%s", refused[0], further(len(refused)-1)))
	}
	if live.Revision == 0 {
		s.Causes = append(s.Causes, "no configuration is live yet")
	}
	s.Ready = live.Revision > 0 && s.Journal.Accepting
	if len(s.Causes) > 0 {
		s.Health = red
	}
	return s
}

// agentFaults are those of an agent. A failure for now is one as long as something waits for the agent: what has expired
// or was stopped leaves none. Nothing waits where every message is refused, so that one lasts.
func (s *Status) agentFaults(a agents.Status) []string {
	var out []string
	if a.Hung {
		out = append(out, fmt.Sprintf("agent %s takes no turns: %d call(s) do not end", a.Name, a.Stuck))
	}
	if a.Failures > 0 && (a.Refusing || s.Lanes == nil || s.Lanes.WaitsFor(a.Name)) {
		out = append(out, fmt.Sprintf("agent %s failed the last %d turn(s): %s", a.Name, a.Failures, a.LastErr))
	}
	if a.Refusals >= manyRefusals {
		out = append(out, fmt.Sprintf("agent %s refused the last %d messages: %s", a.Name, a.Refusals, a.LastErr))
	}
	return out
}

// further counts the problems that are not shown.
func further(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d more: gateway check)", n)
}

func (s *Status) books(stats *journal.Statistics) {
	if stats == nil {
		s.Journal.Why = "the journal is not up"
		s.Causes = append(s.Causes, s.Journal.Why)
		return
	}
	s.Journal = JournalStatus{Accepting: stats.Accepting, Why: stats.Why, FreeMB: stats.Free >> 20, Commits: stats.Commits, Syncs: stats.Syncs}
	if !stats.Accepting {
		s.Causes = append(s.Causes, "the journal takes nothing: "+stats.Why)
	}
	s.Queues = Books(*stats)
}

// Books lists the queues of the journal's statistics by account and kind.
func Books(stats journal.Statistics) []QueueStatus {
	out := []QueueStatus{}
	for q, counters := range stats.Queues {
		out = append(out, QueueStatus{q, counters})
	}
	slices.SortFunc(out, func(a, b QueueStatus) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}

// byAccount says which paths and queues each account has, so that none of many accounts has to look for its own.
func byAccount(live *registry.Live, books []QueueStatus) (map[channels.Account][]*registry.Endpoint, map[channels.Account][]QueueStatus) {
	paths, queues := map[channels.Account][]*registry.Endpoint{}, map[channels.Account][]QueueStatus{}
	for _, e := range live.Routes.All() {
		for _, id := range e.Accounts {
			if !slices.Contains(paths[id], e) { // it may have the path by two routes
				paths[id] = append(paths[id], e)
			}
		}
	}
	for _, q := range books {
		queues[q.Account] = append(queues[q.Account], q)
	}
	return paths, queues
}

// judge fills what the supervisor does not know: the paths, the queues, and what all of it means.
func (a *AccountStatus) judge(paths []*registry.Endpoint, queues []QueueStatus, s Status, listen string, now time.Time) {
	for _, e := range paths {
		a.PathLive = a.PathLive || e.Held.IsZero()
		a.Received += e.Counts.Accepted.Load()
		a.Missed += e.Counts.Missed.Load()
		if at := e.Counts.LastAccepted.Load(); at > 0 && time.UnixMilli(at).After(a.Webhooks) {
			a.Webhooks = time.UnixMilli(at)
		}
	}
	if a.Webhook != "" && a.Webhooks.IsZero() && !received(queues) {
		a.Hint = "no webhook ever received" + a.loopbackHint(listen)
	}
	if a.Disabled || a.Stopped || a.Phase == supervisor.Off {
		a.Health = off
		return
	}
	a.Causes = a.faults(queues, s, now)
	a.Health = green
	if len(a.Causes) > 0 {
		a.Health = red
	}
}

func (a *AccountStatus) faults(queues []QueueStatus, s Status, now time.Time) []string {
	var out []string
	if a.Webhook != "" && !a.PathLive {
		out = append(out, "its path is not in the live table")
	}
	switch {
	case a.settling(now):
	case a.Phase != supervisor.Running:
		out = append(out, strings.TrimSuffix(fmt.Sprintf("%s: %s", a.Phase, a.Cause), ": "))
	case a.Link != channels.Connected:
		out = append(out, strings.TrimSuffix(fmt.Sprintf("not connected (%s): %s", cmp.Or(a.Link, channels.Connecting), a.Cause), ": "))
	}
	if a.Unapplied != "" {
		out = append(out, "its new settings could not be applied, the old ones serve on: "+a.Unapplied+"; mend it, then gateway reload")
	}
	if len(a.Abandoned) > 0 {
		out = append(out, fmt.Sprintf("runs that were given up and have not ended: %d", len(a.Abandoned)))
	}
	if !s.Journal.Accepting {
		out = append(out, "nothing can be taken in: "+s.Journal.Why)
	}
	for _, q := range queues {
		if q.Pending > 0 && now.Sub(q.Oldest) > stuckAfter {
			out = append(out, fmt.Sprintf("the oldest %s has been waiting for %s", q.Kind, now.Sub(q.Oldest).Truncate(time.Second)))
		}
	}
	return out
}

// settling tells whether an account is on its way for a short time and nothing has failed.
func (a *AccountStatus) settling(now time.Time) bool {
	switch {
	case a.Failures > 0 || now.Sub(a.Since) > settleWithin:
		return false
	case a.Phase == supervisor.Running:
		return a.Link == "" || a.Link == channels.Connecting
	}
	return a.Phase == supervisor.Leasing || a.Phase == supervisor.Draining
}

// received tells whether a request of an account was ever accepted, as the journal's counters of its queues have it.
func received(queues []QueueStatus) bool {
	return slices.ContainsFunc(queues, func(q QueueStatus) bool { return q.Kind == journal.Requests && q.Created > 0 })
}

// loopbackHint says why nothing may ever come: the sender is elsewhere and the listener is not.
func (a *AccountStatus) loopbackHint(listen string) string {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return ""
	}
	ip := net.ParseIP(host)
	if ip == nil || !ip.IsLoopback() {
		return ""
	}
	server, err := url.Parse(a.Facts["server"])
	if err != nil || server.Hostname() == "" {
		return ""
	}
	if from := net.ParseIP(server.Hostname()); server.Hostname() == "localhost" || from != nil && from.IsLoopback() {
		return ""
	}
	return fmt.Sprintf("; the sender is at %s and gateway.listen is %s, which only this machine reaches: listen on an address that it can reach, or put a proxy in front and set gateway.publicUrl", server.Hostname(), listen)
}
