package webhook

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/channels"
	"holdfast/config"
)

const (
	secret  = "canary-5d10"
	signing = "whsec_Y2FuYXJ5LTVkMTAtY2FuYXJ5LTVkMTA="
)

// decode makes settings as the configuration does: over the defaults, unknown keys refused.
func decode(tb testing.TB, text string) *Settings {
	tb.Helper()
	s := newSettings()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(s); err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestValidateNamesEveryFault(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, settings string
		want           []string // paths of the faults
	}{
		{"a bearer is enough", `{"auth":{"type":"bearer","secret":"canary-5d10"}}`, nil},
		{"an open door that is meant", `{"auth":{"type":"none"}}`, nil},
		{"signed posts and signed answers", `{"auth":{"type":"standard","secrets":["` + signing + `"],"window":"1m"},
			"callbackUrl":"https://example.com/a?token=x","callbackSecret":"` + signing + `"}`, nil},
		{"no auth at all", `{}`, []string{"auth.type"}},
		{"a type that does not exist", `{"auth":{"type":"jwt","secret":"canary-5d10"}}`, []string{"auth.type"}},
		{"a bearer without a secret", `{"auth":{"type":"bearer"}}`, []string{"auth.secrets"}},
		{"an empty secret among others", `{"auth":{"type":"bearer","secrets":["canary-5d10",""]}}`, []string{"auth.secrets[1]"}},
		{"a signing secret that is none", `{"auth":{"type":"standard","secret":"canary-5d10!"}}`, []string{"auth.secrets[0]"}},
		{"a secret nobody asks for", `{"auth":{"type":"none","secret":"canary-5d10"}}`, []string{"auth.secrets"}},
		{
			"keys without effect", `{"auth":{"type":"basic","secret":"canary-5d10","header":"X","prefix":"p","encoding":"hex","window":"1m"}}`,
			[]string{"auth.header", "auth.prefix", "auth.encoding", "auth.window"},
		},
		{"a user for a bearer", `{"auth":{"type":"bearer","secret":"canary-5d10","user":"bob"}}`, []string{"auth.user"}},
		{"an encoding that does not exist", `{"auth":{"type":"hmac","secret":"canary-5d10","encoding":"rot13"}}`, []string{"auth.encoding"}},
		{"a window of days", `{"auth":{"type":"standard","secret":"` + signing + `","window":"48h"}}`, []string{"auth.window"}},
		{"a path without a slash", `{"path":"hook","auth":{"type":"none"}}`, []string{"path"}},
		{"a path with a query", `{"path":"/hook?a=b","auth":{"type":"none"}}`, []string{"path"}},
		{"a path of the gateway's own", `{"path":"/metrics","auth":{"type":"none"}}`, []string{"path"}},
		{"answers that nobody signs", `{"auth":{"type":"none"},"callbackUrl":"https://example.com"}`, []string{"callbackSecret"}},
		{"a signature without answers", `{"auth":{"type":"none"},"callbackSecret":"` + signing + `"}`, []string{"callbackSecret"}},
		{"a callback that is no URL", `{"auth":{"type":"none"},"callbackUrl":"example.com","callbackSecret":"` + signing + `"}`, []string{"callbackUrl"}},
		{
			"a callback with a password in it", `{"auth":{"type":"none"},"callbackUrl":"https://bob:canary-5d10@example.com","callbackSecret":"` + signing + `"}`,
			[]string{"callbackUrl"},
		},
		{"a callback without a host", `{"auth":{"type":"none"},"callbackUrl":"https:///answers","callbackSecret":"` + signing + `"}`, []string{"callbackUrl"}},
		{"a callback that is not on the web", `{"auth":{"type":"none"},"callbackUrl":"ftp://example.com","callbackSecret":"` + signing + `"}`, []string{"callbackUrl"}},
		{"a plain callback", `{"auth":{"type":"none"},"callbackUrl":"http://example.com","callbackSecret":"` + signing + `"}`, nil},
		{"a window of an hour", `{"auth":{"type":"standard","secret":"` + signing + `","window":"1h"}}`, nil},
		{"a fault of the shared keys", `{"auth":{"type":"none"},"allowFrom":["bob"]}`, []string{"allowFrom"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range decode(t, tc.settings).Validate() {
				got = append(got, p.Path)
				if p.Want == "" || strings.Contains(p.String(), "canary") {
					t.Errorf("a fault that helps nobody or shows a secret: %s", p)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRoutesSayHowASenderProvesItself(t *testing.T) {
	t.Parallel()
	one := []config.Secret{config.NewSecret(secret)}
	for _, tc := range []struct {
		name, auth string
		want       channels.Auth
	}{
		{"bearer", `{"type":"bearer","secret":"canary-5d10"}`, channels.Auth{
			Scheme: channels.SchemeSecret, Secrets: one, Places: []channels.Place{{In: "header", Name: "Authorization", Strip: "Bearer "}},
		}},
		{"bearer in a header of its own", `{"type":"bearer","secret":"canary-5d10","header":"X-Token"}`, channels.Auth{
			Scheme: channels.SchemeSecret, Secrets: one, Places: []channels.Place{{In: "header", Name: "X-Token"}},
		}},
		{"bearer with a prefix of its own", `{"type":"bearer","secret":"canary-5d10","prefix":"Token "}`, channels.Auth{
			Scheme: channels.SchemeSecret, Secrets: one, Places: []channels.Place{{In: "header", Name: "Authorization", Strip: "Token "}},
		}},
		{"standard", `{"type":"standard","secret":"canary-5d10","window":"2m"}`, channels.Auth{
			Scheme: channels.SchemeStandard, Secrets: one, Window: 2 * time.Minute,
		}},
		{"basic", `{"type":"basic","user":"bob","secrets":["canary-5d10"]}`, channels.Auth{
			Scheme: channels.SchemeBasic, Secrets: one, User: "bob",
		}},
		{"hmac", `{"type":"hmac","secret":"canary-5d10"}`, channels.Auth{
			Scheme: channels.SchemeHMAC, Secrets: one, HMAC: channels.HMAC{Header: "X-Hub-Signature-256", Prefix: "sha256=", Encoding: "hex"},
		}},
		{"hmac in a header of its own", `{"type":"hmac","secret":"canary-5d10","header":"X-Sig","encoding":"base64"}`, channels.Auth{
			Scheme: channels.SchemeHMAC, Secrets: one, HMAC: channels.HMAC{Header: "X-Sig", Encoding: "base64"},
		}},
		{"none", `{"type":"none"}`, channels.Auth{Scheme: channels.SchemeNone}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := decode(t, `{"auth":`+tc.auth+`}`)
			for _, r := range routes("webhook:home", s) {
				equal := cmp.Comparer(func(a, b config.Secret) bool { return a.Equal(b.Reveal()) })
				if diff := cmp.Diff([]channels.Auth{tc.want}, r.Auth, equal); diff != "" {
					t.Errorf("auth of %s (-want +got):\n%s", r.Path, diff)
				}
				if want := tc.want.Scheme == channels.SchemeNone; r.LoopbackOnly != want {
					t.Errorf("loopback only: %v, want %v", r.LoopbackOnly, want)
				}
			}
		})
	}
}

func TestAnswersArePostedOrFetched(t *testing.T) {
	t.Parallel()
	fetched := routes("webhook:home", decode(t, `{"path":"/in/","auth":{"type":"bearer","secret":"canary-5d10"},"enabled":false}`))
	if len(fetched) != 2 {
		t.Fatalf("got %d routes, want a post and a fetch", len(fetched))
	}
	post, fetch := fetched[0], fetched[1]
	if post.Ack != channels.AckTicket || post.Under || post.Methods[0] != "POST" || !post.Disabled {
		t.Errorf("the post is %+v", post)
	}
	if fetch.Ack != channels.AckAnswers || !fetch.Under || fetch.Path != "/in/replies" || fetch.Methods[0] != "GET" || !fetch.Disabled {
		t.Errorf("the fetch is %+v", fetch)
	}
	posted := routes("webhook:home", decode(t, `{"auth":{"type":"bearer","secret":"canary-5d10"},"callbackUrl":"https://example.com","callbackSecret":"`+signing+`"}`))
	if len(posted) != 1 || posted[0].Ack != channels.AckJournal {
		t.Errorf("with a callback got %+v, want one route that only acknowledges", posted)
	}
}

func TestDefaultsAreThoseOfPrograms(t *testing.T) {
	t.Parallel()
	s := newSettings()
	if s.Path != "/hook" || s.DMPolicy != channels.Open || s.AllowFrom[0] != "*" || s.TextChunkLimit != TextLimit {
		t.Errorf("the defaults are %+v", s)
	}
}

func TestRoutesOfUnknownAuthAdmitNobody(t *testing.T) {
	t.Parallel()
	for _, r := range routes("webhook:home", newSettings()) {
		if len(r.Auth) != 0 {
			t.Errorf("%s has a way in: %+v", r.Path, r.Auth)
		}
	}
}
