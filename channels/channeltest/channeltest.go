// Package channeltest is what every network must do, as tests. A network brings a Fake that speaks its wire; Run checks
// the contract of package channels against it, on real sockets.
//
// What is checked: the sample is complete and right; Routes, Interpret and Validate are pure; every route says how it is
// authenticated and refuses strangers; Connect does no I/O; Run returns soon after its context ends, whatever the
// network and the journal do, and leaves nothing running; nothing is acknowledged before it is safe; wrong credentials
// wait for the operator and a network that is away does not; a send ends with its context, and a network that is not
// there is proof that nothing was sent; no secret is in an error, a log line, a report or a printed value.
//
// Goroutines are counted, so the test that calls Run must not be parallel.
package channeltest

import (
	"testing"
	"time"

	"holdfast/channels"
)

// Patience is how long a test waits for what must happen. Nothing is concluded from it passing but failure.
const Patience = 10 * time.Second

// Canary is the text of a secret that must appear nowhere but on the wire. It is also a good Standard Webhooks secret.
const Canary = "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmFyeSE="

// Fake is the other side of one kind of network.
type Fake struct {
	// Peer begins a fresh network for one test; what it starts ends with the test.
	Peer func(t *testing.T) Peer
	// Environ resolves the references in the kind's sample, as NAME=value.
	Environ []string
	// Requests are bodies as senders post them or as a connection brings them. At least one is needed.
	Requests []Request
}

// Request is one thing that Interpret is given.
type Request struct {
	Name string
	Form string // empty: channels.FormWebhook
	Body string
	// Arrivals is how many must come of it; Unusable if it must be an error.
	Arrivals int
}

// Unusable as Arrivals: Interpret must return an error.
const Unusable = -1

// Peer is one running network. What is nil or empty is something that the kind does not have.
type Peer struct {
	Settings string // one account's, as YAML or JSON, with Canary as its secret
	Refused  string // the same with a secret that the network refuses, which has Canary in it too
	// Conversation is one to send to.
	Conversation string
	Contacts     func() int // how often it was contacted so far
	Sent         func() int // how many messages of ours it has

	// SendsOnly: a run contacts nothing by itself, so that only sends meet Down and Hang.
	SendsOnly bool

	Down func() // from now on it refuses connections
	Hang func() // from now on it takes requests and answers none

	// Bring hands one item over by the connection that a run holds.
	Bring func()
	// Acknowledged counts items that the network would not bring again.
	Acknowledged func() int
}

// Run checks one kind.
func Run(t *testing.T, kind channels.Kind, fake Fake) {
	t.Helper()
	t.Run("kind", func(t *testing.T) { describes(t, kind, fake) })
	t.Run("settings", func(t *testing.T) { settings(t, kind, fake) })
	t.Run("routes", func(t *testing.T) { routes(t, kind, fake) })
	t.Run("interpret", func(t *testing.T) { interprets(t, kind, fake) })
	t.Run("run", func(t *testing.T) { runs(t, kind, fake) })
	t.Run("take", func(t *testing.T) { takes(t, kind, fake) })
	t.Run("send", func(t *testing.T) { sends(t, kind, fake) })
}

// Decode makes settings of YAML or JSON as the configuration does, and fails the test on any fault.
func Decode(t *testing.T, kind channels.Kind, text string, environ ...string) channels.Settings {
	t.Helper()
	s := decode(t, kind, text, environ)
	for _, p := range s.Validate() {
		t.Errorf("settings of %s: %s", kind.Name, p)
	}
	if t.Failed() {
		t.FailNow()
	}
	return s
}

// Eventually waits until a condition holds and fails the test when Patience is over.
func Eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline.C:
			t.Fatalf("after %s still not: %s", Patience, what)
		case <-tick.C:
		}
	}
}
