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
	settings channels.Settings
	asked    bool // to drain
	fenced   bool
	hung     bool
}

// current tells whether nobody has told the run to end.
func (l life) current() bool { return !l.asked && !l.fenced }

// played plays one run.
type played struct {
	quiet
	supervisor kit.Addr
}

func (p played) Take(_ View, state any, in kit.In) []Way {
	l := state.(life)
	switch in.Msg.(type) {
	case run.Drain:
		asked := l
		asked.asked = true
		if l.hung {
			return []Way{{State: asked}}
		}
		hung := asked
		hung.hung = true
		return []Way{p.over(asked, run.Over{}), {State: hung, Fault: hang, Text: "and it hangs"}}
	case run.Fence:
		l.fenced = true
		told := kit.Tell{To: p.supervisor, Msg: run.Fenced{Account: l.account, Run: l.number}}
		if l.hung {
			return []Way{{State: l, Effects: []kit.Effect{told}}}
		}
		way := p.over(l, run.Over{})
		way.Effects = append([]kit.Effect{told}, way.Effects...)
		return []Way{way}
	case run.Nudge:
		return []Way{{State: l}}
	case run.Call:
		if l.hung || !l.current() {
			return []Way{{State: l, Effects: []kit.Effect{kit.Answer{To: in.From, Msg: run.Result{Err: errors.New("draining")}}}}}
		}
		return []Way{
			{State: l, Effects: []kit.Effect{kit.Answer{To: in.From, Msg: run.Result{}}}},
			{State: l, Fault: hang, Silent: true, Text: "and the call hangs"},
		}
	}
	return []Way{{State: l, Bug: fmt.Sprintf("told %T, which it cannot know", in.Msg)}}
}

// over: the network ended.
func (p played) over(l life, what run.Over) Way {
	what.Account, what.Run = l.account, l.number
	return Way{State: l, Effects: []kit.Effect{kit.Tell{To: p.supervisor, Msg: what}}, Gone: true}
}

// Moves are a run's own ends. One that hangs may end after all, or never.
func (p played) Moves(_ View, state any) []Way {
	l := state.(life)
	if l.hung {
		way := p.over(l, run.Over{})
		way.Text = "ends after all"
		return []Way{way}
	}
	lost, refused := p.over(l, run.Over{Err: "the connection was lost"}), p.over(l, run.Over{Err: "wrong password", Refusal: true})
	lost.Fault, lost.Text = crash, "the connection is lost"
	refused.Fault, refused.Text = refusal, "the password is refused"
	return []Way{lost, refused, {State: l, Gone: true, Cause: "panic", Fault: panicky, Text: "it panics"}}
}
