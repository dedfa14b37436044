package reload

import (
	"time"

	"holdfast/actors/supervisor"
	"holdfast/config"
)

type (
	// Boot applies a first configuration. Sent by cmd. Answer: Report.
	Boot struct{ Config *config.Config }
	// Reload reads the configuration again and applies what changed, or with Target restarts: one account
	// ("bluebubbles:home"), a channel ("bluebubbles") or everything ("all"). Sent by control. Answer: Report.
	Reload struct {
		Target string
		Caller string
	}
	// Report is what a reload did, unit by unit. It is never changed.
	Report struct {
		Revision   uint64             `json:"revision"`
		Generation uint64             `json:"generation"`
		Caller     string             `json:"caller"`
		Began      time.Time          `json:"began"`
		Took       config.Duration    `json:"took"`
		Units      map[string]Verdict `json:"units"`
		Problems   []config.Problem   `json:"problems,omitempty"` // the configuration was refused: the old state serves on
		Err        string             `json:"error,omitempty"`
	}
)

// Verdict is what became of one unit.
type Verdict = supervisor.Verdict

// Snapshot is what the actor publishes.
type Snapshot struct {
	Phase string
	Last  *Report
}
