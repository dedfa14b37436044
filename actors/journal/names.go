package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"holdfast/channels"
)

// maxNames bounds the renames that items are read through; with one more, all items are written under their new names.
const maxNames = 1024

// name is one rename: from its number on, items of From are To's.
type name struct {
	number   uint64 // rises with every rename
	from, to channels.Account
}

// names are the renames there have been, in order. An item says in its header how many it was written after; those that came
// later are applied when it is read. So an account is renamed without touching its items, however large they are.
type names []name

// last is the number of the newest rename.
func (n names) last() uint64 {
	if len(n) == 0 {
		return 0
	}
	return n[len(n)-1].number
}

// now is what an account is called that was written after the rename of that number.
func (n names) now(a channels.Account, after uint64) channels.Account {
	for _, one := range n {
		if one.number > after && one.from == a {
			a = one.to
		}
	}
	return a
}

func nameKey(number uint64) []byte { return appendSeq([]byte{spaceName}, number) }

func (n name) value() []byte { return append(appendAccount(nil, n.from), n.to...) }

// readNames reads the renames of a journal.
func readNames(r pebble.Reader) (names, error) {
	var out names
	err := walk(r, []byte{spaceName}, nil, func(key, value []byte) (bool, error) {
		from, to, found := bytes.Cut(value, []byte{0})
		if len(key) != 9 || !found {
			return false, fmt.Errorf("rename %q: it does not name two accounts", key)
		}
		out = append(out, name{binary.BigEndian.Uint64(key[1:]), channels.Account(from), channels.Account(to)})
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the renames: %w", err)
	}
	return out, nil
}

// named adds a rename. What is written from now on is written after it.
func (g *stage) named(from, to channels.Account) {
	if len(g.s.names) >= maxNames {
		g.settleNames()
	}
	n := name{g.s.names.last() + 1, from, to}
	g.s.names = append(g.s.names, n)
	g.set(nameKey(n.number), n.value())
}

// settleNames writes every item that a rename has passed by under the name it has now, in as many batches as it takes: each
// leaves what is read as it was. Then only the last rename is kept, for its number.
func (g *stage) settleNames() {
	last := g.s.names.last()
	err := walk(g.s.db, []byte{spaceItem}, nil, func(key, value []byte) (bool, error) {
		seq, err := seqAt(key)
		if err != nil {
			return false, err
		}
		it, err := readItem(g.s.names, seq, value)
		if err != nil || it.written == last {
			return err == nil, err
		}
		it.written = last
		g.scratch = it.appendTo(g.scratch[:0])
		g.set(key, g.scratch)
		if g.batch.Len() >= bigBatch {
			g.flush()
		}
		return g.err == nil, nil
	})
	if err != nil && g.err == nil {
		g.err = err
	}
	if g.err != nil {
		return
	}
	g.flush()
	for _, n := range g.s.names[:len(g.s.names)-1] {
		g.drop(nameKey(n.number))
	}
	g.s.names = names{g.s.names[len(g.s.names)-1]}
}
