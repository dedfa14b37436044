package bluebubbles

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"holdfast/channels"
)

// noAnswer: no answer came that could be read. reached tells whether there was a connection, so that the server may
// have got the request.
type noAnswer struct {
	step    string
	reached bool
	err     error
}

func (e *noAnswer) Error() string {
	if e.reached {
		return e.step + ": the server's answer is missing: " + e.err.Error()
	}
	return e.step + ": the server cannot be reached: " + e.err.Error()
}

func (e *noAnswer) Unwrap() error { return e.err }

// badAnswer: an answer that is no success. Not enveloped, it comes from something before the server or from another
// program.
type badAnswer struct {
	step      string
	status    int
	enveloped bool
	message   string
	detail    string
	after     time.Duration
	sent      sentMessage // some failures bring the message that failed
}

func (e *badAnswer) Error() string {
	text := fmt.Sprintf("%s: the server answers %d", e.step, e.status)
	for _, more := range []string{e.message, e.detail} {
		if more != "" {
			text += ": " + more
		}
	}
	return text
}

// gates are the server's words for a refusal that comes before it does anything.
var gates = []string{"iMessage Private API is not enabled", "iMessage Private API Helper is not connected"}

// queued is the server's word for a send of the same name that is still in flight.
const queued = "already queued to be sent"

// outcome adds to an error of a send what it proves. Without proof the error stays as it is, which means unknown: the
// server goes on working when a connection ends, and most of its failures come after the message has left.
func outcome(err error) error {
	var none *noAnswer
	if errors.As(err, &none) && !none.reached {
		return &channels.Failure{Outcome: channels.NotSent, Err: err}
	}
	var bad *badAnswer
	if !errors.As(err, &bad) {
		return err
	}
	switch {
	case bad.sent.GUID != "" && bad.sent.Error != 0:
		return failedByApple(bad.sent, bad)
	case bad.gated():
		return &channels.Failure{Outcome: channels.NotSent, Err: err}
	case bad.status == http.StatusBadRequest && strings.Contains(bad.detail, queued):
		return err
	case bad.status == http.StatusBadRequest && bad.enveloped:
		return &channels.Failure{Outcome: channels.Rejected, Err: err}
	case bad.status == http.StatusRequestEntityTooLarge:
		return &channels.Failure{Outcome: channels.Rejected, Err: err}
	case bad.status < 500: // a redirect, an unknown path, a proxy: the server did not take it
		return &channels.Failure{Outcome: channels.NotSent, After: bad.after, Err: err}
	}
	return err
}

// gated tells whether the Private API was asked for while it is not there.
func (e *badAnswer) gated() bool {
	for _, gate := range gates {
		if e.enveloped && strings.Contains(e.detail, gate) {
			return true
		}
	}
	return false
}

// failedByApple: the message is in the database, marked as not delivered. Sending it again would show it twice.
func failedByApple(m sentMessage, cause error) error {
	err := fmt.Errorf("message %s was not delivered: iMessage error %d; look at the conversation on the Mac", m.GUID, m.Error)
	if cause != nil {
		err = fmt.Errorf("%w (%w)", err, cause)
	}
	return &channels.Failure{Outcome: channels.Rejected, Err: err}
}

// transient tells whether trying the same later may work: the server is away or has a fault.
func transient(err error) bool {
	var none *noAnswer
	var bad *badAnswer
	return errors.As(err, &none) || errors.As(err, &bad)
}
