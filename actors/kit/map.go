package kit

import (
	"cmp"
	"iter"

	"github.com/benbjohnson/immutable"
)

// Map is a map for the state of a machine: a change gives a new one and leaves the one before as it was, at a price that grows
// with the logarithm of its length. The zero value is empty; iteration is in the order of the keys.
type Map[K cmp.Ordered, V any] struct {
	of *immutable.SortedMap[K, *V] // by address, so that a change copies no values; what they point to is never changed
}

type byKey[K cmp.Ordered] struct{}

func (byKey[K]) Compare(a, b K) int { return cmp.Compare(a, b) }

// Len is the number of keys.
func (m Map[K, V]) Len() int {
	if m.of == nil {
		return 0
	}
	return m.of.Len()
}

// Get gives the value of a key and whether there is one; the zero value otherwise.
func (m Map[K, V]) Get(k K) (v V, known bool) {
	if m.of == nil {
		return v, false
	}
	p, known := m.of.Get(k)
	if known {
		v = *p
	}
	return v, known
}

// Of is the value of a key, the zero value if there is none.
func (m Map[K, V]) Of(k K) V {
	v, _ := m.Get(k)
	return v
}

// With is the map with that value for the key.
func (m Map[K, V]) With(k K, v V) Map[K, V] {
	if m.of == nil {
		m.of = immutable.NewSortedMap[K, *V](byKey[K]{})
	}
	return Map[K, V]{m.of.Set(k, &v)}
}

// Without is the map without the key.
func (m Map[K, V]) Without(k K) Map[K, V] {
	if m.of == nil {
		return m
	}
	return Map[K, V]{m.of.Delete(k)}
}

// All are the keys and their values as they are now: the loop may change a variable that holds the map.
func (m Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if m.of == nil {
			return
		}
		for it := m.of.Iterator(); !it.Done(); {
			if k, v, _ := it.Next(); !yield(k, *v) {
				return
			}
		}
	}
}
