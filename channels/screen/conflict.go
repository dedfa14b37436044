package screen

import (
	"fmt"
	"slices"

	"holdfast/channels"
)

// conflicts finds routes that cannot share a path.
func conflicts(routes []channels.Route) error {
	for i, a := range routes {
		for _, b := range routes[i+1:] {
			if err := clash(a, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// clash says why two routes cannot share a path, nil if they can.
func clash(a, b channels.Route) error {
	if a.Under != b.Under {
		return fmt.Errorf("compile screen: %s owns the path itself and %s what is under it: compile them apart",
			a.Account, b.Account)
	}
	if a.Account == b.Account {
		if m, twice := shared(a.Methods, b.Methods); twice {
			return fmt.Errorf("compile screen: %s declares the path twice for %s: keep one of the two routes", a.Account, m)
		}
		return nil
	}
	if open(a) || open(b) {
		return fmt.Errorf("compile screen: %s and %s share a path and one of them has auth none, which admits the other's "+
			"senders: give both a credential or each a path", a.Account, b.Account)
	}
	if sameCredential(a.Auth, b.Auth) {
		return fmt.Errorf("compile screen: %s and %s share a path and a credential, so a request cannot tell which of them "+
			"is meant: change one of the two secrets or one of the two paths", a.Account, b.Account)
	}
	return nil
}

// shared returns a method that both lists hold.
func shared(a, b []string) (string, bool) {
	i := slices.IndexFunc(a, func(m string) bool { return slices.Contains(b, m) })
	if i < 0 {
		return "", false
	}
	return a[i], true
}

// open tells whether a route admits everybody.
func open(r channels.Route) bool {
	return slices.ContainsFunc(r.Auth, func(a channels.Auth) bool { return a.Scheme == channels.SchemeNone })
}

// sameCredential tells whether a sender of one could pass for a sender of the other. Where the credential stands is
// not looked at: equal secrets in two places are one request away from proving both accounts.
func sameCredential(a, b []channels.Auth) bool {
	same := false
	for _, x := range a {
		for _, y := range b {
			if x.Scheme != y.Scheme || otherUser(x, y) {
				continue
			}
			for _, s := range x.Secrets {
				for _, t := range y.Secrets {
					same = sameSecret(x.Scheme, s, t) || same
				}
			}
		}
	}
	return same
}

// otherUser tells two basic logins apart by their users; a login without a user takes any.
func otherUser(a, b channels.Auth) bool {
	return a.Scheme == channels.SchemeBasic && a.User != "" && b.User != "" && a.User != b.User
}
