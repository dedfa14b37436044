package screen

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/channels"
	"holdfast/config"
)

const (
	canary = "canary-7f3a"
	other  = "other-91cc"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// head builds a Head out of header pairs, in any case, as a server would.
func head(method string, headers ...[2]string) Head {
	return Head{Method: method, Header: func(name string) (string, int) {
		first, n := "", 0
		for _, h := range headers {
			if strings.EqualFold(h[0], name) {
				if n == 0 {
					first = h[1]
				}
				n++
			}
		}
		return first, n
	}}
}

// with adds query parameters.
func (h Head) with(pairs ...[2]string) Head {
	h.Query = func(name string) (string, int) {
		first, n := "", 0
		for _, p := range pairs {
			if p[0] == name {
				if n == 0 {
					first = p[1]
				}
				n++
			}
		}
		return first, n
	}
	return h
}

func compile(tb testing.TB, routes ...channels.Route) *Screen {
	tb.Helper()
	s, err := Compile(routes)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func bearer(secrets ...string) channels.Auth {
	a := channels.Auth{
		Scheme: channels.SchemeSecret,
		Places: []channels.Place{{In: "header", Name: "Authorization", Strip: "Bearer "}, {In: "query", Name: "password"}},
	}
	for _, s := range secrets {
		a.Secrets = append(a.Secrets, config.NewSecret(s))
	}
	return a
}

func basicAuth(user, password string) channels.Auth {
	return channels.Auth{Scheme: channels.SchemeBasic, User: user, Secrets: []config.Secret{config.NewSecret(password)}}
}

func hexMAC(secret string) channels.Auth {
	return channels.Auth{
		Scheme: channels.SchemeHMAC, Secrets: []config.Secret{config.NewSecret(secret)},
		HMAC: channels.HMAC{Header: "X-Sig", Prefix: "sha256=", Encoding: "hex"},
	}
}

func declare(account channels.Account, auth ...channels.Auth) channels.Route {
	return channels.Route{Account: account, Path: "/hook", Methods: []string{"POST"}, Auth: auth}
}

func TestCompileRefusesWhatCannotBeJudged(t *testing.T) {
	t.Parallel()
	change := func(f func(*channels.Route)) []channels.Route {
		r := declare("webhook:home", bearer(canary))
		f(&r)
		return []channels.Route{r}
	}
	for _, tc := range []struct {
		name   string
		routes []channels.Route
		want   string
	}{
		{"no routes", nil, "no routes"},
		{"no account", change(func(r *channels.Route) { r.Account = "" }), "no account"},
		{"no method", change(func(r *channels.Route) { r.Methods = nil }), "no method"},
		{"a negative body limit", change(func(r *channels.Route) { r.Body.Max = -1 }), "body limit"},
		{"an unknown scheme", change(func(r *channels.Route) { r.Auth[0].Scheme = "rot13" }), "auth 1 (rot13): the scheme is unknown"},
		{"no secret", change(func(r *channels.Route) { r.Auth[0].Secrets = nil }), "no secret is set"},
		{"an empty secret", change(func(r *channels.Route) { r.Auth = []channels.Auth{bearer(canary, "")} }), "secret 2 is empty"},
		{"a shared secret without a place", change(func(r *channels.Route) { r.Auth[0].Places = nil }), "no place"},
		{"a place that is nowhere", change(func(r *channels.Route) { r.Auth[0].Places[0].In = "cookie" }), "place 1"},
		{"a place without a name", change(func(r *channels.Route) { r.Auth[0].Places[1].Name = "" }), "place 2"},
		{"a signature without a header", change(func(r *channels.Route) {
			r.Auth = []channels.Auth{hexMAC(canary)}
			r.Auth[0].HMAC.Header = ""
		}), "no header is named"},
		{"a signature in an unknown encoding", change(func(r *channels.Route) {
			r.Auth = []channels.Auth{hexMAC(canary)}
			r.Auth[0].HMAC.Encoding = "morse"
		}), "want hex or base64"},
		{"a signing secret that is not base64", change(func(r *channels.Route) {
			r.Auth[0] = channels.Auth{Scheme: channels.SchemeStandard, Secrets: []config.Secret{config.NewSecret("whsec_" + canary)}}
		}), "secret 1 is not base64"},
		{"a signing secret that decodes to nothing", change(func(r *channels.Route) {
			r.Auth[0] = channels.Auth{Scheme: channels.SchemeStandard, Secrets: []config.Secret{config.NewSecret("whsec_\n")}}
		}), "not base64"},
		{"a negative window", change(func(r *channels.Route) {
			r.Auth[0] = channels.Auth{Scheme: channels.SchemeStandard, Window: -1, Secrets: []config.Secret{config.NewSecret("c2VjcmV0")}}
		}), "window"},
		{"a skip without values", change(func(r *channels.Route) { r.Skip = []channels.Match{{Path: "type"}} }), "skip 1"},
		{"a skip without a path", change(func(r *channels.Route) { r.Skip = []channels.Match{{In: []string{"x"}}} }), "skip 1"},
		{"keeping the header of the secret", change(func(r *channels.Route) { r.Keep = []string{"authorization"} }), "carries a credential"},
		{"keeping cookies", change(func(r *channels.Route) { r.Keep = []string{"Cookie"} }), "carries a credential"},
		{"keeping another header that is a place", change(func(r *channels.Route) {
			r.Auth[0].Places[0].Name = "X-Token"
			r.Keep = []string{"x-token"}
		}), "carries a credential"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile(tc.routes)
			if err == nil {
				t.Fatal("compiled, want an error")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %q, want it to say %q", err, tc.want)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the error shows the secret: %q", err)
			}
		})
	}
}

func TestLaw12_AccountsThatCannotBeToldApartDoNotShareAPath(t *testing.T) {
	t.Parallel()
	std := func(secret string) channels.Auth {
		return channels.Auth{Scheme: channels.SchemeStandard, Secrets: []config.Secret{config.NewSecret(secret)}}
	}
	under := declare("webhook:work", bearer(other))
	under.Under = true
	get := declare("webhook:home", bearer(canary))
	get.Methods = []string{"GET"}
	for _, tc := range []struct {
		name string
		a, b channels.Route
		want string // empty: they may share
	}{
		{"equal secrets", declare("webhook:home", bearer(canary)), declare("webhook:work", bearer(canary)), "credential"},
		{"one equal secret of several", declare("webhook:home", bearer("x", canary)), declare("webhook:work", bearer(canary, "y")), "credential"},
		{"equal signing secrets, one without prefix", declare("webhook:home", std("whsec_c2VjcmV0")), declare("webhook:work", std("c2VjcmV0")), "credential"},
		{"equal keys of signatures", declare("webhook:home", hexMAC(canary)), declare("webhook:work", hexMAC(canary)), "credential"},
		{"equal users and passwords", declare("webhook:home", basicAuth("bob", canary)), declare("webhook:work", basicAuth("bob", canary)), "credential"},
		{"equal passwords, one for any user", declare("webhook:home", basicAuth("", canary)), declare("webhook:work", basicAuth("bob", canary)), "credential"},
		{"equal passwords of two users", declare("webhook:home", basicAuth("bob", canary)), declare("webhook:work", basicAuth("ann", canary)), ""},
		{"signing secrets that are none", declare("webhook:home", std("c2VjcmV0!")), declare("webhook:work", std("?")), "webhook:home: auth 1"},
		{"different secrets", declare("webhook:home", bearer(canary)), declare("webhook:work", bearer(other)), ""},
		{"an open account beside a closed one", declare("webhook:home", channels.Auth{Scheme: channels.SchemeNone}), declare("webhook:work", bearer(other)), "auth none"},
		{"a path and what is under it", declare("webhook:home", bearer(canary)), under, "compile them apart"},
		{"one account twice for a method", declare("webhook:home", bearer(canary)), declare("webhook:home", bearer(other)), "twice for POST"},
		{"one account for two methods", declare("webhook:home", bearer(canary)), get, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile([]channels.Route{tc.a, tc.b})
			if tc.want == "" {
				if err != nil {
					t.Fatalf("got %q, want them to share the path", err)
				}
				return
			}
			if err == nil {
				t.Fatal("compiled, want an error")
			}
			for _, part := range []string{tc.want, string(tc.a.Account)} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("got %q, want it to say %q", err, part)
				}
			}
			if tc.want == "credential" && !strings.Contains(err.Error(), string(tc.b.Account)) {
				t.Errorf("got %q, want it to name both accounts", err)
			}
			if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "c2VjcmV0") {
				t.Errorf("the error shows the secret: %q", err)
			}
		})
	}
}

func TestAScreenShowsWhatTheEdgeNeedsBeforeABody(t *testing.T) {
	t.Parallel()
	big := declare("webhook:big", hexMAC(canary))
	big.Body.Max = 1 << 22
	big.Methods = []string{"PUT", "POST"}
	s := compile(t, declare("webhook:home", bearer(other)), big)
	if diff := cmp.Diff([]string{"POST", "PUT"}, s.Methods()); diff != "" {
		t.Errorf("methods (-want +got):\n%s", diff)
	}
	if s.MaxBody() != 1<<22 {
		t.Errorf("max body %d, want the largest of all accounts", s.MaxBody())
	}
	if s.Early() {
		t.Error("early, though a signature needs the body")
	}
	early := compile(t, declare("webhook:home", bearer(other)))
	if !early.Early() || early.MaxBody() != channels.DefaultBodyMax {
		t.Errorf("early %v, max body %d; want true and the default", early.Early(), early.MaxBody())
	}
}

func TestCompileKeepsNothingOfItsInput(t *testing.T) {
	t.Parallel()
	r := declare("webhook:home", bearer(canary))
	r.Skip = []channels.Match{{Path: "type", In: []string{"ping"}}}
	s := compile(t, r)
	r.Auth[0].Secrets[0] = config.NewSecret(other)
	r.Auth[0].Places[0].Name = "X-Other"
	r.Skip[0].In[0] = "message"
	r.Methods[0] = "GET"
	h := head("POST", [2]string{"Authorization", "Bearer " + canary})
	if v := s.Check(h, []byte(`{"type":"message"}`), noon); v.Action != Accept {
		t.Errorf("got %s %d %q, want accept: the screen changed with the route", v.Action, v.Code, v.Reason)
	}
}
