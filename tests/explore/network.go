package explore

import (
	"errors"
	"fmt"
	"strings"

	"holdfast/actors/registry"
	"holdfast/channels"
	"holdfast/channels/screen"
	"holdfast/config"
)

// Networks of every world: on the one two runs of an account may be connected at once, on the other only one.
const (
	double = "double"
	single = "single"
)

// settings of an account: a path and a secret are all that tells one version from another.
type settings struct {
	channels.Common
	Path   string        `json:"path"`
	Secret config.Secret `json:"secret"`

	both bool
}

// Overlaps tells whether two runs at once do no harm.
func (s *settings) Overlaps() bool { return s.both }

// Validate wants a path.
func (s *settings) Validate() []config.Problem {
	if s.Path == "" {
		return []config.Problem{{Path: "path", Want: "a path"}}
	}
	return nil
}

// word is all that the settings are.
func (s *settings) word() string {
	for _, secret := range secrets {
		if s.Secret.Equal(secret) {
			return fmt.Sprintf("%s %s %t", s.Path, secret, s.On())
		}
	}
	return s.Path
}

// own are the settings of a plugin.
type own struct {
	Edition int `json:"edition"`
}

func (*own) Validate() []config.Problem { return nil }

// secrets are all that the files of worlds may use.
var secrets = []string{"one", "two", "three", "four"}

// plugins are those of every world.
func plugins() []channels.Plugin {
	var out []channels.Plugin
	for _, name := range []string{double, single} {
		out = append(out, channels.Plugin{
			Name: name, Version: channels.BuiltIn,
			Settings: func() channels.PluginSettings { return &own{} },
			Offer: func(s channels.PluginSettings) channels.Offer {
				return channels.Offer{Kinds: []channels.Kind{network(name, s.(*own).Edition)}}
			},
		})
	}
	return out
}

// network is a kind of which only the data matter: its code is never run, runs are played. The edition of its plugin shows
// in its limits.
func network(name string, edition int) channels.Kind {
	return channels.Kind{
		Name:     name,
		Limits:   channels.Limits{Text: edition},
		Settings: func() channels.Settings { return &settings{Common: channels.DefaultCommon(), both: name == double} },
		Routes: func(_ channels.Account, s channels.Settings) []channels.Route {
			mine := s.(*settings)
			return []channels.Route{{
				Path: mine.Path, Methods: []string{"POST"}, Forms: []channels.Form{{}},
				Auth: []channels.Auth{{
					Scheme: channels.SchemeSecret, Secrets: []config.Secret{mine.Secret},
					Places: []channels.Place{{In: "header", Name: "X-Secret"}},
				}},
			}}
		},
		Interpret: func(channels.Settings, channels.Request) ([]channels.Arrival, error) {
			return nil, errors.New("nobody understands it")
		},
	}
}

// admitted says which secrets a path lets in, and for whom.
func admitted(e *registry.Endpoint) string {
	var out []string
	for _, secret := range secrets {
		if account := admits(e, secret); account != "" {
			out = append(out, secret+"="+account)
		}
	}
	return strings.Join(out, " ")
}

// admits is the account that a secret lets in; a disabled one is as good as any other.
func admits(e *registry.Endpoint, secret string) string {
	head := screen.Head{Method: "POST", Header: func(name string) (string, int) {
		if name == "X-Secret" {
			return secret, 1
		}
		return "", 0
	}}
	return string(e.Screen.Head(head, noon).Account)
}
