// Package remote is what those backends share that ask a server over HTTP: the client, the address, and how a failure
// is told apart and worded.
//
// Invariants: one connection serves one turn and is closed with it, so a turn leaves nothing behind. What a server
// says is bounded and never trusted: no error repeats a secret that the server sent back. A redirect is not followed,
// because it would carry the message and the credential to a place that nobody configured.
package remote

import (
	"net"
	"net/http"
	"time"
)

// Limits of the connection. The whole of a turn is bounded by its own deadline.
const (
	dialWithin    = 10 * time.Second
	tlsWithin     = 10 * time.Second
	maxHeader     = 64 << 10 // bytes of an answer's header
	maxRetryAfter = time.Hour
)

// UserAgent is how the gateway names itself.
const UserAgent = "holdfast"

// NewClient returns a client that goes straight to the configured address: no proxy from the environment, no redirect,
// no connection kept. An agent thinks for seconds; a handshake per turn is the price of leaving nothing open when the
// settings are replaced.
func NewClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            (&net.Dialer{Timeout: dialWithin}).DialContext,
			TLSHandshakeTimeout:    tlsWithin,
			DisableKeepAlives:      true,
			DisableCompression:     true, // so that the bytes counted are the bytes sent
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
