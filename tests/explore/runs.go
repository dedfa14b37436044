package explore

import (
	"errors"
	"fmt"

	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

// life is the state of a run.
type life struct {
	account  channels.Account
	number   uint64
	settings *settings
	edition  int  // of its plugin
	apart    bool // a candidate that is not admitted: nothing of it reaches the journal
	opened   bool // Connect has returned
	sealed   bool // nothing of it will reach the journal any more
	asked    bool // to drain
	fenced   bool
	hung     bool
}

// current tells whether what the run hands in reaches the journal.
func (l life) current() bool { return !l.apart && !l.sealed && !l.fenced }

// wanted tells whether nobody has told the run to end.
func (l life) wanted() bool { return !l.asked && !l.fenced }

// played plays one run.
type played struct {
	quiet
	supervisor kit.Addr
}

func (p played) Take(_ View, state any, in kit.In) []Way {
	l := state.(life)
	switch in.Msg.(type) {
	case run.Drain:
		return p.drain(l)
	case run.Fence:
		return p.fence(l)
	case run.Admit:
		l.apart = false
		return []Way{{State: l}}
	case run.Moved: // where it is reached from outside; nobody reaches it here
		return []Way{{State: l}}
	case run.Nudge: // it looks, and finds something
		took := run.Took{Account: l.account, Run: l.number, Items: 1}
		return []Way{{State: l, Effects: []kit.Effect{kit.Tell{To: p.supervisor, Msg: took}}}}
	case run.Call:
		if l.hung || !l.wanted() {
			return []Way{{State: l, Effects: []kit.Effect{kit.Answer{To: in.From, Msg: run.Result{Err: errors.New("draining")}}}}}
		}
		return []Way{
			{State: l, Effects: []kit.Effect{kit.Answer{To: in.From, Msg: run.Result{}}}},
			{State: l, Fault: hang, Silent: true, Text: "and the call hangs"},
		}
	}
	return []Way{{State: l, Bug: fmt.Sprintf("told %T, which it cannot know", in.Msg)}}
}

// drain: the run says that nothing more will come, and ends; or it hangs before the one or before the other. Of one that was
// never let in nothing is on its way, so that it has always said so.
func (p played) drain(l life) []Way {
	if l.fenced {
		return []Way{{State: l}}
	}
	l.asked = true
	if l.hung {
		return []Way{{State: l}}
	}
	sealed, hung := l, l
	sealed.sealed = true
	said := kit.Tell{To: p.supervisor, Msg: run.Sealed{Account: l.account, Run: l.number}}
	ended := p.over(sealed, run.Over{Export: l.export()})
	ended.Effects = append([]kit.Effect{said}, ended.Effects...)
	hung.hung = true
	half := sealed
	half.hung = true
	out := []Way{ended, {State: half, Effects: []kit.Effect{said}, Fault: hang, Text: "nothing more will come of it, and it hangs"}}
	if !l.apart {
		out = append(out, Way{State: hung, Fault: hang, Text: "and it hangs"})
	}
	return out
}

// export is what a run leaves to the next one, where only one may be connected.
func (l life) export() []byte {
	if l.settings.both {
		return nil
	}
	return []byte("a session")
}

func (p played) fence(l life) []Way {
	if l.fenced {
		return []Way{{State: l}}
	}
	l.fenced = true
	told := kit.Tell{To: p.supervisor, Msg: run.Fenced{Account: l.account, Run: l.number}}
	if l.hung {
		return []Way{{State: l, Effects: []kit.Effect{told}}}
	}
	way := p.over(l, run.Over{})
	way.Effects = append([]kit.Effect{told}, way.Effects...)
	return []Way{way}
}

// over: the network ended, and the run with it.
func (p played) over(l life, what run.Over) Way {
	what.Account, what.Run = l.account, l.number
	return Way{State: l, Effects: []kit.Effect{kit.Tell{To: p.supervisor, Msg: what}}, Gone: true}
}

// Moves: a candidate connects, or is not answered. All others are ends: one that hangs may end after all, or never.
func (p played) Moves(_ View, state any) []Way {
	l := state.(life)
	if l.hung {
		way := p.over(l, run.Over{})
		way.Text = "ends after all"
		return []Way{way}
	}
	lost := p.over(l, run.Over{Err: "the connection was lost"})
	lost.Fault, lost.Text = crash, "the connection is lost"
	refused := p.over(l, run.Over{Err: "wrong password", Refusal: true})
	refused.Fault, refused.Text = refusal, "the password is refused"
	bug := p.over(l, run.Over{Err: "panic", Bug: true})
	bug.Fault, bug.Text = panicky, "the network's code panics"
	out := []Way{lost, refused, bug, {State: l, Gone: true, Cause: "panic", Fault: panicky, Text: "the run itself panics"}}
	if l.apart && !l.opened {
		out = append(p.opens(l), out...)
	}
	return out
}

// opens: Connect returns, and the network answers, or does not yet.
func (p played) opens(l life) []Way {
	l.opened = true
	opened := kit.Tell{To: p.supervisor, Msg: run.Opened{Account: l.account, Run: l.number}}
	said := kit.Tell{To: p.supervisor, Msg: run.Reported{
		Account: l.account, Run: l.number, Condition: channels.Condition{Link: channels.Connected},
	}}
	return []Way{
		{State: l, Effects: []kit.Effect{opened, said}, Text: "connects", Due: true},
		{State: l, Effects: []kit.Effect{opened, kit.Tell{To: p.supervisor, Msg: run.Holding{Account: l.account, Run: l.number}}}, Text: "connects, and has something to hand in"},
		{State: l, Effects: []kit.Effect{opened}, Text: "is opened, and its network does not answer"},
	}
}
