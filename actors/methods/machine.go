// Package methods decides which methods can be called, by what name and of whom. It computes the table and hands it to
// the registry, which publishes it together with the routes.
//
// Invariants: a name has one owner; a table is replaced whole; nothing is callable before the registry has published it.
package methods

import (
	"regexp"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
)

// stageWithin is how long the registry may take to answer; it does no I/O.
const stageWithin = 10 * time.Second

var wellFormed = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$`)

// State is what the machine knows between two inputs.
type State struct {
	Registry kit.Addr
	Count    int // methods in the newest table
}

// staging is the tag of the question to the registry: who waits for its answer, and with what.
type staging struct {
	from kit.Return
	then Registered
}

// Step decides.
func Step(s State, in kit.In) (State, []kit.Effect) {
	switch m := in.Msg.(type) {
	case Register:
		kept, refused := sift(m.Methods)
		s.Count = len(kept)
		return s, []kit.Effect{kit.Ask{
			To: s.Registry, Msg: registry.StageMethods{Methods: registry.NewMethods(kept)},
			Within: stageWithin, Tag: staging{in.From, Registered{Refused: refused}},
		}}
	case kit.Answered:
		if tag, ok := m.Tag.(staging); ok {
			tag.then.Err = m.Err
			return s, []kit.Effect{kit.Answer{To: tag.from, Msg: tag.then}}
		}
	}
	return s, []kit.Effect{kit.Unknown{Msg: in.Msg}}
}

func sift(all []registry.Method) (kept []registry.Method, refused map[string]string) {
	refused = map[string]string{}
	owner := map[string]kit.Addr{}
	for _, m := range all {
		switch {
		case !wellFormed.MatchString(m.Name):
			refused[m.Name] = "a method's name is lower-case words joined by dots"
		case m.Owner.IsZero():
			refused[m.Name] = "nobody answers it"
		case !owner[m.Name].IsZero():
			refused[m.Name] = owner[m.Name].String() + " answers a method of this name already: rename the later one"
		default:
			owner[m.Name] = m.Owner
			kept = append(kept, m)
		}
	}
	return kept, refused
}
