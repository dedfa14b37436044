package supervisor

import (
	"fmt"
	"slices"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/run"
	"holdfast/channels"
)

// doLater plays the network's Interpret. It may never end.
func (w *world) doLater(e kit.Do) {
	job := e.Job.(Interpret)
	if w.rand != nil && w.rand.IntN(6) == 0 {
		return
	}
	done := kit.Done{Tag: e.Tag, Msg: Interpreted{Arrivals: []channels.Arrival{{ID: fmt.Sprint(job.Request.Seq), Kind: channels.Message}}}}
	if w.interpret != nil {
		msg, err := w.interpret(job.Request)
		if msg == nil && err == nil {
			return // it hangs
		}
		done.Msg, done.Err = msg, err
	}
	w.number++
	w.open = append(w.open, owed{from: fmt.Sprint("work", w.number), make: func() any { return done }})
}

// answerLater plays whoever is asked.
func (w *world) answerLater(e kit.Ask) {
	w.number++
	w.open = append(w.open, owed{from: fmt.Sprint("answer", w.number), make: func() any {
		if w.late != nil && w.late(e.Msg) || w.rand != nil && w.rand.IntN(8) == 0 {
			return kit.Answered{Tag: e.Tag, Err: kit.ErrLate}
		}
		answer := kit.Answered{Tag: e.Tag, Msg: w.answer(e.Msg)}
		if r := w.runs[e.To]; r != nil && r.gone {
			answer = kit.Answered{Tag: e.Tag, Err: kit.ErrGone}
		}
		return answer
	}})
}

func (w *world) answer(msg any) any {
	fault := w.rand != nil && w.rand.IntN(8) == 0
	switch m := msg.(type) {
	case journal.GetState:
		values := map[string][]byte{}
		for name, v := range w.values[m.Account] {
			values[name] = []byte(v)
		}
		return journal.Values{Values: values}
	case journal.Take:
		return w.take(m)
	case journal.Commit:
		if fault {
			return journal.Committed{Err: errWeird}
		}
		return w.commit(m)
	case registry.Lease:
		if fault {
			return registry.Leased{Err: registry.ErrNoChannel}
		}
		w.number++
		w.leases[registry.LeaseID(w.number)] = m.Holder
		return registry.Leased{Lease: registry.LeaseID(w.number), Kind: channels.Kind{Name: "double", Limits: channels.Limits{RepeatWindow: time.Hour}}}
	case run.Call:
		return run.Result{Receipt: channels.Receipt{ID: "sent"}}
	}
	w.t.Fatalf("nobody answers %T", msg)
	return nil
}

// accept makes a request pending and wakes the supervisor.
func (w *world) accept(id channels.Account) uint64 {
	w.accepted++
	w.pending[id] = append(w.pending[id], w.accepted)
	w.give(journal.Woken{Queue: journal.Queue{Kind: journal.Requests, Account: id}})
	return w.accepted
}

func (w *world) take(m journal.Take) journal.Taken {
	out := journal.Taken{Queue: m.Queue, Last: m.After}
	for _, seq := range w.pending[m.Queue.Account] {
		switch {
		case seq <= m.After:
		case len(out.Requests) == m.Max:
			out.More = true
		default:
			r := channels.Request{Seq: seq, Account: m.Queue.Account}
			if w.stamp != nil {
				w.stamp(&r)
			}
			out.Requests = append(out.Requests, r)
			out.Last = seq
		}
	}
	return out
}

func (w *world) commit(m journal.Commit) journal.Committed {
	var out journal.Committed
	for _, op := range m.Ops {
		if end, is := op.(journal.End); is && !slices.Contains(w.pending[m.Account], end.Seq) {
			return journal.Committed{Err: journal.ErrEnded}
		}
	}
	for _, op := range m.Ops {
		switch op := op.(type) {
		case journal.End:
			w.pending[m.Account] = slices.DeleteFunc(w.pending[m.Account], func(seq uint64) bool { return seq == op.Seq })
			w.ended[m.Account] = append(w.ended[m.Account], op)
		case journal.AddArrival:
			w.arrivals = append(w.arrivals, op.Arrival)
			out.Added = append(out.Added, uint64(len(w.arrivals)))
		case journal.SetState:
			if w.values[m.Account] == nil {
				w.values[m.Account] = map[string]string{}
			}
			w.values[m.Account][op.Name] = string(op.Value)
			if op.Value == nil {
				delete(w.values[m.Account], op.Name)
			}
		}
	}
	return out
}
