package channels

import (
	"errors"
	"time"
)

// Outcome tells what an error of Send says about the message.
type Outcome uint8

const (
	// Unknown: it may have gone out. It is looked up or parked, never blindly repeated. Every error that is not a
	// *Failure and not a *Refusal means this.
	Unknown Outcome = iota
	// NotSent: it certainly did not go out; it is tried again after a pause.
	NotSent
	// Rejected: the network will never take it; the reply is dead.
	Rejected
)

// Failure is an error whose outcome is known.
type Failure struct {
	Outcome Outcome
	After   time.Duration // what the network asked us to wait; 0 leaves it to us
	Err     error
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Refusal ends a run until the operator acts: a wrong password, a closed account. Do says what to do.
type Refusal struct {
	Err error
	Do  string
}

func (r *Refusal) Error() string { return r.Err.Error() + "; " + r.Do }
func (r *Refusal) Unwrap() error { return r.Err }

// OutcomeOf classifies an error of Send. A refusal is NotSent: the message is fine, the login is not.
func OutcomeOf(err error) Outcome {
	var f *Failure
	if errors.As(err, &f) {
		return f.Outcome
	}
	var r *Refusal
	if errors.As(err, &r) {
		return NotSent
	}
	return Unknown
}
