package journal

// chain is a list to whose end one adds without changing any list that somebody holds already: adding makes a new link that
// points at the one before. A slice would share its array between the state a step was given and the one it returns.
// The zero chain is empty.
type chain[T any] struct {
	last *link[T]
	n    int
}

type link[T any] struct {
	one    T
	before *link[T]
}

// with is the chain and one more.
func (c chain[T]) with(one T) chain[T] {
	return chain[T]{last: &link[T]{one: one, before: c.last}, n: c.n + 1}
}

// all are the values in the order in which they were added.
func (c chain[T]) all() []T {
	if c.n == 0 {
		return nil
	}
	out := make([]T, c.n)
	for i, l := c.n-1, c.last; l != nil; i, l = i-1, l.before {
		out[i] = l.one
	}
	return out
}
