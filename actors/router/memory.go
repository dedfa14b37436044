package router

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

// Where the journal has the paths: one value under a name that no account can have, since theirs begin with a channel.
const (
	memoryOf   = channels.Account("gateway")
	memoryName = "paths"
)

// Known are the paths as they were when the last process ended, held ones included. Who moves a path while the gateway does
// not run is held to the same promise as who moves it while it does.
type Known struct{ doors []door }

// door is one path of one account. What it lets in is not kept: an account's settings say that, as they are now.
type door struct {
	Account channels.Account `json:"account"`
	Path    string           `json:"path"` // canonical
	Under   bool             `json:"under,omitempty"`
	Until   time.Time        `json:"until,omitzero"` // of a grace
}

// Recall reads them from the journal's store, before there are actors. Nothing is known at the first start.
func Recall(value func(of channels.Account, name string) ([]byte, error)) (Known, error) {
	data, err := value(memoryOf, memoryName)
	if err != nil {
		return Known{}, fmt.Errorf("reading the paths of the last run from the journal: %w", err)
	}
	var known Known
	if len(data) == 0 {
		return known, nil
	}
	if err := json.Unmarshal(data, &known.doors); err != nil {
		return Known{}, fmt.Errorf("the paths of the last run, as the journal has them: %w", err)
	}
	return known, nil
}

// begin is the router's first state: what was granted last counts as granted, so that an account that leaves its path with
// the first registration moves. Graces go on, and end when they would have.
func begin(registry, journal kit.Addr, known Known) State {
	s := State{Registry: registry, Journal: journal}
	for _, d := range known.doors {
		c := claimed{key: key{d.Path, d.Under}, route: channels.Route{Account: d.Account}, until: d.Until, bare: true}
		if d.Until.IsZero() {
			s.Live.claims = append(s.Live.claims, c)
			continue
		}
		s.Graces++
		c.number = s.Graces
		s.Live.held = append(s.Live.held, c)
	}
	s.Live.moved = slices.Clone(s.Live.held)
	return s
}

// dressed is a path of the last run as a present route of its account would have it. Others stay as they are.
func (c claimed) dressed(as channels.Route) claimed {
	if c.bare {
		c.route, c.bare = as, false
		c.route.Path = c.key.path
	}
	return c
}

// remember has the journal keep the live paths. Nobody waits for it: a journal that cannot write ends the process.
func (s State) remember() kit.Effect {
	doors := make([]door, 0, len(s.Live.claims)+len(s.Live.held))
	for _, c := range slices.Concat(s.Live.claims, s.Live.held) {
		doors = append(doors, door{c.route.Account, c.key.path, c.key.under, c.until})
	}
	value, _ := json.Marshal(doors) // names, paths and times can always be encoded
	return kit.Tell{To: s.Journal, Msg: journal.Commit{
		Account: memoryOf, Ops: []journal.Op{journal.SetState{Name: memoryName, Value: value}}, Sync: true,
	}}
}

// alike tells whether two publications grant the same paths to the same accounts. What is held changes only with that.
func (t tables) alike(o tables) bool {
	return slices.EqualFunc(t.claims, o.claims, func(a, b claimed) bool { return a.owned() == b.owned() })
}
