package router

import (
	"testing"

	"holdfast/channels/screen"
)

// post is what a sender with a password hears on a path: the account, or the reason why not.
func post(s State, path, password string) string {
	head := screen.Head{
		Method: "POST", Header: func(string) (string, int) { return "", 0 },
		Query: func(string) (string, int) { return password, 1 },
	}
	for _, e := range s.Live.table {
		if e.Path != path {
			continue
		}
		v := e.Screen.Check(head, []byte("{}"), now)
		if v.Action == screen.Accept {
			return string(v.Account)
		}
		return v.Reason
	}
	return "nobody owns it"
}

func TestLaw12_AHeldPathAdmitsWhomItsAccountAdmitsNow(t *testing.T) {
	const old, fresh = "the old one", "the new one"
	disabled := claim("a:x", "/two", old)
	disabled.Routes[0].Disabled = true
	for name, c := range map[string]struct {
		then     Claim
		password string
		want     string
	}{
		"the secret that it moved with":                         {claim("a:x", "/two", old), old, "a:x"},
		"a secret that was replaced after the move is refused":  {claim("a:x", "/two", fresh), old, "no credential fits"},
		"the new secret is admitted there as well":              {claim("a:x", "/two", fresh), fresh, "a:x"},
		"who moves on with another secret is known by that one": {claim("a:x", "/three", fresh), fresh, "a:x"},
		"and not by the old one":                                {claim("a:x", "/three", fresh), old, "no credential fits"},
		"the operator's no holds there":                         {disabled, old, "account disabled by the operator"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := register(t, State{}, now, claim("a:x", "/one", old))
			s, _, _ = register(t, s, now, claim("a:x", "/two", old))
			s, _, _ = register(t, s, now, c.then)
			if got := post(s, "/one", c.password); got != c.want {
				t.Errorf("heard %q, want %q", got, c.want)
			}
		})
	}
}

func TestPathsOfAnAccountThatIsDisabledAreShownAsSuch(t *testing.T) {
	off := claim("a:y", "/two", "secret")
	off.Routes[0].Disabled = true
	s, _, _ := register(t, State{}, now, claim("a:x", "/one", "secret"), off)
	for _, p := range s.Paths() {
		if p.Disabled != (p.Path == "/two") {
			t.Errorf("%s is shown as disabled: %t", p.Path, p.Disabled)
		}
	}
}
