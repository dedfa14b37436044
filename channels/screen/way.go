package screen

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"holdfast/channels"
	"holdfast/config"
)

const (
	authorization = "Authorization"
	inHeader      = "header"
	inQuery       = "query"
)

// way is one compiled way in. Those that hold secrets are pointers: printing verbs do not follow them, whereas they walk
// straight into unexported fields.
type way interface {
	// early tells whether admits needs no body.
	early() bool
	// plausible is false when no body at all could make admits true.
	plausible(h Head, now time.Time) bool
	// admits tells whether the request proves the account. It compares with every secret it has.
	admits(h Head, body []byte, now time.Time) bool
}

// compileWay checks one Auth. Its errors never name a secret's value.
func compileWay(a channels.Auth) (way, error) {
	if a.Scheme == channels.SchemeNone {
		return everybody{}, nil
	}
	if len(a.Secrets) == 0 {
		return nil, errors.New("no secret is set: set one")
	}
	for i, s := range a.Secrets {
		if s.IsZero() {
			return nil, fmt.Errorf("secret %d is empty: set or remove it", i+1)
		}
	}
	switch a.Scheme {
	case channels.SchemeSecret:
		return compileShared(a)
	case channels.SchemeBasic:
		return &basic{user: config.NewSecret(a.User), anyUser: a.User == "", secrets: clone(a.Secrets)}, nil
	case channels.SchemeHMAC:
		return compileMAC(a)
	case channels.SchemeStandard:
		return compileStandard(a)
	default:
		return nil, fmt.Errorf("the scheme is unknown: want %s, %s, %s, %s or %s", channels.SchemeSecret,
			channels.SchemeBasic, channels.SchemeHMAC, channels.SchemeStandard, channels.SchemeNone)
	}
}

func clone(s []config.Secret) []config.Secret { return append([]config.Secret(nil), s...) }

// anyEqual compares with every secret, without stopping at the one that fits.
func anyEqual(secrets []config.Secret, candidate string) bool {
	found := false
	for _, s := range secrets {
		found = s.Equal(candidate) || found
	}
	return found
}

// everybody is auth none. A request that a web page sent is refused all the same: loopback keeps other machines out,
// but not the pages in a browser on this one, and only browsers send Origin.
type everybody struct{}

func (everybody) early() bool { return true }

func (e everybody) plausible(h Head, now time.Time) bool { return e.admits(h, nil, now) }

func (everybody) admits(h Head, _ []byte, _ time.Time) bool {
	_, n := h.header("Origin")
	return n == 0
}

// sharedSecret is a secret that stands in the request as it is.
type sharedSecret struct {
	places  []channels.Place
	secrets []config.Secret
}

func compileShared(a channels.Auth) (way, error) {
	if len(a.Places) == 0 {
		return nil, errors.New("no place is named: say in which header or query parameter the secret stands")
	}
	for i, p := range a.Places {
		if (p.In != inHeader && p.In != inQuery) || p.Name == "" {
			return nil, fmt.Errorf("place %d: want in header or query, and a name", i+1)
		}
	}
	return &sharedSecret{places: append([]channels.Place(nil), a.Places...), secrets: clone(a.Secrets)}, nil
}

func (*sharedSecret) early() bool { return true }

func (w *sharedSecret) plausible(h Head, now time.Time) bool { return w.admits(h, nil, now) }

func (w *sharedSecret) admits(h Head, _ []byte, _ time.Time) bool {
	for _, p := range w.places {
		value, n := h.query(p.Name)
		if p.In == inHeader {
			value, n = h.header(p.Name)
		}
		switch {
		case n == 1:
			return anyEqual(w.secrets, cutPrefixFold(value, p.Strip))
		case n > 1:
			return false // which of them a proxy or a sender meant cannot be known
		}
	}
	return false
}

// cutPrefixFold removes prefix where present, in any case: names of authentication schemes have none.
func cutPrefixFold(s, prefix string) string {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):]
	}
	return s
}

// basic is user and password.
type basic struct {
	user    config.Secret // not secret, but compared like one
	anyUser bool          // no user is configured: only the password counts
	secrets []config.Secret
}

func (*basic) early() bool { return true }

func (w *basic) plausible(h Head, now time.Time) bool { return w.admits(h, nil, now) }

func (w *basic) admits(h Head, _ []byte, _ time.Time) bool {
	value, n := h.header(authorization)
	const scheme = "Basic "
	if n != 1 || len(value) < len(scheme) || !strings.EqualFold(value[:len(scheme)], scheme) {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value[len(scheme):]))
	if err != nil {
		return false
	}
	user, password, _ := strings.Cut(string(raw), ":")
	userFits := w.user.Equal(user) || w.anyUser
	return anyEqual(w.secrets, password) && userFits
}

// mac is an HMAC-SHA256 of the body in a header.
type mac struct {
	header, prefix string
	encode         func([]byte) string
	fold           bool // the encoding has no case
	secrets        []config.Secret
}

func compileMAC(a channels.Auth) (way, error) {
	w := &mac{header: a.HMAC.Header, prefix: a.HMAC.Prefix, secrets: clone(a.Secrets)}
	if w.header == "" {
		return nil, errors.New("no header is named: say which one carries the signature")
	}
	switch a.HMAC.Encoding {
	case "hex":
		w.encode, w.fold = hex.EncodeToString, true
	case "base64":
		w.encode = base64.StdEncoding.EncodeToString
	default:
		return nil, fmt.Errorf("the encoding is %q: want hex or base64", a.HMAC.Encoding)
	}
	return w, nil
}

func (*mac) early() bool { return false }

// signature returns what the header holds after the prefix. Anything but exactly one header is no signature.
func (w *mac) signature(h Head) (string, bool) {
	value, n := h.header(w.header)
	if n != 1 || !strings.HasPrefix(value, w.prefix) {
		return "", false
	}
	return value[len(w.prefix):], true
}

func (w *mac) plausible(h Head, _ time.Time) bool {
	_, ok := w.signature(h)
	return ok
}

func (w *mac) admits(h Head, body []byte, _ time.Time) bool {
	given, ok := w.signature(h)
	if !ok {
		return false
	}
	if w.fold {
		given = strings.ToLower(given)
	}
	found := false
	for _, s := range w.secrets {
		m := hmac.New(sha256.New, []byte(s.Reveal()))
		m.Write(body)
		found = hmac.Equal([]byte(w.encode(m.Sum(nil))), []byte(given)) || found
	}
	return found
}
