// Package echo is the agent that says what it hears. It needs no server, so it answers in the default configuration
// and shows that a channel works before a model is involved.
//
//	agents:
//	  default:
//	    kind: echo
//	    prefix: "You said: "   # in front of every answer; default none
//
// The names of attachments follow the text, one line each. A message without text and attachments gets no answer.
package echo

import (
	"context"
	"strings"

	"holdfast/actors/agents/backend"
)

// Name is the kind as in the configuration.
const Name = "echo"

// Settings of an echo agent.
type Settings struct {
	backend.Common
	Prefix string `json:"prefix,omitempty" jsonschema:"description=stands in front of every answer"`
}

// Kind describes the agent to the gateway.
func Kind() backend.Kind {
	return backend.Kind{
		Name:     Name,
		Settings: func() backend.Settings { return &Settings{Common: backend.DefaultCommon(Name)} },
		Open:     func(s backend.Settings, _ backend.Env) backend.Agent { return &agent{prefix: s.(*Settings).Prefix} },
		History:  func(backend.Settings) bool { return false },
	}
}

type agent struct{ prefix string }

// Turn answers at once and fails only when ctx has ended.
func (a *agent) Turn(ctx context.Context, t backend.Turn) (backend.Answer, error) {
	if err := ctx.Err(); err != nil {
		return backend.Answer{}, err
	}
	var lines []string
	if t.Text != "" {
		lines = append(lines, t.Text)
	}
	for _, file := range t.Attachments {
		line := "[" + file.Name + "]"
		if file.Gone != "" {
			line = "[" + file.Name + ": " + file.Gone + "]"
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return backend.Answer{}, nil
	}
	return backend.Answer{Text: a.prefix + strings.Join(lines, "\n")}, nil
}
