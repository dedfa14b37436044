package life

import (
	"holdfast/actors/reload"
	"holdfast/http/server"
)

// addresses are those of the edge, for a reload that changes gateway.listen.
type addresses struct{ edge *server.Server }

// Bind binds a further one.
func (a addresses) Bind(addr string) (reload.Bound, error) {
	b, err := a.edge.Bind(addr)
	if err != nil {
		return nil, err
	}
	return b, nil
}
