package reload

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"holdfast/channels"
	"holdfast/config"
)

// Change is what a reload does to one unit.
type Change string

const (
	Add    Change = "add"
	Alter  Change = "change"
	Rename Change = "rename" // it takes over what an account that is gone had
	Remove Change = "remove"
)

// Mode is how a change takes effect.
type Mode string

const (
	// Overlap proves the new run beside the old one, which leaves when the new one is live.
	Overlap Mode = "overlap"
	// Handover ends the old run before the new one begins; the route accepts into the journal meanwhile.
	Handover Mode = "handover"
	// Swap takes effect with the publication.
	Swap Mode = "swap"
	// Restart takes effect when the process is started again.
	Restart Mode = "restart"
)

// Unit is one line of a plan: something that changes by itself.
type Unit struct {
	Name   string `json:"unit"` // bluebubbles:home, agent default, plugin console, bindings, gateway.listen
	Change Change `json:"change"`
	Mode   Mode   `json:"mode"`
	Reason string `json:"reason"` // which settings are others; names, never values
}

// Plan is what a reload would do. It is never changed.
type Plan struct {
	Revision   uint64 `json:"revision"`   // that it would make
	Generation uint64 `json:"generation"` // that would be live
	Units      []Unit `json:"units"`      // those that change, in the order of the file: core, plugins, channels, accounts, agents
	Unchanged  int    `json:"unchanged"`  // accounts and agents that are not touched
}

// Difference plans the way from what is applied to a candidate. applied is nil before the boot. It is pure; values are
// compared as they are meant, references and included files resolved.
func Difference(applied, next *Candidate, revision, generation uint64) Plan {
	if applied == nil {
		applied = &Candidate{Config: &config.Config{}}
	}
	p := Plan{Revision: revision + 1, Generation: generation}
	p.core(applied, next)
	if p.plugins(applied, next) > 0 || generation == 0 {
		p.Generation++
	}
	p.channels(applied, next)
	p.accounts(applied, next)
	p.agents(applied, next)
	if len(p.Units) == 0 {
		p.Revision = revision
	}
	return p
}

func (p *Plan) add(name string, change Change, mode Mode, reason string) {
	p.Units = append(p.Units, Unit{name, change, mode, reason})
}

// untilRestart are settings that a process takes when it starts, and why.
var untilRestart = map[string]string{
	"gateway.stateDir":   "the journal is open there",
	"gateway.minFreeMb":  "the journal was opened with it",
	"gateway.adminGroup": "the admin socket was made for it",
	"gateway.watch":      "the watch began with it",
	"log.format":         "the log was begun in it",
}

// core compares what holds for the whole process: one unit for each setting.
func (p *Plan) core(applied, next *Candidate) {
	if applied.Config.Gateway.Listen == "" { // the boot: all of it is new, and none of it a change
		return
	}
	for _, section := range []struct {
		name      string
		old, next any
	}{
		{"gateway", applied.Config.Gateway, next.Config.Gateway},
		{"log", applied.Config.Log, next.Config.Log},
		{"messages", applied.Config.Messages, next.Config.Messages},
	} {
		for _, key := range differing(section.old, section.next) {
			name, mode, reason := section.name+"."+key, Swap, "it is another value"
			if why, later := untilRestart[name]; later {
				mode, reason = Restart, why
			}
			p.add(name, Alter, mode, reason)
		}
	}
	if !reflect.DeepEqual(applied.Config.Bindings, next.Config.Bindings) {
		p.add("bindings", Alter, Swap, fmt.Sprintf("%d bindings instead of %d, or others", len(next.Config.Bindings), len(applied.Config.Bindings)))
	}
}

// differing names the fields of two structs of one type that are not equal, as they are written in the file.
func differing(old, next any) []string {
	var out []string
	a, b := reflect.ValueOf(old), reflect.ValueOf(next)
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
			out = append(out, name)
		}
	}
	return out
}

// plugins compares what plugins offer and tells how many of them change.
func (p *Plan) plugins(applied, next *Candidate) int {
	before := len(p.Units)
	compare(applied.Plugins, next.Plugins, func(one Plugin) string { return one.Name }, func(old, fresh *Plugin) {
		switch {
		case old == nil:
			p.add("plugin "+fresh.Name, Add, Swap, "it is enabled")
		case fresh == nil:
			p.add("plugin "+old.Name, Remove, Swap, "it is not enabled any more")
		case !old.Node.Equal(fresh.Node):
			p.add("plugin "+fresh.Name, Alter, Swap, reasons(old.Node, fresh.Node))
		}
	})
	return len(p.Units) - before
}

// channels names those that get a supervisor, or are left without an account.
func (p *Plan) channels(applied, next *Candidate) {
	old, fresh := applied.Channels(), next.Channels()
	for _, c := range fresh {
		if !slices.Contains(old, c) {
			p.add("channel "+c, Add, Swap, "it has a first account")
		}
	}
	for _, c := range old {
		if !slices.Contains(fresh, c) {
			p.add("channel "+c, Remove, Swap, "it has no account any more")
		}
	}
}

func (p *Plan) accounts(applied, next *Candidate) {
	gone := map[channels.Account]bool{} // they go on by another name
	for _, a := range next.Accounts {
		gone[a.formerly()] = true
	}
	compare(applied.Accounts, next.Accounts, func(a Account) string { return string(a.ID) }, func(old, fresh *Account) {
		switch {
		case fresh != nil && fresh.takesOver(old, applied):
			p.add(string(fresh.ID), Rename, Handover, "it was "+string(fresh.formerly()))
		case old == nil:
			p.add(string(fresh.ID), Add, Overlap, "it is new")
		case fresh == nil && gone[old.ID]:
		case fresh == nil:
			p.add(string(old.ID), Remove, Handover, "it is not in the configuration any more")
		default:
			reason := fresh.differs(*old)
			if reason == "" {
				p.Unchanged++
				return
			}
			mode := Handover
			if channels.Overlaps(old.Settings) && channels.Overlaps(fresh.Settings) {
				mode = Overlap
			}
			p.add(string(fresh.ID), Alter, mode, reason)
		}
	})
}

// differs says why an account is another than it was; empty if it is not. The address at which the gateway is reached is
// not the account's: its run hears of another one and goes on.
func (a Account) differs(old Account) string {
	switch {
	case reasons(old.Node, a.Node) != "":
		return reasons(old.Node, a.Node)
	case a.Off != old.Off:
		return "its plugin was enabled or disabled"
	case !a.With.Equal(old.With):
		return "the settings of its plugin are others"
	}
	return ""
}

func (p *Plan) agents(applied, next *Candidate) {
	compare(applied.Agents, next.Agents, func(a Agent) string { return a.Name }, func(old, fresh *Agent) {
		switch {
		case old == nil:
			p.add("agent "+fresh.Name, Add, Swap, "it is new")
		case fresh == nil:
			p.add("agent "+old.Name, Remove, Swap, "it is not in the configuration any more")
		case !old.Node.Equal(fresh.Node):
			p.add("agent "+fresh.Name, Alter, Swap, reasons(old.Node, fresh.Node))
		default:
			p.Unchanged++
		}
	})
}

// reasons are the settings that are others. What an account was called is none: it has been done, or is a change of its own.
func reasons(old, fresh config.Node) string {
	return strings.Join(slices.DeleteFunc(fresh.Changed(old), func(key string) bool { return key == "formerly" }), ", ")
}

// compare walks two lists by name, in the order of the names; nil stands for what one of them has not.
func compare[U any](old, fresh []U, name func(U) string, each func(old, fresh *U)) {
	type pair struct{ old, fresh *U }
	pairs := map[string]pair{}
	for i := range old {
		pairs[name(old[i])] = pair{old: &old[i]}
	}
	for i := range fresh {
		one := pairs[name(fresh[i])]
		one.fresh = &fresh[i]
		pairs[name(fresh[i])] = one
	}
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		each(pairs[key].old, pairs[key].fresh)
	}
}

// unitListen moves the listener.
const unitListen = "gateway.listen"

// account tells whether the unit is an account; its supervisor speaks for it.
func (u Unit) account() bool { return strings.Contains(u.Name, ":") }

// effective tells whether anything takes effect before the process is started again.
func (p Plan) effective() bool {
	return slices.ContainsFunc(p.Units, func(u Unit) bool { return u.Mode != Restart })
}

// unit tells whether the plan changes the unit, and how.
func (p Plan) unit(name string) (Unit, bool) {
	at := slices.IndexFunc(p.Units, func(u Unit) bool { return u.Name == name })
	if at < 0 {
		return Unit{}, false
	}
	return p.Units[at], true
}
