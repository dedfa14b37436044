package supervisor

import (
	"fmt"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/run"
	"holdfast/channels"
)

// told plays whoever is told something.
func (w *world) told(e kit.Tell) {
	switch m := e.Msg.(type) {
	case registry.Release:
		delete(w.leases, m.Lease)
	case registry.Forget:
		for id, holder := range w.leases {
			if holder == m.Holder {
				delete(w.leases, id)
			}
		}
	case run.Admit:
		r := w.runs[e.To]
		if !r.apart || r.number != w.row(r.account).run.number {
			w.t.Fatalf("%s: run.%d is admitted twice, or is not the current one", r.account, r.number)
		}
		r.apart = false
	case run.Drain:
		r := w.runs[e.To]
		r.current = false
		if w.rand == nil || w.rand.IntN(3) > 0 {
			w.say(r, run.Sealed{Account: r.account, Run: r.number}, func() { r.clear = true })
		}
		if !r.hung {
			w.end(e.To, r, "")
		}
	case run.Fence:
		r := w.runs[e.To]
		r.current = false
		w.say(r, run.Fenced{Account: r.account, Run: r.number}, func() { r.clear = true })
		if !r.hung {
			w.end(e.To, r, "")
		}
	}
}

// end has a run end: it says so, and then it is gone.
func (w *world) end(addr kit.Addr, r *runModel, err string) {
	if r.gone {
		return
	}
	r.gone = true
	w.say(r, run.Over{Account: r.account, Run: r.number, Err: err}, func() {})
	w.say(r, kit.Ended{Child: addr}, func() {})
}

func (w *world) say(r *runModel, msg any, then func()) {
	w.open = append(w.open, owed{from: fmt.Sprint(r.account, r.number), make: func() any { then(); return msg }})
}

// fails has an account's current run fail.
func (w *world) fails(id channels.Account, err string) {
	for addr, r := range w.runs {
		if r == w.current(id) {
			w.end(addr, r, err)
		}
	}
}

// current is the account's current run; nil if there is none.
func (w *world) current(id channels.Account) *runModel {
	return w.numbered(id, w.row(id).run.number)
}

// proving is the account's candidate; nil if there is none.
func (w *world) proving(id channels.Account) *runModel {
	if cand := w.row(id).cand; cand.lease != 0 {
		return w.numbered(id, cand.number)
	}
	return nil
}

func (w *world) numbered(id channels.Account, number uint64) *runModel {
	for _, r := range w.runs {
		if r.account == id && r.number == number && r.current {
			return r
		}
	}
	return nil
}
