package screen

import (
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"holdfast/channels"
	"holdfast/config"
)

// defaultWindow is how far a time stamp may be off when the route does not say, as the specification advises.
const defaultWindow = 5 * time.Minute

// standardPrefix marks a signing secret; what follows is base64. It may be missing.
const standardPrefix = "whsec_"

// standard is Standard Webhooks. The library checks signatures; the window is ours, because time is given to us.
type standard struct {
	keys   []*standardwebhooks.Webhook
	window time.Duration
}

func compileStandard(a channels.Auth) (way, error) {
	w := &standard{window: a.Window}
	switch {
	case a.Window == 0:
		w.window = defaultWindow
	case a.Window < 0:
		return nil, fmt.Errorf("the window is %s: want a positive duration such as 5m", a.Window)
	}
	for i, s := range a.Secrets {
		key, ok := signingKey(s)
		if !ok {
			return nil, fmt.Errorf("secret %d is not base64: set it as the sender shows it, %s and then base64", i+1, standardPrefix)
		}
		signer, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, fmt.Errorf("secret %d is not taken by the verifier: set another", i+1)
		}
		w.keys = append(w.keys, signer)
	}
	return w, nil
}

// signingKey decodes a signing secret. An empty key is none: anybody can sign with it.
func signingKey(s config.Secret) ([]byte, bool) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Reveal(), standardPrefix))
	return key, err == nil && len(key) > 0
}

func (*standard) early() bool { return false }

// family returns what the three header names begin with. Svix, where the specification comes from, still sends them under
// its own name; a request that has both is read by the specification's.
func family(h Head) string {
	if _, n := h.header("webhook-id"); n == 0 {
		return "svix-"
	}
	return "webhook-"
}

// headers returns the three headers under the names that the library knows.
func (w *standard) headers(h Head) (http.Header, bool) {
	prefix := family(h)
	out := make(http.Header, 3)
	for _, part := range []string{"id", "timestamp", "signature"} {
		value, n := h.header(prefix + part)
		if n != 1 || value == "" {
			return nil, false
		}
		out.Set("webhook-"+part, value)
	}
	return out, true
}

// fresh tells whether the time stamp lies inside the window.
func (w *standard) fresh(stamp string, now time.Time) bool {
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	return err == nil && now.Sub(time.Unix(seconds, 0)).Abs() <= w.window
}

func (w *standard) plausible(h Head, now time.Time) bool {
	headers, ok := w.headers(h)
	return ok && w.fresh(headers.Get(standardwebhooks.HeaderWebhookTimestamp), now)
}

func (w *standard) admits(h Head, body []byte, now time.Time) bool {
	headers, ok := w.headers(h)
	if !ok || !w.fresh(headers.Get(standardwebhooks.HeaderWebhookTimestamp), now) {
		return false
	}
	found := false
	for _, key := range w.keys {
		found = key.VerifyIgnoringTimestamp(body, headers) == nil || found
	}
	return found
}

// sameSecret compares two secrets as their scheme reads them: Standard Webhooks signs with what is decoded.
func sameSecret(scheme channels.Scheme, a, b config.Secret) bool {
	if scheme == channels.SchemeStandard {
		k, okA := signingKey(a)
		l, okB := signingKey(b)
		return okA && okB && hmac.Equal(k, l)
	}
	return a.Equal(b.Reveal())
}
