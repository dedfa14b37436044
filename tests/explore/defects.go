package explore

import "slices"

// Defects are the mutants made by hand: each a mistake that somebody could make, each against a promise of the design.
func Defects() []Mutant { return slices.Concat(inTables, inReload, inSupervisor) }

var inTables = []Mutant{
	{
		Name: "the table that was staged is not published", File: "actors/registry/machine.go",
		Old: "s.Routes, s.Table = next.routes.Routes, next.routes.Number", New: "_ = next.routes",
	},
	{
		Name: "an instance is freed while a run uses it", File: "actors/registry/machine.go", In: "plugins",
		Old: "if i.live || i.held > 0 || slices", New: "if i.live || slices",
	},
	{
		Name: "a lease that is given back is kept", File: "actors/registry/machine.go",
		Old: "s.Leases = s.Leases.Without(id)\n", New: "",
	},
	{
		Name: "what is discarded stays staged", File: "actors/registry/machine.go",
		Old: "s = s.unstage()\n\t\ts.Next = staged{}", New: "_ = s.Next",
	},
	{
		Name: "a candidate is given the instance that is about to go", File: "actors/registry/machine.go", In: "plugins",
		Old: "if ahead && s.Next.generation != 0 {", New: "if false {",
	},
	{
		Name: "an instance is never retired", File: "actors/registry/machine.go", In: "plugins",
		Old: "s.Instances[i].live = slices.Contains(next.instances, s.Instances[i].id)", New: "s.Instances[i].live = true",
	},
	{
		Name: "the router forgets a grace", File: "actors/router/machine.go",
		Old: "	next, more := next.tabulate(s.Live.table)", New: "	next.held = nil\n	next, more := next.tabulate(s.Live.table)",
	},
	{
		Name: "a path in its grace lets in whom its account let in before", File: "actors/router/machine.go",
		Old: "asNow(stillHeld(slices.Concat(live.held, left), m.Claims, granted), granted)",
		New: "stillHeld(slices.Concat(live.held, left), m.Claims, granted)",
	},
	{
		Name: "a path that moved is forgotten with the process", File: "actors/router/memory.go",
		Old: "slices.Concat(s.Live.claims, s.Live.held)", New: "s.Live.claims",
	},
	{
		Name: "a grace never ends", File: "actors/router/machine.go",
		Old: "if !has(s.Live.held, c) {", New: "if has(s.Live.held, c) {",
	},
	{
		Name: "the end of a grace brings the old table back", File: "actors/registry/machine.go", In: "moved-back",
		Old: "if m.Number == s.Table {", New: "if m.Number <= s.Table {",
	},
	{
		Name: "the methods are not staged", File: "actors/methods/machine.go",
		Old: "registry.NewMethods(kept)", New: "registry.NewMethods(nil)",
	},
	{
		Name: "a registration of methods is not answered", File: "actors/methods/machine.go",
		Old: "return s, []kit.Effect{kit.Answer{To: tag.from, Msg: tag.then}}", New: "return s, nil",
	},
}

var inReload = []Mutant{
	{
		Name: "a change that was taken back is tried for ever", File: "actors/reload/stages.go", In: "taken-back",
		Old: "s.run, s.Unapplied = &run, nil", New: "s.run = &run",
	},
	{
		Name: "what could not be applied is never tried again", File: "actors/reload/report.go",
		Old: "effects = append(effects, kit.After{Delay: tryAgain, Msg: again{s.count}})", New: "_ = tryAgain",
	},
	{
		Name: "an answer of an earlier reload counts for this one", File: "actors/reload/machine.go",
		Old: "return s.run != nil && s.run.number == t.attempt }", New: "return s.run != nil }",
	},
	{
		Name: "merged reloads lose the last one", File: "actors/reload/machine.go", In: "merged",
		Old: "s.queue = append(slices.Clone(s.queue), w)", New: "s.queue = append(slices.Clip(s.queue[:min(1, len(s.queue))]), w)[:1]",
	},
	{
		Name: "a reload is reported to one of those who asked", File: "actors/reload/machine.go", In: "merged",
		Old: "same = append(same, w)", New: "same = []wish{w}",
	},
	{
		Name: "published before the routes are staged", File: "actors/reload/stages.go",
		Old: "case Preparing:\n\t\treturn s.settle(now)", New: "case Preparing:\n\t\treturn s.hold(now)",
	},
	{
		Name: "an aborted reload keeps what was prepared", File: "actors/reload/machine.go",
		Old: "effects = append(effects, s.drop()...)", New: "_ = s.drop()",
	},
	{
		Name: "an aborted reload leaves its listener open", File: "actors/reload/machine.go", In: "listener",
		Old: "effects = append(effects, unbind(s.run.bound)...)", New: "_ = s.run.bound",
	},
	{
		Name: "the deadline of a reload does nothing", File: "actors/reload/machine.go",
		Old: "return s.abort(\"it was still \"+string(s.Phase)+\" after \"+within.String(), now)", New: "return s, nil",
	},
	{
		Name: "the router does not hear of a publication", File: "actors/reload/publish.go",
		Old: "kit.Tell{To: s.Places.Router, Msg: router.Published{}}, ", New: "kit.Tell{Msg: router.Published{}}, ",
	},
	{
		Name: "a publication of unknown outcome is forgotten", File: "actors/reload/answers.go",
		Old: "s.Revision++\n", New: "\n",
	},
}

var inSupervisor = []Mutant{
	{
		Name: "a run is started with the lease of an earlier attempt", File: "actors/supervisor/life.go",
		Old: "if tag.turn != s.attempt {\n\t\tif m.Err", New: "if false {\n\t\tif m.Err",
	},
	{
		Name: "a pause that is over counts for a later attempt", File: "actors/supervisor/life.go",
		Old: "if m.turn == s.attempt {\n\t\ts.again = true", New: "if true {\n\t\ts.again = true",
	},
	{
		Name: "a run that does not end is not fenced", File: "actors/supervisor/life.go",
		Old: "if m.turn == s.attempt && !s.closing {", New: "if false {",
	},
	{
		Name: "a run that has ended keeps its lease", File: "actors/supervisor/life.go",
		Old: "	s.do(kit.Tell{To: s.places.Registry, Msg: registry.Release{Lease: l.lease}})\n	s.dropCalls", New: "	s.dropCalls",
	},
	{
		Name: "a lease that nobody wants is kept", File: "actors/supervisor/life.go",
		Old: "if lease, fits := m.Msg.(registry.Leased); fits && lease.Err == nil {", New: "if lease, fits := m.Msg.(registry.Leased); false && fits && lease.Err == nil {",
	},
	{
		Name: "a lease that comes too late is kept", File: "actors/supervisor/life.go",
		Old: "holder != \"\" && errors.Is(m.Err, kit.ErrLate)", New: "false && holder != \"\" && errors.Is(m.Err, kit.ErrLate)",
	},
	{
		Name: "the lease of a run is given back in the name of an earlier attempt", File: "actors/supervisor/life.go", In: "boot-orders",
		Old: "if m.Err == nil || !s.uses(tag.run) {", New: "if true {",
	},
	{
		Name: "a run number is used before it is safe", File: "actors/supervisor/life.go",
		Old: "case s.coming == 0 && s.memory.reserved < s.memory.next:", New: "case false:",
	},
	{
		Name: "two runs reach the journal", File: "actors/supervisor/overlap.go",
		Old: "if s.apart && s.run.number != 0 && !s.unsealed() {", New: "if s.apart && s.run.number != 0 {",
	},
	{
		Name: "two runs hold a connection that is for one", File: "actors/supervisor/overlap.go", In: "handover",
		Old: "if len(before) == 0 || channels.Overlaps(s.want.Settings) {", New: "if true {",
	},
	{
		Name: "a run that was replaced is never fenced", File: "actors/supervisor/overlap.go",
		Old: "at >= 0 && !s.closing {", New: "at >= 0 && false {",
	},
	{
		Name: "a candidate is forgotten and not ended", File: "actors/supervisor/overlap.go",
		Old: "s.leave(dropped.life, why)", New: "_ = why",
	},
	{
		Name: "the next run is never let in", File: "actors/supervisor/overlap.go",
		Old: "s.leaving[at].sealed = true\n\t\ts.admit()", New: "s.leaving[at].sealed = true",
	},
	{
		Name: "a candidate takes a number that is in use", File: "actors/supervisor/overlap.go",
		Old: "s.cand.asked, s.cand.number = true, s.memory.next\n\t\ts.memory.next++", New: "s.cand.asked, s.cand.number = true, s.memory.next",
	},
	{
		Name: "a stop by hand is not kept", File: "actors/supervisor/account.go",
		Old: "s.decide(true)", New: "s.decide(s.memory.stopped)",
	},
	{
		Name: "a stop by hand lets the candidate go on", File: "actors/supervisor/account.go", In: "stop-reload",
		Old: "s.discard()\n\t\ts.decide(true)", New: "s.decide(true)",
	},
	{
		Name: "requests that were held are never read", File: "actors/supervisor/overlap.go", In: "request",
		Old: "s.held = false\n", New: "",
	},
	{
		Name: "an intake that failed never tries again", File: "actors/supervisor/intake.go", In: "request",
		Old: "if m.turn == s.in.pause {", New: "if false {",
	},
	{
		Name: "an order is never answered", File: "actors/supervisor/orders.go",
		Old: "if w.wishes.Len() > 0 {\n\t\t\tleft", New: "if true {\n\t\t\tleft",
	},
}
