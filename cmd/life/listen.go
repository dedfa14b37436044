package life

import "holdfast/http/server"

// listener is what a reload asks of the edge when gateway.listen has changed: to bind the new address beside the old one,
// and, when all else is proven, to serve it instead. The first address is no matter of a reload: it is bound before the
// first one and served after it.
type listener interface {
	Bind(addr string) (bound, error)
}

// bound is an address that waits for one of Serve and Close.
type bound interface {
	Addr() string
	Serve()
	Close()
}

// addresses are those of the edge.
type addresses struct{ edge *server.Server }

// Bind binds a further one.
func (a addresses) Bind(addr string) (bound, error) {
	b, err := a.edge.Bind(addr)
	if err != nil {
		return nil, err
	}
	return b, nil
}
