package explore

import (
	"fmt"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

// Step is one thing that the operator may do, at any time after the boot was ordered and after the steps before it.
type Step struct {
	File    int              // write this version of the file and have it read; 0: no reload
	Edit    change           // have the gateway write to the file
	Save    int              // write this version of the file, and say nothing
	Dry     int              // have a reload planned, and not done
	All     bool             // with File: all or nothing
	Target  string           // have this restarted, by reload
	Account channels.Account // give this account an order
	Do      string           // start, stop or restart
	Drain   string           // end this channel
	Missed  channels.Account // say that this account may have missed something
	Look    bool             // have the registry described
	Kill    string           // end the supervisor of this channel, as a bug would
	Call    channels.Account // have this account's run do something
}

// hands is the state of the operator.
type hands struct {
	file      int // the version that is written
	next      int // the next step
	asked     int
	drained   bool
	restarted bool                        // something, by target
	ordered   map[channels.Account]string // start or stop, whichever came last
	reports   []string                    // how what was asked of the reload ended
	last      string                      // how the last of them ended that was to read the file
}

// person plays the operator. Everything is asked; answers are read at once.
type person struct {
	quiet
	steps []Step
	files *versions
}

func (person) Direct() bool { return true }

func (person) Take(_ View, state any, in kit.In) []Way {
	h := state.(hands)
	switch m := in.Msg.(type) {
	case became:
		h.file = m.version
	case kit.Answered:
		h = h.heard(m)
	}
	return []Way{{State: h}}
}

// heard takes the answer of a reload.
func (h hands) heard(m kit.Answered) hands {
	r, is := m.Msg.(reload.Report)
	if e, edited := m.Msg.(reload.Edited); edited && e.Report != nil {
		r, is = *e.Report, true
	}
	if !is {
		return h
	}
	h.reports = append(h.reports[:len(h.reports):len(h.reports)], verdict(r))
	if m.Tag == "file" {
		h.last = verdict(r)
	}
	return h
}

// verdict is how a reload ended, in a word.
func verdict(r reload.Report) string {
	switch {
	case len(r.Problems) > 0:
		return "refused"
	case r.Err != "":
		return "failed"
	}
	return "done"
}

func (p person) Moves(v View, state any) []Way {
	h := state.(hands)
	if h.next >= len(p.steps) {
		return nil
	}
	step := p.steps[h.next]
	if _, known := status(v, step.Account); step.Do != "" && !known {
		return nil // an order for an account that nobody knows yet is refused
	}
	h.next++
	h.asked++
	ask := func(to kit.Addr, msg any, tag string) []Way {
		return []Way{{State: h, Effects: []kit.Effect{kit.Ask{To: to, Msg: msg, Tag: tag}}, Text: describe(msg)}}
	}
	switch {
	case step.File > 0:
		h.file = step.File
		ways := ask(kit.Named("reload"), reload.Reload{Caller: "operator", AllOrNothing: step.All}, "file")
		ways[0].Text = fmt.Sprintf("writes version %d of the file and orders a reload", step.File)
		return ways
	case step.Edit.path != "":
		return ask(kit.Named("reload"), step.Edit.asked(p.files.base.Digest([]byte(p.files.texts[h.file]))), "file")
	case step.Save > 0:
		h.file, h.asked = step.Save, h.asked-1
		return []Way{{State: h, Text: fmt.Sprintf("writes version %d of the file", step.Save)}}
	case step.Dry > 0:
		return ask(kit.Named("reload"), reload.Reload{Caller: "operator", DryRun: true}, "order")
	case step.Target != "":
		h.restarted = true
		return ask(kit.Named("reload"), reload.Reload{Caller: "operator", Target: step.Target}, "order")
	case step.Do != "":
		if step.Do != "restart" {
			h.ordered = map[channels.Account]string{step.Account: step.Do}
		}
		return ask(kit.Named("channels/"+step.Account.Channel()), supervisor.Order{Account: step.Account, Do: step.Do}, "order")
	case step.Missed != "":
		h.asked--
		told := kit.Tell{To: kit.Named("channels/" + step.Missed.Channel()), Msg: supervisor.Missed{Account: step.Missed}}
		return []Way{{State: h, Effects: []kit.Effect{told}, Text: "something may be missed"}}
	case step.Kill != "":
		h.asked--
		end := kit.Stop{Child: kit.Named("channels/" + step.Kill)}
		return []Way{{State: h, Effects: []kit.Effect{end}, Text: "the supervisor of " + step.Kill + " ends"}}
	case step.Look:
		return ask(registryAt, registry.Describe{}, "order")
	case step.Call != "":
		op := supervisor.Call{Account: step.Call, Op: run.Send{}, Within: time.Minute}
		return ask(kit.Named("channels/"+step.Call.Channel()), op, "order")
	case step.Drain != "":
		h.drained = true
		return ask(kit.Named("channels/"+step.Drain), supervisor.Drain{Runs: true, By: noon}, "order")
	}
	return nil
}
