package channels

import (
	"time"

	"holdfast/config"
)

// Route is data: what decides, without any run or plugin process, whether a sender hears 200. The package screen
// compiles it once per publication; the router actor decides who owns its path.
type Route struct {
	Account Account
	Path    string   // as configured; the router makes the canonical form
	Under   bool     // true: it owns Path plus exactly one further segment, false: Path itself
	Methods []string // upper case; everything else is 405 with Allow
	Auth    []Auth   // any one admits; none at all means: refused
	Body    BodyLimits
	Forms   []Form  // body forms that are understood; an accepted body is journaled as JSON
	Skip    []Match // any one match: 200, counted, not kept
	ID      Selector
	Keep    []string // names of request headers kept with the request
	Ack     Ack
	// LoopbackOnly refuses validation when the listener is not on a loopback address (auth: none).
	LoopbackOnly bool
	// Disabled is the operator's own no: an authenticated request gets 503 with Retry-After.
	Disabled bool
}

// BodyLimits bound what one request may bring. Zero means the default.
type BodyLimits struct {
	Max int64 // bytes; default 1 MiB
}

// DefaultBodyMax is the largest body of a route that says nothing, in bytes.
const DefaultBodyMax = 1 << 20

// Ack says what a 2xx on a route stands for.
type Ack uint8

const (
	// AckJournal answers 200 when the request is safe on disk.
	AckJournal Ack = iota
	// AckTicket is AckJournal, and the body of the answer is {"id": …}, by which AckAnswers finds the replies.
	AckTicket
	// AckAnswers reads: GET <path>/<id>?wait=10s gives the replies to a request accepted by AckTicket.
	AckAnswers
)

// Scheme is a way of proving who sends.
type Scheme string

const (
	SchemeNone     Scheme = "none"              // everybody; only said explicitly, only on loopback
	SchemeSecret   Scheme = "secret"            // a shared secret as it stands, at one of Places
	SchemeBasic    Scheme = "basic"             // user and password (RFC 7617)
	SchemeHMAC     Scheme = "hmac-sha256"       // a MAC of the body in a header
	SchemeStandard Scheme = "standard-webhooks" // Standard Webhooks: id, time stamp and signature
)

// Auth is one way in. Secrets are alternatives: any one of them admits (rotation).
type Auth struct {
	Scheme  Scheme
	Secrets []config.Secret
	Places  []Place       // SchemeSecret: looked at in this order, the first that is present counts
	User    string        // SchemeBasic
	HMAC    HMAC          // SchemeHMAC
	Window  time.Duration // SchemeStandard: how far the time stamp may be off; default 5 minutes
}

// Early tells whether the credential is in the header or the query, so that it is checked before the body is read.
func (a Auth) Early() bool { return a.Scheme != SchemeHMAC && a.Scheme != SchemeStandard }

// Place is where a shared secret may stand.
type Place struct {
	In    string // "header" or "query"
	Name  string // of the header, in any case, or of the query parameter, exact
	Strip string // a prefix to remove where present, such as "Bearer "
}

// HMAC says how a signature is written.
type HMAC struct {
	Header   string // such as X-Hub-Signature-256
	Prefix   string // such as "sha256="; must be there
	Encoding string // "hex" or "base64"
}

// Form is one way in which a JSON document arrives.
type Form struct {
	// Fields empty: the body is the document. Else the body is a form and the first of these fields that is present
	// holds the document.
	Fields []string
}

// Match looks at one value of the JSON document (a gjson path). It holds if the value is there and is one of In, or
// is there and is none of NotIn. Values are compared as text.
type Match struct {
	Path  string
	In    []string
	NotIn []string
}

// Selector finds the platform's id of a request: in a header, or by a gjson path in the body. Zero: there is none.
type Selector struct {
	Header string
	Path   string
}
