package bluebubbles

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"holdfast/channels"
	"holdfast/config"
)

// Defaults and bounds of the settings.
const (
	DefaultWebhookPath = "/bluebubbles-webhook"
	DefaultSendTimeout = 3 * time.Minute // the server may take that long for a text and succeed
	minSendTimeout     = 10 * time.Second
	maxSendTimeout     = 10 * time.Minute
)

// Settings are one account's: one BlueBubbles server.
type Settings struct {
	channels.Common

	ServerURL        string          `json:"serverUrl" jsonschema:"required,description=address of the BlueBubbles server such as http://mac.local:1234"`
	Password         []config.Secret `json:"password" jsonschema:"required,description=the server's password; of several every one is accepted from webhooks and the first is used towards the server"`
	WebhookPath      string          `json:"webhookPath,omitempty" jsonschema:"description=path of the webhook on the gateway"`
	SendReadReceipts bool            `json:"sendReadReceipts" jsonschema:"description=mark conversations as read; needs the Private API"`
	Typing           bool            `json:"typing" jsonschema:"description=show that an answer is being written; needs the Private API"`
	SendTimeout      config.Duration `json:"sendTimeout,omitempty" jsonschema:"description=how long the server may take for one text; attachments get at least 5m"`
}

func newSettings() *Settings {
	return &Settings{
		Common:           channels.DefaultCommon(),
		WebhookPath:      DefaultWebhookPath,
		SendReadReceipts: true,
		Typing:           true,
		SendTimeout:      config.Duration(DefaultSendTimeout),
	}
}

// Overlaps: the server takes any number of clients, and what two of them read twice is claimed once.
func (*Settings) Overlaps() bool { return true }

// Validate names every fault of the account.
func (s *Settings) Validate() []config.Problem {
	out := s.Common.Validate()
	bad := func(path, got, want string) { out = append(out, config.Problem{Path: path, Got: got, Want: want}) }
	if _, err := s.server(); err != nil {
		bad("serverUrl", withoutUser(s.ServerURL), err.Error())
	}
	if len(s.Password) == 0 {
		bad("password", "nothing", "the server's password, best as ${env:NAME} or ${file:PATH}")
	}
	for i, p := range s.Password {
		path := fmt.Sprintf("password[%d]", i)
		switch value := p.Reveal(); {
		case value == "":
			bad(path, "an empty password", "the server's password; remove the entry if it is not needed")
		case strings.TrimSpace(value) != value:
			bad(path, "a password with white space around it", "the password without it: the server cuts it off")
		}
	}
	if path, err := channels.Canonical(s.hookPath()); err != nil || channels.Reserved(path) || strings.ContainsAny(path, "?#") {
		bad("webhookPath", s.WebhookPath, "a path of its own such as "+DefaultWebhookPath+", without query")
	}
	if d := s.SendTimeout.D(); d < minSendTimeout || d > maxSendTimeout {
		bad("sendTimeout", d.String(), fmt.Sprintf("a duration from %s to %s", minSendTimeout, maxSendTimeout))
	}
	return out
}

// Server is the BlueBubbles server's address, for people.
func (s *Settings) Server() string { return withoutUser(s.ServerURL) }

// hookPath is the webhook's path with a leading slash.
func (s *Settings) hookPath() string { return "/" + strings.TrimLeft(s.WebhookPath, "/") }

// server is the base of all requests: scheme added, no trailing slash. The error says what would be right.
func (s *Settings) server() (*url.URL, error) {
	text := strings.TrimSpace(s.ServerURL)
	if text == "" {
		return nil, errors.New("the address of the server such as http://mac.local:1234")
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, errors.New("an address such as http://mac.local:1234")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("an address that begins with http:// or https://")
	case u.User != nil:
		return nil, errors.New("an address without user and password: the password has a key of its own")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("an address without query: the password has a key of its own")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

// withoutUser keeps what may be shown of an address that is wrong: a query or a user part may hold a password.
func withoutUser(address string) string {
	address, _, _ = strings.Cut(address, "?")
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		return "***@" + address[at+1:]
	}
	return address
}

// password is the one used towards the server; empty before validation.
func (s *Settings) password() config.Secret {
	if len(s.Password) == 0 {
		return config.Secret{}
	}
	return s.Password[0]
}
