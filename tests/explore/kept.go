package explore

import (
	"encoding/json"
	"fmt"
	"slices"

	"holdfast/actors/journal"
	"holdfast/actors/router"
	"holdfast/channels"
)

// doorway is what the router has the journal keep of one path.
type doorway struct {
	Account channels.Account
	Path    string
	Held    bool
}

// keep is the router's word to the journal, which nobody answers.
func (b books) keep(m journal.Commit) (books, string) {
	var said []struct {
		doorway
		Until string
	}
	value := m.Ops[0].(journal.SetState).Value
	if err := json.Unmarshal(value, &said); err != nil {
		return b, fmt.Sprintf("the paths that are to be kept cannot be read: %s: %v", value, err)
	}
	b.paths = nil
	for _, d := range said {
		d.Held = d.Until != ""
		b.paths = append(b.paths, d.doorway)
	}
	return b, ""
}

// pathsAreKept: the journal has every path that is live, held ones included, so that the next process holds them as well.
func pathsAreKept(v View) string {
	kept := v.State(journalAt).(books).paths
	for _, p := range v.State(routerAt).(router.State).Paths() {
		for _, account := range p.Accounts {
			if !slices.ContainsFunc(kept, func(d doorway) bool { return d.Account == account && d.Path == p.Path }) {
				return fmt.Sprintf("%s of %s is live, and the next process will not know it", p.Path, account)
			}
		}
	}
	return ""
}
