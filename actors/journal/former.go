package journal

import (
	"slices"

	"holdfast/channels"
)

// maxFormer bounds the renames that the machine remembers; who still says an older name has been gone for long.
const maxFormer = 256

// former are the renames of this process's life, oldest first: for those who began something under a name before it changed,
// and come with it after. It is a value.
type former []formerName

type formerName struct {
	from, to channels.Account
	revision uint64 // the publication with which the new name serves
	over     bool   // the old name is an account again, another one
}

// with notes a rename. The new name is an account from now on, whatever it was before; the old one means the new one only.
func (f former) with(m Rename) former {
	f = f.present(func(a channels.Account) bool { return a == m.To || a == m.From })
	f = append(f, formerName{from: m.From, to: m.To, revision: m.Revision})
	return f[max(0, len(f)-maxFormer):]
}

// present says which accounts there are: their names mean them, and nobody who was called so before.
func (f former) present(is func(channels.Account) bool) former {
	f = slices.Clone(f)
	for i := range f {
		f[i].over = f[i].over || is(f[i].from)
	}
	return f
}

// owner is whom somebody means who says a name as of a revision. Revision 0 is now.
func (f former) owner(a channels.Account, revision uint64) channels.Account {
	for _, one := range f {
		if one.from == a && (revision == 0 && !one.over || revision != 0 && revision < one.revision) {
			a = one.to
		}
	}
	return a
}
