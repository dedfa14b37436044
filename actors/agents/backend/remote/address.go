package remote

import (
	"net/netip"
	"net/url"
	"strings"

	"holdfast/config"
)

// CheckURL names what is wrong with the address at path of an agent's settings. It never repeats the address if that
// holds credentials.
func CheckURL(path, address, example string) []config.Problem {
	one := func(got, want string) []config.Problem {
		return []config.Problem{{Path: path, Got: got, Want: want}}
	}
	if address == "" {
		return one("", "the address of the server, such as "+example)
	}
	u, err := url.Parse(address)
	if err != nil {
		return one("something that is not a URL", "an address such as "+example)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return one(Show(u), "an http or https address such as "+example)
	case u.User != nil:
		return one("an address with credentials in it", "an address without user and password, such as "+example)
	case u.Fragment != "":
		return one("an address with a fragment (#…)", "an address without one, such as "+example)
	}
	return nil
}

// Show is an address as people may see it: without user, query and fragment, where credentials hide.
func Show(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if u.Opaque != "" {
		shown.Opaque = "…"
	}
	return shown.String()
}

// Loopback tells whether an address certainly leads to this machine.
func Loopback(u *url.URL) bool {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
