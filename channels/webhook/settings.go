package webhook

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"holdfast/channels"
	"holdfast/config"
)

// AuthType says how a sender proves itself.
type AuthType string

const (
	Standard AuthType = "standard"
	HMAC     AuthType = "hmac"
	Bearer   AuthType = "bearer"
	Basic    AuthType = "basic"
	None     AuthType = "none"
)

// Settings of one account. The callback's URL is a secret because many a receiver has a token in it.
type Settings struct {
	channels.Common
	Path           string        `json:"path,omitempty" jsonschema:"default=/hook,description=where senders post"`
	Auth           Auth          `json:"auth" jsonschema:"description=how a sender proves itself"`
	Map            Map           `json:"map,omitzero" jsonschema:"description=where things stand in the posted document, as gjson paths"`
	CallbackURL    config.Secret `json:"callbackUrl,omitzero" jsonschema:"description=where answers are posted; without it senders fetch them"`
	CallbackSecret config.Secret `json:"callbackSecret,omitzero" jsonschema:"description=signs the posted answers: whsec_ and base64"`
}

// Auth is how a sender proves itself.
type Auth struct {
	Type     AuthType        `json:"type" jsonschema:"enum=standard,enum=hmac,enum=bearer,enum=basic,enum=none"`
	Secret   config.Secret   `json:"secret,omitzero"`
	Secrets  []config.Secret `json:"secrets,omitempty" jsonschema:"description=any one admits"`
	Header   string          `json:"header,omitempty" jsonschema:"description=where the signature or the secret stands"`
	Prefix   string          `json:"prefix,omitempty" jsonschema:"description=what stands before it"`
	Encoding string          `json:"encoding,omitempty" jsonschema:"enum=hex,enum=base64"`
	User     string          `json:"user,omitempty"`
	Window   config.Duration `json:"window,omitempty" jsonschema:"description=how far the sender's clock may be off; default 5m"`
}

// Map says where things stand. What is empty has its default.
type Map struct {
	ID           string `json:"id,omitempty"`
	Conversation string `json:"conversation,omitempty"`
	Sender       string `json:"sender,omitempty"`
	Name         string `json:"name,omitempty"`
	Text         string `json:"text,omitempty"`
}

// Defaults of an account.
const (
	DefaultPath   = "/hook"
	defaultHMAC   = "X-Hub-Signature-256"
	defaultHeader = "Authorization"
)

// newSettings has the defaults. Who may write is open: a sender is a program that has proved itself, and whom it names
// as a person is its own word in any case.
func newSettings() *Settings {
	s := &Settings{Common: channels.DefaultCommon(), Path: DefaultPath}
	s.DMPolicy, s.AllowFrom = channels.Open, []string{"*"}
	s.TextChunkLimit = TextLimit
	return s
}

// Overlaps: there is no connection that two runs could quarrel about.
func (*Settings) Overlaps() bool { return true }

// Validate names every fault.
func (s *Settings) Validate() []config.Problem {
	out := s.Common.Validate()
	out = append(out, s.validatePath()...)
	out = append(out, s.Auth.validate()...)
	return append(out, s.validateCallback()...)
}

func (s *Settings) validatePath() []config.Problem {
	canonical, err := channels.Canonical(s.Path)
	switch {
	case err != nil || strings.ContainsAny(s.Path, "?#"):
		return []config.Problem{{Path: "path", Got: s.Path, Want: "a path that begins with a slash, such as /hook"}}
	case channels.Reserved(canonical):
		return []config.Problem{{Path: "path", Got: s.Path, Want: "another path: this one belongs to the gateway"}}
	}
	return nil
}

// uses says which keys have an effect with which type.
var uses = map[AuthType][]string{
	Standard: {"secrets", "window"},
	HMAC:     {"secrets", "header", "prefix", "encoding"},
	Bearer:   {"secrets", "header", "prefix"},
	Basic:    {"secrets", "user"},
	None:     nil,
}

// validate checks that exactly what the type needs is there: a setting without effect is a mistake about safety.
func (a Auth) validate() []config.Problem {
	var out []config.Problem
	bad := func(path, got, want string) {
		out = append(out, config.Problem{Path: "auth." + path, Got: got, Want: want})
	}
	used, known := uses[a.Type]
	if !known {
		bad("type", string(a.Type), "standard, hmac, bearer, basic or none: say how a sender proves itself")
		return out
	}
	for _, key := range []struct {
		name string
		set  bool
	}{
		{"secrets", len(a.secrets()) > 0},
		{"header", a.Header != ""},
		{"prefix", a.Prefix != ""},
		{"encoding", a.Encoding != ""},
		{"user", a.User != ""},
		{"window", a.Window != 0},
	} {
		if key.set && !slices.Contains(used, key.name) {
			bad(key.name, "", fmt.Sprintf("to be left out: it has no effect with type %s", a.Type))
		}
	}
	if a.Encoding != "" && a.Encoding != "hex" && a.Encoding != "base64" {
		bad("encoding", a.Encoding, "hex or base64")
	}
	if a.Window < 0 || a.Window.D() > time.Hour {
		bad("window", a.Window.String(), "a duration from 1s to 1h, such as 5m")
	}
	return append(out, a.validateSecrets()...)
}

func (a Auth) validateSecrets() []config.Problem {
	if a.Type == None {
		return nil
	}
	secrets := a.secrets()
	if len(secrets) == 0 {
		return []config.Problem{{Path: "auth.secrets", Want: "at least one secret, such as ${env:HOOK_SECRET}"}}
	}
	for i, s := range secrets {
		path := fmt.Sprintf("auth.secrets[%d]", i)
		switch {
		case s.IsZero():
			return []config.Problem{{Path: path, Want: "a secret that is not empty"}}
		case a.Type == Standard && !signs(s):
			return []config.Problem{{Path: path, Want: "whsec_ and base64, as the sender shows it"}}
		}
	}
	return nil
}

// secrets joins the two ways of writing them down.
func (a Auth) secrets() []config.Secret {
	if a.Secret.IsZero() {
		return a.Secrets
	}
	return append([]config.Secret{a.Secret}, a.Secrets...)
}

// signs tells whether a secret is one of Standard Webhooks.
func signs(s config.Secret) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Reveal(), "whsec_"))
	return err == nil && len(key) > 0
}

func (s *Settings) validateCallback() []config.Problem {
	if s.CallbackURL.IsZero() {
		if !s.CallbackSecret.IsZero() {
			return []config.Problem{{Path: "callbackSecret", Want: "a callbackUrl beside it, or to be left out"}}
		}
		return nil
	}
	var out []config.Problem
	u, err := url.Parse(s.CallbackURL.Reveal())
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		out = append(out, config.Problem{Path: "callbackUrl", Want: "an http or https URL with a host and without user and password"})
	}
	if !signs(s.CallbackSecret) {
		out = append(out, config.Problem{
			Path: "callbackSecret", Want: "whsec_ and base64: answers are signed, so that nobody else can answer in our name",
		})
	}
	return out
}
