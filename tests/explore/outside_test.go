package explore

import (
	"os"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/echo"
	"holdfast/actors/reload"
	"holdfast/channels"
)

// outside is what lies outside of all actors: the file, ports, and the networks' code.
type outside struct {
	files   *versions
	path    string
	version int   // of the file
	doors   int   // that are open, neither served nor closed
	broken  error // what the disk and the ports say to what comes next
	bug     bool  // the code panics
}

// save writes a version of the file.
func (o *outside) save(version int) {
	o.version = version
	if err := os.WriteFile(o.path, []byte(o.files.texts[version]), 0o600); err != nil {
		panic(err)
	}
}

// saved tells whether a version of the file is what is there.
func (o *outside) saved(version int) bool {
	text, err := os.ReadFile(o.path)
	o.version = version
	return err == nil && string(text) == o.files.texts[version]
}

// Bind is the listener's.
func (o *outside) Bind(addr string) (reload.Bound, error) {
	if o.broken != nil {
		return nil, o.broken
	}
	o.doors++
	return door{addr: addr, end: func() { o.doors-- }}, nil
}

// kinds are those of every world; their code is what the history says.
func (o *outside) kinds() reload.Kinds {
	all := plugins()
	for i, p := range all {
		all[i].Offer = func(s channels.PluginSettings) channels.Offer {
			offer := p.Offer(s)
			for k := range offer.Kinds {
				offer.Kinds[k].Interpret = func(channels.Settings, channels.Request) ([]channels.Arrival, error) {
					if o.bug {
						panic("a bug")
					}
					return nil, nil
				}
			}
			return offer
		}
	}
	return reload.Kinds{Plugins: all, Agents: []backend.Kind{echo.Kind()}}
}
