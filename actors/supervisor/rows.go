package supervisor

import (
	"iter"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// rows are the accounts of a channel by name. A row is never changed once it is in here: who changes one puts another in its
// place, and rows of before stay what they were.
type rows struct {
	byName kit.Map[channels.Account, *account]
	busy   int // rows with requests on their way
	alive  int // rows with a run that may still do something
}

// find is the row of an account; nil: there is none.
func (r rows) find(id channels.Account) *account { return r.byName.Of(id) }

// with has the row in the place of the one of that name.
func (r rows) with(a *account) rows {
	r.count(r.find(a.id), -1)
	r.count(a, 1)
	r.byName = r.byName.With(a.id, a)
	return r
}

// without has no row of that name.
func (r rows) without(id channels.Account) rows {
	r.count(r.find(id), -1)
	r.byName = r.byName.Without(id)
	return r
}

func (r *rows) count(a *account, by int) {
	if a == nil {
		return
	}
	if !a.in.idle() {
		r.busy += by
	}
	if !a.alone() {
		r.alive += by
	}
}

// all are the rows in the order of their names.
func (r rows) all() iter.Seq[*account] {
	return func(yield func(*account) bool) {
		for _, a := range r.byName.All() {
			if !yield(a) {
				return
			}
		}
	}
}
