// Package control answers the operator: one child per admin connection, which turns a call by name into a question to the
// owner of the state, or into a look at what everybody may read.
//
// Invariants: every call gets exactly one answer, at the latest at its deadline. Methods that read change nothing (law 2).
// A slow call of one connection delays no other call. Control owns no state of the gateway.
package control

import (
	"fmt"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
)

// State numbers the connections.
type State struct {
	Self  kit.Addr
	Count uint64 // connections ever
}

// Step spawns a child per connection.
func Step(s State, in kit.In) (State, []kit.Effect) {
	switch m := in.Msg.(type) {
	case Open:
		s.Count++
		name := fmt.Sprintf("admin.%d", s.Count)
		conn := s.Self.Child(name)
		return s, []kit.Effect{
			kit.Spawn{Name: name, What: Conn{Self: conn, Peer: m.Peer}},
			kit.Note{Level: zerolog.DebugLevel, Text: "admin connected", Fields: []any{"conn", name, "peer", m.Peer}},
			kit.Answer{To: in.From, Msg: Opened{Conn: conn}},
		}
	case Close:
		return s, []kit.Effect{kit.Stop{Child: m.Conn}}
	case kit.Ended:
		return s, nil // the children are the list, and the kit keeps it
	}
	return s, []kit.Effect{kit.Unknown{Msg: in.Msg}}
}
