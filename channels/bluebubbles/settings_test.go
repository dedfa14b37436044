package bluebubbles

import (
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/channels"
	"holdfast/config"
)

func goodSettings() *Settings {
	s := newSettings()
	s.ServerURL = "http://mac.local:1234"
	s.Password = []config.Secret{config.NewSecret("one"), config.NewSecret("two")}
	return s
}

func TestSettingsNameEveryFault(t *testing.T) {
	cases := []struct {
		name  string
		alter func(*Settings)
		want  []string // paths
	}{
		{"good settings have none", func(*Settings) {}, nil},
		{"the defaults lack an address and a password", func(s *Settings) { *s = *newSettings() }, []string{"serverUrl", "password"}},
		{"an address of another kind", func(s *Settings) { s.ServerURL = "ftp://mac" }, []string{"serverUrl"}},
		{"an address without host", func(s *Settings) { s.ServerURL = "http://" }, []string{"serverUrl"}},
		{"an address that is none", func(s *Settings) { s.ServerURL = "http://[::1" }, []string{"serverUrl"}},
		{"an address with a password in its query", func(s *Settings) { s.ServerURL = "http://mac?password=hidden" }, []string{"serverUrl"}},
		{"an address with a user", func(s *Settings) { s.ServerURL = "http://me:hidden@mac" }, []string{"serverUrl"}},
		{"an empty password among others", func(s *Settings) { s.Password[1] = config.Secret{} }, []string{"password[1]"}},
		{"a password with a line end", func(s *Settings) { s.Password[0] = config.NewSecret("hidden\n") }, []string{"password[0]"}},
		{"a webhook path that the gateway needs itself", func(s *Settings) { s.WebhookPath = "/healthz" }, []string{"webhookPath"}},
		{"a webhook path that is empty", func(s *Settings) { s.WebhookPath = "" }, []string{"webhookPath"}},
		{"a webhook path with a query", func(s *Settings) { s.WebhookPath = "/hook?x=1" }, []string{"webhookPath"}},
		{"a webhook path with dots", func(s *Settings) { s.WebhookPath = "/a/../b" }, []string{"webhookPath"}},
		{"a time-out that is too short", func(s *Settings) { s.SendTimeout = config.Duration(time.Second) }, []string{"sendTimeout"}},
		{"a time-out that is too long", func(s *Settings) { s.SendTimeout = config.Duration(time.Hour) }, []string{"sendTimeout"}},
		{"a fault of the shared keys", func(s *Settings) { s.DMPolicy = "nobody" }, []string{"dmPolicy"}},
		{"several faults at once", func(s *Settings) { s.ServerURL, s.WebhookPath = "", "/" }, []string{"serverUrl", "webhookPath"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := goodSettings()
			c.alter(s)
			var got []string
			for _, p := range s.Validate() {
				got = append(got, p.Path)
				if p.Want == "" || strings.Contains(p.String(), "hidden") {
					t.Errorf("the problem says nothing or too much: %s", p)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestTheAddressIsMadeCanonical(t *testing.T) {
	for given, want := range map[string]string{
		"mac.local:1234":            "http://mac.local:1234",
		"http://mac.local:1234/":    "http://mac.local:1234",
		" https://mac.example/bb//": "https://mac.example/bb",
		"192.168.1.7:1234":          "http://192.168.1.7:1234",
		"[fd00::1]:1234":            "http://[fd00::1]:1234",
	} {
		s := goodSettings()
		s.ServerURL = given
		u, err := s.server()
		if err != nil || u.String() != want {
			t.Errorf("%q: got %v, %v, want %s", given, u, err, want)
		}
	}
}

func TestTheKindHasWhatTheGatewayNeeds(t *testing.T) {
	k := Kind()
	if k.Name != "bluebubbles" || k.Limits.RepeatWindow < 7*24*time.Hour+time.Hour || k.Limits.SendWithin < maxSendTimeout || k.Limits.Text <= 0 || k.Limits.Parallel <= 0 || k.Limits.Attachment <= 0 {
		t.Fatalf("got %+v", k)
	}
	s, ok := k.Settings().(*Settings)
	if !ok || !s.SendReadReceipts || !s.Typing || s.SendTimeout.D() != 3*time.Minute || s.WebhookPath != "/bluebubbles-webhook" || s.DMPolicy != channels.Pairing {
		t.Fatalf("the defaults are %+v", s)
	}
}

func TestTheRouteIsDataOfTheSettings(t *testing.T) {
	s := goodSettings()
	s.WebhookPath = "hooks/mac"
	off := false
	s.Enabled = &off
	routes := Kind().Routes("bluebubbles:home", s)
	if len(routes) != 1 {
		t.Fatalf("got %d routes", len(routes))
	}
	r := routes[0]
	if r.Account != "bluebubbles:home" || r.Path != "/hooks/mac" || !slices.Equal(r.Methods, []string{"POST"}) || !r.Disabled || r.Ack != channels.AckJournal || r.ID.Path != "data.guid" {
		t.Errorf("got %+v", r)
	}
	a := r.Auth[0]
	if a.Scheme != channels.SchemeSecret || len(a.Secrets) != 2 || !a.Secrets[1].Equal("two") {
		t.Errorf("the way in is %+v", a)
	}
	var places []string
	for _, p := range a.Places {
		places = append(places, p.In+" "+p.Name)
	}
	want := []string{"header x-guid", "header x-password", "header x-bluebubbles-guid", "header authorization", "query guid", "query password", "query token"}
	if !slices.Equal(places, want) || a.Places[3].Strip != "Bearer " {
		t.Errorf("the places are %v", a.Places)
	}
}

func TestTheSampleIsAGoodConfiguration(t *testing.T) {
	node, err := config.ParseNode("sample.yaml", Kind().Sample, []string{"BLUEBUBBLES_PASSWORD=hidden"})
	if err != nil {
		t.Fatal(err)
	}
	s := newSettings()
	if problems := append(node.Decode(s), s.Validate()...); len(problems) > 0 {
		t.Fatalf("the sample has faults: %s", problems)
	}
	if len(s.Password) != 1 || !s.Password[0].Equal("hidden") || s.ServerURL == "" || !s.Typing {
		t.Fatalf("got %+v", s)
	}
}

func TestSettingsCanBeSwitchedOff(t *testing.T) {
	node, err := config.ParseNode("x.yaml", []byte("password: [a, b]\ntyping: false\nsendReadReceipts: false\nsendTimeout: 90s\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newSettings()
	if problems := node.Decode(s); len(problems) > 0 {
		t.Fatal(problems)
	}
	if s.Typing || s.SendReadReceipts || s.SendTimeout.D() != 90*time.Second || len(s.Password) != 2 || !s.password().Equal("a") {
		t.Fatalf("got %+v", s)
	}
}
