package console

import (
	"slices"
	"testing"

	"holdfast/channels"
	"holdfast/config"
)

func TestThePlugin(t *testing.T) {
	p := Plugin()
	if !p.Optional {
		t.Error("it is on though nobody asked for it")
	}
	reads := map[string]bool{}
	for _, m := range p.Offer(p.Defaults()).Methods {
		reads[m.Name] = m.Reads
	}
	if len(reads) != 2 || reads["console.say"] || !reads["console.transcript"] {
		t.Errorf("it offers the methods %v, want that console.transcript alone changes nothing", reads)
	}
	if !kind().Limits.Quotes {
		t.Error("answers do not name the line that they answer")
	}
}

func TestSettingsOfThePlugin(t *testing.T) {
	for _, c := range []struct {
		name, yaml, want string
	}{
		{"the sample", string(pluginSample), ""},
		{"nothing", "{}", ""},
		{"the longest wait and transcript", "{wait: 50s, transcript: 1000}", ""},
		{"no wait", "{wait: 0s}", "wait: got 0s: want a duration of at most 50s, such as 30s"},
		{"a wait longer than a call", "{wait: 51s}", "wait: got 51s: want a duration of at most 50s, such as 30s"},
		{"no transcript", "{transcript: 0}", "transcript: got 0: want a number of lines from 1 to 1000"},
		{"a transcript without end", "{transcript: 1001}", "transcript: got 1001: want a number of lines from 1 to 1000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			node, err := config.ParseNode("plugin.yaml", []byte(c.yaml), nil)
			if err != nil {
				t.Fatal(err)
			}
			s := newSettings()
			if ps := node.Decode(s); ps != nil {
				t.Fatal(ps)
			}
			if got := config.Problems(s.Validate()).Error(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestTheOperatorNeedsNoApproval(t *testing.T) {
	s := kind().Settings().Shared()
	if s.DMPolicy != channels.Open || !slices.Contains(s.AllowFrom, "*") {
		t.Errorf("by default the policy is %s for %q, want everybody who gets through the admin socket", s.DMPolicy, s.AllowFrom)
	}
}
