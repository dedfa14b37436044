package channeltest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/channels"
	"holdfast/channels/screen"
)

// describes checks what a kind says of itself.
func describes(t *testing.T, kind channels.Kind, fake Fake) {
	if kind.Name == "" || kind.Name != strings.ToLower(kind.Name) {
		t.Errorf("the name is %q, want lower case", kind.Name)
	}
	for what, missing := range map[string]bool{
		"Settings": kind.Settings == nil, "Routes": kind.Routes == nil, "Interpret": kind.Interpret == nil, "Connect": kind.Connect == nil,
		"Sample": len(kind.Sample) == 0,
	} {
		if missing {
			t.Fatalf("the kind has no %s", what)
		}
	}
	l := kind.Limits
	for what, n := range map[string]int64{
		"Text": int64(l.Text), "RepeatWindow": int64(l.RepeatWindow), "Parallel": int64(l.Parallel), "SendWithin": int64(l.SendWithin),
	} {
		if n <= 0 {
			t.Errorf("the limit %s is %d, want it to be said", what, n)
		}
	}
	if len(fake.Requests) == 0 {
		t.Error("the fake brings no requests to interpret")
	}
}

// settings checks the sample, the defaults and Validate.
func settings(t *testing.T, kind channels.Kind, fake Fake) {
	t.Run("the sample decodes strictly and has no fault", func(t *testing.T) {
		Decode(t, kind, string(kind.Sample), fake.Environ...)
	})
	t.Run("defaults are fresh each time", func(t *testing.T) {
		one, two := kind.Settings(), kind.Settings()
		if one == two {
			t.Fatal("two accounts would share their settings")
		}
		before := sketch(two)
		one.Shared().Name = "changed"
		for i := range one.Shared().AllowFrom {
			one.Shared().AllowFrom[i] = "changed"
		}
		if after := sketch(two); after != before {
			t.Errorf("changing one changed the other:\n%s\n%s", before, after)
		}
	})
	t.Run("Validate is pure and names faults that help", func(t *testing.T) {
		for _, s := range []channels.Settings{kind.Settings(), Decode(t, kind, string(kind.Sample), fake.Environ...)} {
			before := sketch(s)
			first, second := s.Validate(), s.Validate()
			if !reflect.DeepEqual(first, second) {
				t.Errorf("the same settings have other faults the second time:\n%v\n%v", first, second)
			}
			if after := sketch(s); after != before {
				t.Errorf("Validate changed the settings:\n%s\n%s", before, after)
			}
			for _, p := range first {
				if p.Path == "" || p.Want == "" {
					t.Errorf("a fault that helps nobody: %+v", p)
				}
			}
		}
	})
}

// sketch shows all that settings hold, secrets by how they differ.
func sketch(s channels.Settings) string {
	return fmt.Sprintf("%+v %+v", reflect.Indirect(reflect.ValueOf(s)).Interface(), s.Shared())
}

// routes checks what the edge is told.
func routes(t *testing.T, kind channels.Kind, fake Fake) {
	s := Decode(t, kind, fake.Peer(t).Settings)
	before := sketch(s)
	all := kind.Routes(account, s)
	if again := kind.Routes(account, s); !reflect.DeepEqual(all, again) {
		t.Errorf("the same settings have other routes the second time")
	}
	if after := sketch(s); after != before {
		t.Errorf("Routes changed the settings:\n%s\n%s", before, after)
	}
	for _, r := range all {
		t.Run(r.Path, func(t *testing.T) { route(t, r) })
		if strings.Contains(fmt.Sprintf("%v %+v %#v", r, r, r), core) {
			t.Errorf("the route %s shows the secret", r.Path)
		}
	}
	off := false
	s.Shared().Enabled = &off
	for _, r := range kind.Routes(account, s) {
		if !r.Disabled {
			t.Errorf("%s of an account that is switched off is not disabled", r.Path)
		}
	}
}

// route checks one of them.
func route(t *testing.T, r channels.Route) {
	canonical, err := channels.Canonical(r.Path)
	if err != nil || channels.Reserved(canonical) {
		t.Errorf("the path cannot be owned: %v", err)
	}
	if r.Account != account {
		t.Errorf("the route is of %q, want %q", r.Account, account)
	}
	if len(r.Auth) == 0 {
		t.Error("the route does not say how it is authenticated")
	}
	open := slices.ContainsFunc(r.Auth, func(a channels.Auth) bool { return a.Scheme == channels.SchemeNone })
	if open && !r.LoopbackOnly {
		t.Error("the route admits everybody and is not kept to the loopback address")
	}
	s, err := screen.Compile([]channels.Route{r})
	if err != nil {
		t.Fatalf("the screen says: %v", err)
	}
	for _, method := range r.Methods {
		h := screen.Head{Method: method}
		if v := s.Check(h, []byte(`{"type":"x"}`), time.Unix(1_760_000_000, 0)); !open && v.Code != 401 {
			t.Errorf("%s: a stranger gets %d, want 401", method, v.Code)
		}
	}
}

// interprets checks that meaning depends on nothing but the request.
func interprets(t *testing.T, kind channels.Kind, fake Fake) {
	s := Decode(t, kind, fake.Peer(t).Settings)
	before := sketch(s)
	for _, r := range fake.Requests {
		t.Run(r.Name, func(t *testing.T) { interpretOne(t, kind, s, r) })
	}
	t.Run("nonsense ends in an error or in nothing, never in a panic", func(t *testing.T) {
		for _, body := range []string{
			`{}`, `[]`, `{"type":null,"data":null}`, `{"data":[]}`, `{"data":{"guid":7,"text":[]}}`, `{"id":{},"text":{},"sender":[]}`,
			"", "null", `"x"`, "{", "\xff\xfe",
		} {
			for _, form := range append(forms(fake), channels.FormWebhook, "unknown") {
				r := channels.Request{Seq: 5, Account: account, At: time.Unix(1_760_000_000, 0), Form: form, Body: []byte(body)}
				_, _ = check(t, kind, s, r) // whether it is an error is the kind's matter
			}
		}
	})
	if after := sketch(s); after != before {
		t.Errorf("Interpret changed the settings:\n%s\n%s", before, after)
	}
}

// forms are those that the fake's requests have.
func forms(fake Fake) []string {
	var out []string
	for _, r := range fake.Requests {
		if r.Form != "" && !slices.Contains(out, r.Form) {
			out = append(out, r.Form)
		}
	}
	return out
}

func interpretOne(t *testing.T, kind channels.Kind, s channels.Settings, r Request) {
	form := r.Form
	if form == "" {
		form = channels.FormWebhook
	}
	got, err := check(t, kind, s, channels.Request{
		Seq: 7, Account: account, At: time.Unix(1_760_000_000, 0).UTC(), Form: form, Body: []byte(r.Body),
	})
	switch {
	case r.Arrivals == Unusable && err == nil:
		t.Errorf("got %d arrivals, want an error", len(got))
	case r.Arrivals != Unusable && err != nil:
		t.Errorf("got %v, want %d arrivals", err, r.Arrivals)
	case r.Arrivals != Unusable && len(got) != r.Arrivals:
		t.Errorf("got %d arrivals, want %d: %+v", len(got), r.Arrivals, got)
	}
}

// check interprets a request twice and looks at every arrival.
func check(t *testing.T, kind channels.Kind, s channels.Settings, r channels.Request) ([]channels.Arrival, error) {
	t.Helper()
	body := string(r.Body)
	got, err := kind.Interpret(s, r)
	again, errAgain := kind.Interpret(s, r)
	if !reflect.DeepEqual(got, again) || (err == nil) != (errAgain == nil) {
		t.Errorf("%s: the second time it means something else", body)
	}
	if string(r.Body) != body {
		t.Errorf("%s: Interpret changed the body to %s", body, r.Body)
	}
	claims := map[string]bool{}
	for _, a := range got {
		switch {
		case a.ID == "" || a.Kind == "":
			t.Errorf("%s: an arrival without id or kind: %+v", body, a)
		case a.Conversation == "" && !a.Incomplete:
			t.Errorf("%s: an arrival without conversation is not incomplete: %+v", body, a)
		case claims[a.Claim()]:
			t.Errorf("%s: two arrivals have the claim %s", body, a.Claim())
		}
		claims[a.Claim()] = true
	}
	return got, err
}
