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

// settings of an account of the networks of a world: a path and a secret are all that tells one version from another.
type settings struct {
	channels.Common
	Path   string        `json:"path"`
	Secret config.Secret `json:"secret"`
}

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

// secrets are all that the files of worlds may use.
var secrets = []string{"one", "two", "three", "four"}

// network is a kind of which only the data matter: its code is never run, runs are played.
func network(name string) channels.Kind {
	return channels.Kind{
		Name:     name,
		Settings: func() channels.Settings { return &settings{Common: channels.DefaultCommon()} },
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
		Interpret: func(_ channels.Settings, r channels.Request) ([]channels.Arrival, error) {
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

func admits(e *registry.Endpoint, secret string) string {
	head := screen.Head{Method: "POST", Header: func(name string) (string, int) {
		if name == "X-Secret" {
			return secret, 1
		}
		return "", 0
	}}
	v := e.Screen.Head(head, noon)
	if v.Action == screen.Refuse {
		return ""
	}
	return string(v.Account)
}
