package config

import (
	"crypto/hmac"
	"math"
	"slices"
)

// equal tells whether two values mean the same, wherever and in whatever order they stand. A member that is null says nothing.
func (v *value) equal(o *value) bool {
	if v == o {
		return true
	}
	if v.shape != o.shape {
		return false
	}
	switch v.shape {
	case list:
		return slices.EqualFunc(v.items, o.items, (*value).equal)
	case mapping:
		return v.within(o) && v.said() == o.said()
	case text:
		return hmac.Equal([]byte(v.scalar.(string)), []byte(o.scalar.(string)))
	case number:
		return sameNumber(v.scalar, o.scalar)
	}
	return v.scalar == o.scalar
}

// within tells whether o sets every member that v sets, to the same.
func (v *value) within(o *value) bool {
	for key, m := range v.members {
		if other := o.members[key]; m.sets() && !(other.sets() && m.equal(other)) {
			return false
		}
	}
	return true
}

// said is how many members say something.
func (v *value) said() int {
	n := 0
	for _, m := range v.members {
		if m.sets() {
			n++
		}
	}
	return n
}

// sameNumber compares what may be whole on one side and written with a point on the other.
func sameNumber(a, b any) bool {
	i, whole := a.(int64)
	f, point := b.(float64)
	if !whole || !point {
		i, whole = b.(int64)
		f, point = a.(float64)
	}
	if whole && point {
		return f == math.Trunc(f) && math.Abs(f) < 1<<63 && int64(f) == i
	}
	return a == b
}

// alike tells whether two values are one but for their places.
func (v *value) alike(o *value) bool {
	if v == o {
		return true
	}
	if v.shape != o.shape || v.env != o.env || v.broken || o.broken || len(v.members) != len(o.members) {
		return false
	}
	switch v.shape {
	case list:
		return slices.EqualFunc(v.items, o.items, (*value).alike)
	case mapping:
		for key, m := range v.members {
			if other := o.members[key]; other == nil || !m.alike(other) {
				return false
			}
		}
		return true
	case text:
		return hmac.Equal([]byte(v.scalar.(string)), []byte(o.scalar.(string)))
	}
	return v.scalar == o.scalar
}
