package explore

import (
	"fmt"
	"slices"
	"strings"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

func everyVerdict(v View) string {
	h := v.State(operatorAt).(hands)
	s := v.State(reloadAt).(reload.State)
	if s.Phase != reload.Idle {
		return fmt.Sprintf("nothing is under way, and the reload is %s", s.Phase)
	}
	if len(h.reports) == 0 {
		return "the boot has no report"
	}
	return ""
}

// lastAccepted: what the reload holds is what the file says, but for accounts that it names.
func lastAccepted(v View, files *versions) string {
	s := v.State(reloadAt).(reload.State)
	h := v.State(operatorAt).(hands)
	switch {
	case s.Last == nil || s.Doubt || h.last != "" && h.last != "done" || s.Watches && v.armed(reloadAt):
		return "" // it will look again
	case s.Applied == nil && s.Last.Err == "":
		return "nothing is applied, and the last reload did not fail"
	case s.Applied == nil:
		return ""
	case files.made[h.file] == nil && s.Last.Err == "":
		return "a file was accepted that is to be refused"
	}
	if want := files.made[h.file]; want != nil && s.Last.Err == "" {
		if what := differ(s, want); what != "" {
			return what
		}
	}
	return ""
}

func runsUseApplied(v View) (broken string) {
	s := v.State(reloadAt).(reload.State)
	if s.Applied == nil || s.Doubt {
		return ""
	}
	lives(v, func(l life) {
		a, there := find(s.Applied, l.account)
		if there && l.wanted() && a.Settings.(*settings).word() != l.settings.word() {
			broken = fmt.Sprintf("%s run.%d has %s, applied is %s", l.account, l.number, l.settings.word(), a.Settings.(*settings).word())
		}
	})
	return broken
}

// differ says in what the applied file is another than the one that is written.
func differ(s reload.State, want *reload.Candidate) string {
	if len(s.Applied.Accounts) != len(want.Accounts) {
		return fmt.Sprintf("applied is %s, the file says %s", words(s.Applied), words(want))
	}
	for i, a := range want.Accounts {
		if _, named := s.Unapplied[a.ID]; !named && s.Applied.Accounts[i].Settings.(*settings).word() != a.Settings.(*settings).word() {
			return fmt.Sprintf("applied is %s, the file says %s, and the reload does not say why", words(s.Applied), words(want))
		}
	}
	return ""
}

func find(c *reload.Candidate, id channels.Account) (reload.Account, bool) {
	for _, a := range c.Accounts {
		if a.ID == id {
			return a, true
		}
	}
	return reload.Account{}, false
}

// runsAreLive: an instance that is not listed any more has no run that nobody asked to end.
func runsAreLive(v View) (broken string) {
	reloaded := v.State(reloadAt).(reload.State)
	if reloaded.Doubt {
		return ""
	}
	state := map[string]string{}
	for _, i := range v.State(registryAt).(registry.State).Describe().Instances {
		for _, h := range i.Holders {
			state[h] = i.State
		}
	}
	lives(v, func(l life) {
		_, old := reloaded.Unapplied[l.account]
		if who := fmt.Sprintf("%s run.%d", l.account, l.number); !old && l.wanted() && state[who] != "active" {
			broken = fmt.Sprintf("%s runs on an instance that is %s", who, state[who])
		}
	})
	return broken
}

func allApplied(v View) string {
	for id := range v.State(reloadAt).(reload.State).Unapplied {
		return fmt.Sprintf("%s serves on with older settings, and nothing will be tried", id)
	}
	return ""
}

func oldOnesNamed(v View) (broken string) {
	s := v.State(reloadAt).(reload.State)
	if v.State(operatorAt).(hands).restarted {
		return "" // the last report may be that of a restart, which is about other things
	}
	for id := range s.Unapplied {
		if s.Last.Err == "" && s.Last.Units[string(id)].Result != "failed" {
			broken = fmt.Sprintf("%s serves on with older settings; the last report says %q of it", id, s.Last.Units[string(id)].Result)
		}
	}
	return broken
}

func oneInstance(v View) string {
	active := map[string]registry.InstanceID{}
	for _, i := range v.State(registryAt).(registry.State).Describe().Instances {
		if i.State != "active" {
			continue
		}
		if other, two := active[i.ID.Plugin]; two {
			return fmt.Sprintf("%v and %v are both active", other, i.ID)
		}
		active[i.ID.Plugin] = i.ID
	}
	return ""
}

// nothingLeft: no candidate, no instance and no listener that was made for a publication is left when there is none to come.
func nothingLeft(v View) (broken string) {
	if v.State(reloadAt).(reload.State).Doubt {
		return ""
	}
	statuses(v, func(s supervisor.Status) {
		if s.Candidate != 0 {
			broken = fmt.Sprintf("%s has a candidate run.%d, and nothing will be published", s.Account, s.Candidate)
		}
	})
	lives(v, func(l life) {
		if l.apart && l.wanted() {
			broken = fmt.Sprintf("run.%d of %s was never admitted nor told to end", l.number, l.account)
		}
	})
	for _, i := range v.State(registryAt).(registry.State).Describe().Instances {
		if i.State == "staged" {
			broken = fmt.Sprintf("%s@%d is staged, and nothing will be published", i.ID.Plugin, i.ID.Number)
		}
	}
	if open, _ := v.Shown(reloadAt).(int); open != 0 {
		broken = fmt.Sprintf("%d listeners are open and neither served nor closed", open)
	}
	return broken
}

// words is a file in short.
func words(c *reload.Candidate) string {
	var out []string
	for _, a := range c.Accounts {
		out = append(out, string(a.ID)+": "+a.Settings.(*settings).word())
	}
	return strings.Join(out, ", ")
}

func tableIsApplied(v View) string {
	s := v.State(reloadAt).(reload.State)
	now := live(v)
	if s.Applied == nil || now == nil || s.Doubt {
		return ""
	}
	if what := lacking(now, s.Applied); what != "" {
		return what
	}
	if now.Revision != s.Revision || now.Generation != s.Generation {
		return fmt.Sprintf("live is revision %d generation %d, the reload holds %d and %d", now.Revision, now.Generation, s.Revision, s.Generation)
	}
	if _, found := now.Methods.Find("status"); !found {
		return "the methods are not live"
	}
	return heldPaths(v, s, now)
}

// heldPaths: a path that an account moved away from stays until its grace is over, and nobody else's stays.
func heldPaths(v View, s reload.State, now *registry.Live) string {
	for entry := range v.Shown(registryAt).(seen).ever {
		path, account, _ := strings.Cut(entry, " ")
		e, _, found := now.Routes.Find(path)
		mine := found && slices.Contains(e.Accounts, channels.Account(account))
		wanted := in(s.Applied, channels.Account(account))
		switch {
		case wanted && !found && !v.Over():
			return fmt.Sprintf("%s of %s answers 404 before its grace is over", path, account)
		case !wanted && mine:
			return fmt.Sprintf("%s is gone from the file, and %s is live", account, path)
		case mine && !e.Held.IsZero() && !v.armed(routerAt):
			return fmt.Sprintf("%s of %s is held, and its grace will never end", path, account)
		case mine && !e.Held.IsZero() && admitted(e) != admittedNow(now, s.Applied, channels.Account(account)):
			return fmt.Sprintf("%s of %s is held and lets in %q, and the path that it has now lets in others", path, account, admitted(e))
		}
	}
	return ""
}

// admittedNow is whom the path lets in that an account has now.
func admittedNow(now *registry.Live, c *reload.Candidate, id channels.Account) string {
	a, _ := find(c, id)
	e, _, found := now.Routes.Find(a.Settings.(*settings).Path)
	if !found {
		return ""
	}
	return admitted(e)
}

// armed tells whether the actor has a timer.
func (v View) armed(owner kit.Addr) bool {
	for _, t := range v.s.timers {
		if t.owner == owner {
			return true
		}
	}
	return false
}

// statuses are all accounts as their supervisors show them.
func statuses(v View, visit func(s supervisor.Status)) {
	v.Each(func(_ kit.Addr, state any) {
		if s, is := state.(supervisor.State); is {
			for _, one := range s.Snapshot().Accounts {
				visit(one)
			}
		}
	})
}

// status is one account as its supervisor shows it.
func status(v View, id channels.Account) (out supervisor.Status, found bool) {
	statuses(v, func(s supervisor.Status) {
		if s.Account == id {
			out, found = s, true
		}
	})
	return out, found
}

func wantedRuns(v View) string {
	return wantedIn(v, supervisor.Running, supervisor.Pausing, supervisor.Leasing, supervisor.Blocked, supervisor.Refused)
}

func wantedUp(v View) string {
	return wantedIn(v, supervisor.Running, supervisor.Blocked, supervisor.Refused)
}

// wantedIn: every account of the applied file is in one of these phases, or off because somebody wants it so.
func wantedIn(v View, phases ...supervisor.Phase) string {
	s := v.State(reloadAt).(reload.State)
	if s.Applied == nil || v.State(operatorAt).(hands).drained {
		return ""
	}
	for _, a := range s.Applied.Accounts {
		now, found := status(v, a.ID)
		if !found {
			return fmt.Sprintf("%s is applied, and no supervisor knows it", a.ID)
		}
		if why := phaseFits(v, a, now, phases); why != "" {
			return why
		}
	}
	return ""
}

func phaseFits(v View, a reload.Account, now supervisor.Status, phases []supervisor.Phase) string {
	on := a.Settings.Shared().On() && !now.Stopped
	runs, hung := 0, 0
	lives(v, func(l life) {
		switch {
		case l.account != a.ID:
		case l.hung:
			hung++
		case l.current():
			runs++
		}
	})
	switch {
	case !on && (now.Phase != supervisor.Off || runs != 0):
		return fmt.Sprintf("%s is not wanted, is %s and has %d runs", a.ID, now.Phase, runs)
	case !on:
		return ""
	case now.Phase == supervisor.Leasing && !v.armed(kit.Named("channels/"+a.Kind.Name)):
		return fmt.Sprintf("%s is leasing, and nothing is on its way and no pause is left", a.ID)
	case now.Phase == supervisor.Blocked && hung == 0:
		return fmt.Sprintf("%s is blocked, and nothing hangs", a.ID)
	}
	if slices.Contains(phases, now.Phase) && (now.Phase == supervisor.Running) == (runs == 1) {
		return ""
	}
	return fmt.Sprintf("%s is wanted, is %s and has %d runs", a.ID, now.Phase, runs)
}

func endedHoldNothing(v View) string {
	left := holders(v)
	lives(v, func(l life) { delete(left, fmt.Sprintf("%s run.%d", l.account, l.number)) })
	for who := range left {
		if strings.Contains(who, "run.") || v.State(journalAt).(books).idle() {
			return fmt.Sprintf("%s holds a lease and is not there", who)
		}
	}
	return ""
}

func (b books) idle() bool {
	for _, k := range b.rows {
		if len(k.pending) > 0 {
			return false
		}
	}
	return true
}

func everybodyTold(v View) string {
	s := v.State(reloadAt).(reload.State)
	if s.Applied == nil || s.Doubt || v.Faults() > 0 {
		return ""
	}
	for _, name := range []string{"access", "agents", "lanes", "outbox"} {
		if told := v.State(kit.Named(name)).(told).Revision; told != s.Revision {
			return fmt.Sprintf("%s was last told of revision %d, applied is %d", name, told, s.Revision)
		}
	}
	return ""
}

func interpreted(v View) string {
	if v.State(operatorAt).(hands).drained {
		return ""
	}
	for _, k := range v.State(journalAt).(books).rows {
		if now, found := status(v, k.account); found && len(k.pending) > 0 {
			return fmt.Sprintf("%s: requests %v wait for ever (%s)", k.account, k.pending, now.Phase)
		}
	}
	return ""
}

// stopsKept: the last word of the operator is what the supervisor holds, and what the journal has.
func stopsKept(v View) (broken string) {
	h := v.State(operatorAt).(hands)
	statuses(v, func(s supervisor.Status) {
		want, said := h.ordered[s.Account]
		if said && (want == "stop") != s.Stopped {
			broken = fmt.Sprintf("the last order for %s was %s, and stopped is %t", s.Account, want, s.Stopped)
		}
		if row := v.State(journalAt).(books).row(s.Account); row.stopped != s.Stopped {
			broken = fmt.Sprintf("%s: stopped is %t, and the journal has %t", s.Account, s.Stopped, row.stopped)
		}
	})
	return broken
}
