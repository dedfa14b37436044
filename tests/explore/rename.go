package explore

import (
	"cmp"
	"slices"
)

// renamer hashes forms one after the other, with their numbers named: those without an order by where they occur first,
// those with an order by their rank among all.
type renamer struct {
	sum     digest
	seen    []slot // in the order of their names
	ordered []slot // sorted, unique
}

// order takes the numbers that are compared by size; it comes before the first form.
func (r *renamer) order(f form) {
	for _, s := range f.slots {
		if s.ordered {
			r.ordered = append(r.ordered, s)
		}
	}
}

func bySlot(a, b slot) int {
	return cmp.Or(cmp.Compare(a.domain, b.domain), cmp.Compare(a.value, b.value))
}

// rank ends order.
func (r *renamer) rank() {
	slices.SortFunc(r.ordered, bySlot)
	r.ordered = slices.Compact(r.ordered)
}

func (r *renamer) add(f form) {
	r.sum.word(f.fixed[0])
	r.sum.word(f.fixed[1])
	for _, s := range f.slots {
		r.sum.word(r.name(s))
	}
}

func (r *renamer) name(s slot) uint64 {
	if s.ordered {
		at, _ := slices.BinarySearchFunc(r.ordered, s, bySlot)
		for first := at; ; first-- {
			if first == 0 || r.ordered[first-1].domain != s.domain {
				return uint64(at - first + 1)
			}
		}
	}
	for i, o := range r.seen {
		if o.domain == s.domain && o.value == s.value {
			return uint64(i + 1)
		}
	}
	r.seen = append(r.seen, s)
	return uint64(len(r.seen))
}
