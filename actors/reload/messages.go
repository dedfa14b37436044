package reload

import (
	"fmt"
	"time"

	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/config"
	"holdfast/config/edit"
)

type (
	// Begin is the first message, from the shell.
	Begin struct{}
	// Boot applies a first configuration. It is judged again only if the gateway is not reached at the address that it was
	// judged for. Sent by cmd. Answer: Report.
	Boot struct{ Candidate *Candidate }
	// Reload reads the configuration again and applies what changed, or with Target restarts: one account
	// ("bluebubbles:home"), a channel ("bluebubbles") or everything ("all"). Sent by control. Answer: Report.
	Reload struct {
		Target string
		Caller string
		// DryRun only plans. File is what is planned for, or else the configuration itself.
		DryRun bool
		File   string
		// AllOrNothing leaves everything as it is when one unit cannot be prepared; else only that one stays as it is.
		AllOrNothing bool
	}
	// Report is what a reload did, unit by unit. It is never changed.
	Report struct {
		Revision   uint64             `json:"revision"`
		Generation uint64             `json:"generation"`
		Caller     string             `json:"caller"`
		Began      time.Time          `json:"began"`
		Took       config.Duration    `json:"took"`
		DryRun     bool               `json:"dryRun,omitempty"` // nothing was done; Plan says what would be
		Plan       *Plan              `json:"plan,omitempty"`
		Units      map[string]Verdict `json:"units"`
		Problems   []config.Problem   `json:"problems,omitempty"` // the configuration was refused: the old state serves on
		Err        string             `json:"error,omitempty"`
	}
	// Edit changes the configuration file and then reads it again, as a Reload would. Sent by control. Answer: Edited, at
	// once if nothing was written, else with the report of the reload that takes the change in.
	Edit struct {
		Patch   bool         // Value is merged into the whole; else it replaces what stands at Path
		Path    string       // as package config/edit has it
		Value   []byte       // JSON; null removes
		Options edit.Options // Dry only judges
		Caller  string
	}
	// Edited answers Edit.
	Edited struct {
		Result edit.Result
		Dry    bool
		Plan   *Plan   // of a dry one: what a reload would change
		Report *Report // nil: nothing was written
		Err    error   // why nothing was written: one of package config/edit, ErrBusy, or a bug
	}
)

// ErrBusy answers an Edit that found the queue full.
var ErrBusy = fmt.Errorf("%d changes of the configuration wait already, and this one was not begun: try again when they are answered", editsMost)

// Verdict is what became of one unit.
type Verdict = supervisor.Verdict

// Results of a Verdict.
const (
	applied   = "applied"
	unchanged = "unchanged"
	removed   = "removed"
	deferred  = "deferred" // it takes effect later: the reason says when
	failed    = "failed"   // it is as it was
)

// Snapshot is what reload publishes. It is never changed.
type Snapshot struct {
	Phase string
	Last  *Report // the last one that did something or was refused
	// Refused is what is wrong with the configuration as it was last read; none: it was valid.
	Refused config.Problems
	Counts  Counts
	// Unapplied are accounts that serve on with older settings than the configuration has, and why.
	Unapplied map[channels.Account]string
}

// Counts of reloads since the process started.
type Counts struct {
	Applied   uint64 `json:"applied"`   // something took effect
	Unchanged uint64 `json:"unchanged"` // there was nothing to do
	Refused   uint64 `json:"refused"`   // nothing took effect
}
