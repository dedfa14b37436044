package explore

import (
	"fmt"
	"strings"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/channels"
)

// laws hold in every state.
func laws() []Law {
	return []Law{
		{"law 8: at most one run of an account reaches the journal", oneCurrent},
		{"law 8: where only one run may be connected, there is only one", oneConnected},
		{"law 1: only a run with a lease runs", runsHoldLeases},
		{"law 1: no instance is freed while somebody holds a lease on it", leasesHaveInstances},
		{"law 8: the number of a run is safe before it is used", numbersAreSafe},
	}
}

// quietLaws hold wherever nothing is under way.
func quietLaws(files *versions) []Law {
	return []Law{
		{"every question was answered", func(v View) string { return strings.Join(v.Unanswered(), "; ") }},
		{"every reload has a verdict", everyVerdict},
		{"law 3: what is applied is the last file that was accepted", func(v View) string { return lastAccepted(v, files) }},
		{"law 3: runs use what is applied", runsUseApplied},
		{"law 4: the table has the paths of what is applied, and no others but in grace", tableIsApplied},
		{"law 4: the journal has the paths that are live, for the next process", pathsAreKept},
		{"law 8: each wanted account has one run, or a pause, or a reason", wantedRuns},
		{"law 1: runs that have ended hold no lease", endedHoldNothing},
		{"law 1: a run uses the instance that is live", runsAreLive},
		{"law 1: a plugin has one active instance", oneInstance},
		{"law 3: nothing that was prepared is left", nothingLeft},
		{"law 3: the last report names every account that serves on with older settings", oldOnesNamed},
		{"law 3: everybody was told of the applied revision", everybodyTold},
	}
}

// restLaws hold where, besides, no pause is left.
func restLaws(files *versions) []Law {
	return []Law{
		{"law 8: without faults every wanted account comes up", wantedUp},
		{"law 5: every accepted request was interpreted", interpreted},
		{"law 11: what was written is applied", func(v View) string { return lastAccepted(v, files) }},
		{"law 3: what could not be applied is tried again until it is", allApplied},
		{"law 8: a stop by hand is kept, and so is a start", stopsKept},
	}
}

// lives are the runs that are there.
func lives(v View, visit func(l life)) {
	v.Each(func(_ kit.Addr, state any) {
		if l, is := state.(life); is {
			visit(l)
		}
	})
}

func oneCurrent(v View) (broken string) {
	current := map[channels.Account]uint64{}
	lives(v, func(l life) {
		if !l.current() {
			return
		}
		if other := current[l.account]; other != 0 {
			broken = fmt.Sprintf("what run.%d and run.%d of %s hand in reaches the journal", other, l.number, l.account)
		}
		current[l.account] = l.number
	})
	return broken
}

// oneConnected counts runs that hang, too: they may hold the connection.
func oneConnected(v View) (broken string) {
	there := map[channels.Account]uint64{}
	lives(v, func(l life) {
		if other := there[l.account]; other != 0 && !l.settings.both {
			broken = fmt.Sprintf("run.%d of %s is started while run.%d may be connected", l.number, l.account, other)
		}
		there[l.account] = l.number
	})
	return broken
}

// holders are those who hold a lease.
func holders(v View) map[string]bool {
	out := map[string]bool{}
	for _, i := range v.State(registryAt).(registry.State).Describe().Instances {
		for _, h := range i.Holders {
			out[h] = true
		}
	}
	return out
}

func runsHoldLeases(v View) (broken string) {
	var held map[string]bool
	lives(v, func(l life) {
		if held == nil {
			held = holders(v)
		}
		if !l.fenced && !held[fmt.Sprintf("%s run.%d", l.account, l.number)] {
			broken = fmt.Sprintf("%s run.%d runs without a lease", l.account, l.number)
		}
	})
	return broken
}

func leasesHaveInstances(v View) string {
	s := v.State(registryAt).(registry.State)
	if s.Leases.Len() == 0 {
		return ""
	}
	n := 0
	for _, i := range s.Describe().Instances {
		n += len(i.Holders)
	}
	if n != s.Leases.Len() {
		return fmt.Sprintf("there are %d leases, and %d of them are on an instance that is there", s.Leases.Len(), n)
	}
	return ""
}

// live is what the edge sees; nil before the first publication.
func live(v View) *registry.Live {
	s, _ := v.Shown(registryAt).(seen)
	return s.live
}

// published is law 1 and law 4 for one publication after another.
func published(files *versions, before, now *registry.Live) string {
	if before != nil && (now.Revision < before.Revision || now.Generation < before.Generation) {
		return fmt.Sprintf("law 1: revision %d generation %d is published after revision %d generation %d",
			now.Revision, now.Generation, before.Revision, before.Generation)
	}
	if what := foreign(files, now); what != "" {
		return what
	}
	return pathsStay(files, now)
}

// foreign: whoever is let in is let in as some version of the file says, and on a path that is held for its grace as some
// version says of its account, whatever the path is there. Which one for which account is the reload's to decide; that it is
// the applied one shows when nothing is under way.
func foreign(files *versions, now *registry.Live) string {
	type right struct{ path, in string }
	said := map[right]bool{}
	const anywhere = ""
	for _, c := range files.made {
		if c == nil {
			continue
		}
		for _, a := range c.Accounts {
			word := strings.Fields(a.Settings.(*settings).word())
			said[right{word[0], word[1] + "=" + string(a.ID)}] = true
			said[right{anywhere, word[1] + "=" + string(a.ID)}] = true
		}
	}
	for _, e := range now.Routes.All() {
		path := e.Path
		if !e.Held.IsZero() {
			path = anywhere
		}
		for _, in := range strings.Fields(admitted(e)) {
			if !said[right{path, in}] {
				return fmt.Sprintf("law 1: %s lets %s in, and no version of the file says so", e.Path, in)
			}
		}
	}
	return ""
}

// lacking says which account of a file is not let in as the file says.
func lacking(now *registry.Live, c *reload.Candidate) string {
	for _, a := range c.Accounts {
		s := a.Settings.(*settings)
		e, _, found := now.Routes.Find(s.Path)
		if !found {
			return fmt.Sprintf("%s of %s answers 404", s.Path, a.ID)
		}
		if !strings.Contains(" "+admitted(e)+" ", " "+strings.Fields(s.word())[1]+"="+string(a.ID)+" ") && s.On() {
			return fmt.Sprintf("%s does not let %s in", s.Path, a.ID)
		}
	}
	return ""
}

// pathsStay: an account that is in every version of the file is never without a path.
func pathsStay(files *versions, now *registry.Live) string {
	for _, a := range files.made[0].Accounts {
		everywhere, listed := true, false
		for _, c := range files.made {
			everywhere = everywhere && (c == nil || in(c, a.ID))
		}
		for _, e := range now.Routes.All() {
			for _, id := range e.Accounts {
				listed = listed || id == a.ID
			}
		}
		if everywhere && !listed {
			return fmt.Sprintf("law 4: %s is in every version of the file, and none of its paths is live", a.ID)
		}
	}
	return ""
}

func in(c *reload.Candidate, id channels.Account) bool {
	_, there := find(c, id)
	return there
}

func numbersAreSafe(v View) (broken string) {
	lives(v, func(l life) {
		if known := v.State(journalAt).(books).row(l.account).run; l.number > known {
			broken = fmt.Sprintf("run.%d of %s is started, and the journal knows of %d", l.number, l.account, known)
		}
	})
	return broken
}
