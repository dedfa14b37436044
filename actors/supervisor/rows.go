package supervisor

import (
	"cmp"
	"iter"

	"github.com/benbjohnson/immutable"

	"holdfast/channels"
)

// rows are the accounts of a channel by name. A row is never changed once it is in here: who changes one puts another in its
// place, and a copy of rows stays what it was. Every change and every look-up takes time in the logarithm of their number, so
// that a channel of ten thousand accounts answers an input as soon as a channel of one.
type rows struct {
	byName *immutable.SortedMap[channels.Account, *account]
	busy   int // rows with requests on their way
	alive  int // rows with a run that may still do something
}

// byName orders accounts, and whatever is kept by account.
type byName struct{}

func (byName) Compare(a, b channels.Account) int { return cmp.Compare(a, b) }

func noRows() rows {
	return rows{byName: immutable.NewSortedMap[channels.Account, *account](byName{})}
}

// find is the row of an account; nil: there is none.
func (r rows) find(id channels.Account) *account {
	a, _ := r.byName.Get(id)
	return a
}

// with has the row in the place of the one of that name.
func (r rows) with(a *account) rows {
	if before := r.find(a.id); before != nil {
		r.count(before, -1)
	}
	r.count(a, 1)
	r.byName = r.byName.Set(a.id, a)
	return r
}

// without has no row of that name.
func (r rows) without(id channels.Account) rows {
	if before := r.find(id); before != nil {
		r.count(before, -1)
	}
	r.byName = r.byName.Delete(id)
	return r
}

func (r *rows) count(a *account, by int) {
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
		each(r.byName, func(_ channels.Account, a *account) bool { return yield(a) })
	}
}

// each visits what is kept by account, in the order of names, until visit says no.
func each[V any](m *immutable.SortedMap[channels.Account, V], visit func(channels.Account, V) bool) {
	for i := m.Iterator(); !i.Done(); {
		if id, v, _ := i.Next(); !visit(id, v) {
			return
		}
	}
}
