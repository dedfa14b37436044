package console

import (
	"fmt"
	"strconv"
	"time"

	"holdfast/channels"
	"holdfast/config"
)

// Settings of the plugin itself.
type Settings struct {
	Wait       config.Duration `json:"wait,omitempty" jsonschema:"description=how long console.say waits for an answer unless it is told otherwise; also the most"`
	Transcript int             `json:"transcript,omitempty" jsonschema:"minimum=1,maximum=1000,description=lines kept per account; the newest"`
}

// Bounds and defaults. A call may take a minute, so a wait must be over before.
const (
	DefaultWait       = 30 * time.Second
	maxWait           = 50 * time.Second
	DefaultTranscript = 100
	maxTranscript     = 1000
)

func newSettings() *Settings {
	return &Settings{Wait: config.Duration(DefaultWait), Transcript: DefaultTranscript}
}

// Validate names every fault.
func (s *Settings) Validate() []config.Problem {
	var out []config.Problem
	if s.Wait <= 0 || s.Wait.D() > maxWait {
		out = append(out, config.Problem{Path: "wait", Got: s.Wait.String(), Want: fmt.Sprintf("a duration of at most %s, such as %s", maxWait, DefaultWait)})
	}
	if s.Transcript < 1 || s.Transcript > maxTranscript {
		out = append(out, config.Problem{Path: "transcript", Got: strconv.Itoa(s.Transcript), Want: fmt.Sprintf("a number of lines from 1 to %d", maxTranscript)})
	}
	return out
}

// AccountSettings are those of one account.
type AccountSettings struct{ channels.Common }

// newAccount has the defaults. Whoever writes got through the admin socket, which only the operator does, so nobody has to
// be approved.
func newAccount() *AccountSettings {
	s := &AccountSettings{Common: channels.DefaultCommon()}
	s.DMPolicy, s.AllowFrom = channels.Open, []string{"*"}
	s.TextChunkLimit = TextLimit
	return s
}
