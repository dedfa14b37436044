package cli

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"holdfast/actors/control"
	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/actors/tree"
)

type statusCmd struct{}

// Run shows the status.
func (statusCmd) Run(s *shell) error { return show(s, "status", nil, s.status) }

// status says first what is wrong.
func (s *shell) status(st *control.Status) {
	fmt.Fprintf(s.Stdout, "gateway %s, up %s, %s, revision %d, generation %d: %s\n", st.Version, st.Uptime, st.Listen, st.Revision, st.Generation, st.Health)
	for _, cause := range st.Causes {
		fmt.Fprintln(s.Stdout, "  !", printable(cause))
	}
	s.lastReload(st)
	if r := st.Runtime; r != nil {
		fmt.Fprintf(s.Stdout, "%d goroutines, %.1f MiB of heap in use, %.1f MiB of memory, %d descriptors\n", r.Goroutines, r.HeapMB, r.RSSMB, r.FDs)
	}
	s.accounts(st.Accounts)
	s.agents(st)
	rows := [][]string{{"QUEUE", "CREATED", "DONE", "DEAD", "EXPIRED", "PENDING", "OLDEST"}}
	for _, q := range st.Queues {
		oldest := "-"
		if !q.Oldest.IsZero() {
			oldest = ago(q.Oldest)
		}
		rows = append(rows, []string{
			string(q.Account) + " " + string(q.Kind), fmt.Sprint(q.Created), fmt.Sprint(q.Done), fmt.Sprint(q.Dead),
			fmt.Sprint(q.Expired), fmt.Sprint(q.Pending), oldest,
		})
	}
	fmt.Fprintln(s.Stdout)
	s.table(rows)
}

// lastReload says in a line what the last reload did, who asked for it, and how many there were.
func (s *shell) lastReload(st *control.Status) {
	if st.LastReload == nil {
		return
	}
	r, counts := st.LastReload, map[string]int{}
	for _, v := range r.Units {
		counts[v.Result]++
	}
	var said []string
	for _, result := range slices.Sorted(maps.Keys(counts)) {
		said = append(said, fmt.Sprintf("%s %d", result, counts[result]))
	}
	if r.Err != "" {
		said = append(said, "refused")
	}
	fmt.Fprintf(s.Stdout, "last reload: by %s %s, took %s: %s; since the start %d applied, %d without a change, %d refused\n",
		r.Caller, ago(r.Began), r.Took, strings.Join(said, ", "), st.Reloads.Applied, st.Reloads.Unchanged, st.Reloads.Refused)
}

// accounts prints a line for each, and below what there is to know about some. Causes of red stand in status before.
func (s *shell) accounts(list []control.AccountStatus) {
	rows := [][]string{{"ACCOUNT", "HEALTH", "PHASE", "RUN", "LINK", "LAST IN", "LAST OUT", "RESTARTS", "WEBHOOK"}}
	for _, a := range list {
		rows = append(rows, []string{
			string(a.Account), a.Health, string(a.Phase), fmt.Sprint(a.Run), string(a.Link), ago(a.LastIn), ago(a.LastOut),
			fmt.Sprint(a.Restarts), a.Webhook,
		})
	}
	s.table(rows)
	for _, a := range list {
		var facts []string
		for _, k := range slices.Sorted(maps.Keys(a.Facts)) {
			facts = append(facts, k+"="+a.Facts[k])
		}
		for _, line := range []string{off(a), a.Hint, strings.Join(facts, ", ")} {
			if line != "" {
				fmt.Fprintf(s.Stdout, "  %s: %s\n", a.Account, printable(line))
			}
		}
	}
}

// off is why the operator does not want an account to run, and how to change that.
func off(a control.AccountStatus) string {
	switch {
	case a.Disabled:
		return "disabled in the configuration: set enabled to true and reload"
	case a.Stopped:
		return "stopped by hand: gateway channels start " + string(a.Account)
	}
	return ""
}

// agents prints a line for each, what the last turn failed of, and the conversations that wait because of it.
func (s *shell) agents(st *control.Status) {
	rows := [][]string{{"AGENT", "KIND", "TURNS", "WAITING", "FAILURES", "LAST OK"}}
	for _, a := range st.Agents {
		rows = append(rows, []string{a.Name, a.Kind, fmt.Sprint(a.Running), fmt.Sprint(a.Waiting), fmt.Sprint(a.Failures), ago(a.LastOK)})
	}
	fmt.Fprintln(s.Stdout)
	s.table(rows)
	for _, a := range st.Agents {
		if a.Failures > 0 {
			fmt.Fprintf(s.Stdout, "  %s: %s\n", a.Name, printable(a.LastErr))
		}
	}
	if st.Lanes == nil {
		return
	}
	for _, b := range st.Lanes.Blocked {
		fmt.Fprintf(s.Stdout, "  %s %s waits since %s, %d attempts: %s\n", b.Account, printable(b.Conversation), ago(b.Since), b.Attempts, printable(b.Cause))
	}
}

// ago is how long something is past, or "never".
func ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return time.Since(t).Truncate(time.Second).String() + " ago"
}

type treeCmd struct{}

// Run draws the tree.
func (treeCmd) Run(s *shell) error {
	return show(s, "tree", nil, func(lines *[]tree.Line) {
		rows := make([]kit.Row, 0, len(*lines))
		for _, l := range *lines {
			ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
			rows = append(rows, kit.Row{
				Addr: kit.Named(l.Addr), Kind: l.Kind, Parent: kit.Named(l.Parent), Phase: l.Phase, PhaseFor: ms(l.PhaseFor),
				Age: ms(l.Age), Waiting: l.Waiting, InHand: l.InHand, HandFor: ms(l.HandFor),
			})
		}
		fmt.Fprint(s.Stdout, tree.Draw(rows))
	})
}

type routesCmd struct{}

// Run shows the route table.
func (routesCmd) Run(s *shell) error {
	return show(s, "routes", nil, func(list *[]control.RouteResult) {
		rows := [][]string{{"PATH", "METHODS", "ACCOUNTS", "ACCEPTED", "SKIPPED", "REFUSED", "MISSED", "LAST"}}
		for _, r := range *list {
			path := r.Path.Path
			if r.Under {
				path += "/*"
			}
			if !r.Held.IsZero() {
				path += " (held until " + r.Held.Format(time.DateTime) + ")"
			}
			var accounts []string
			for _, a := range r.Accounts {
				accounts = append(accounts, string(a))
			}
			rows = append(rows, []string{
				path, strings.Join(r.Methods, ","), strings.Join(accounts, ","), fmt.Sprint(r.Accepted), fmt.Sprint(r.Skipped),
				fmt.Sprint(r.Refused), fmt.Sprint(r.Missed), ago(r.Last),
			})
		}
		s.table(rows)
	})
}

type pluginsCmd struct{}

// Run shows generations and instances.
func (pluginsCmd) Run(s *shell) error {
	return show(s, "plugins.list", nil, func(d *registry.Description) {
		fmt.Fprintf(s.Stdout, "revision %d, generation %d\n", d.Revision, d.Generation)
		rows := [][]string{{"INSTANCE", "VERSION", "STATE", "CHANNELS", "METHODS", "HELD BY"}}
		for _, i := range d.Instances {
			rows = append(rows, []string{fmt.Sprintf("%s@%d", i.ID.Plugin, i.ID.Number), i.Version, i.State, strings.Join(i.Channels, ","), strings.Join(i.Methods, ","), strings.Join(i.Holders, ", ")})
		}
		s.table(rows)
	})
}

type reloadCmd struct {
	Target       string `arg:"" optional:"" help:"An account such as bluebubbles:home, a channel, or all: restart it. Without: read the configuration again."`
	DryRun       bool   `name:"dry-run" help:"Only say what would change, and how."`
	AllOrNothing bool   `name:"all-or-nothing" help:"Change nothing if one unit cannot be prepared. Default: only that one stays as it is."`
}

// Run reloads; a unit that failed gives exit code 1, a refused configuration 78.
func (c reloadCmd) Run(s *shell) error {
	var r reload.Report
	raw, err := s.call("reload", control.ReloadParams{Target: c.Target, DryRun: c.DryRun, AllOrNothing: c.AllOrNothing}, &r)
	if err != nil {
		return err
	}
	return s.reported(raw, r)
}

type planCmd struct {
	File string `arg:"" optional:"" placeholder:"FILE" help:"Plan for this file. Default: the gateway's own."`
}

// Run asks the running gateway what a reload would do; a configuration that it would refuse gives exit code 78.
func (c planCmd) Run(s *shell) error {
	var p control.PlanParams
	if c.File != "" {
		file, err := filepath.Abs(c.File)
		if err != nil {
			return fmt.Errorf("finding %s: %w", c.File, err)
		}
		p.File = file
	}
	var r reload.Report
	raw, err := s.call("plan", p, &r)
	if err != nil {
		return err
	}
	return s.reported(raw, r)
}

// reported prints what a reload did or would do.
func (s *shell) reported(raw []byte, r reload.Report) error {
	var err error
	switch {
	case s.JSON:
		err = s.print(raw)
	case r.Plan != nil:
		s.plan(*r.Plan)
	default:
		fmt.Fprintf(s.Stdout, "revision %d, generation %d, %s\n", r.Revision, r.Generation, r.Took)
		s.verdicts(r.Units)
	}
	if err != nil {
		return err
	}
	return s.outcome(r)
}

// outcome is the error of a reload that did not do all that it should.
func (s *shell) outcome(r reload.Report) error {
	switch {
	case len(r.Problems) > 0:
		return s.refuse(r.Problems, "%s", r.Err)
	case r.Err != "":
		return errors.New(r.Err)
	}
	return failed(r.Units)
}

// plan prints what would change.
func (s *shell) plan(p reload.Plan) {
	if len(p.Units) == 0 {
		fmt.Fprintf(s.Stdout, "nothing would change; revision %d stays\n", p.Revision)
		return
	}
	fmt.Fprintf(s.Stdout, "revision %d, generation %d; %d account(s) and agent(s) would not be touched\n", p.Revision, p.Generation, p.Unchanged)
	rows := [][]string{{"UNIT", "CHANGE", "HOW", "WHY"}}
	for _, u := range p.Units {
		rows = append(rows, []string{u.Name, string(u.Change), string(u.Mode), u.Reason})
	}
	s.table(rows)
}

// verdicts prints what became of each unit.
func (s *shell) verdicts(units map[string]reload.Verdict) {
	rows := [][]string{}
	for _, unit := range slices.Sorted(maps.Keys(units)) {
		rows = append(rows, []string{unit, units[unit].Result, units[unit].Reason})
	}
	s.table(rows)
}

// failed is the error of the units that failed, if any did.
func failed(units map[string]reload.Verdict) error {
	var which []string
	for _, unit := range slices.Sorted(maps.Keys(units)) {
		if units[unit].Result == "failed" {
			which = append(which, fmt.Sprintf("%s failed: %s", unit, units[unit].Reason))
		}
	}
	if len(which) == 0 {
		return nil
	}
	return errors.New(strings.Join(which, "; "))
}

type channelsCmd struct {
	List    channelsListCmd `cmd:"" default:"1" help:"Every account with its state."`
	Start   startCmd        `cmd:"" help:"Start an account, or every account of a channel."`
	Stop    stopCmd         `cmd:"" help:"Stop it; it stays stopped, also over restarts, until start."`
	Restart restartCmd      `cmd:"" help:"Restart it."`
}

type channelsListCmd struct{}

// Run lists accounts.
func (channelsListCmd) Run(s *shell) error {
	return show(s, "channels.list", nil, func(list *[]control.AccountStatus) {
		s.accounts(*list)
		for _, a := range *list {
			for _, cause := range a.Causes {
				fmt.Fprintf(s.Stdout, "  ! %s: %s\n", a.Account, printable(cause))
			}
		}
	})
}

type (
	target struct {
		Target string `arg:"" help:"An account such as bluebubbles:home, or a channel."`
	}
	startCmd   struct{ target }
	stopCmd    struct{ target }
	restartCmd struct{ target }
)

// Run starts.
func (c startCmd) Run(s *shell) error { return s.order("channels.start", c.Target) }

// Run stops.
func (c stopCmd) Run(s *shell) error { return s.order("channels.stop", c.Target) }

// Run restarts.
func (c restartCmd) Run(s *shell) error { return s.order("channels.restart", c.Target) }

// order gives one order; an account that could not follow it gives exit code 1.
func (s *shell) order(method, target string) error {
	var r control.VerdictsResult
	raw, err := s.call(method, control.ChannelParams{Target: target}, &r)
	if err != nil {
		return err
	}
	units := map[string]reload.Verdict{}
	for account, v := range r.Verdicts {
		units[string(account)] = v
	}
	if !s.JSON {
		s.verdicts(units)
	} else if err := s.print(raw); err != nil {
		return err
	}
	return failed(units)
}
