package channels

import (
	"strings"
	"time"
)

// Account names one configured login of a channel: "bluebubbles:home".
type Account string

// NewAccount joins a channel and the name of one of its accounts.
func NewAccount(channel, name string) Account { return Account(channel + ":" + name) }

// Channel is the kind of network: "bluebubbles".
func (a Account) Channel() string { c, _, _ := strings.Cut(string(a), ":"); return c }

// Name is the account's own name: "home".
func (a Account) Name() string { _, n, _ := strings.Cut(string(a), ":"); return n }

// Request is what a sender posted or a connection brought, as accepted.
type Request struct {
	Seq     uint64            `json:"seq"` // the journal's number: the order of acceptance
	Account Account           `json:"account"`
	At      time.Time         `json:"at"`               // when it was accepted
	Form    string            `json:"form"`             // FormWebhook, or the name that the run gave it
	ID      string            `json:"id,omitempty"`     // the platform's, if the route has a selector
	Header  map[string]string `json:"header,omitempty"` // those that the route keeps, lower case
	Ticket  bool              `json:"ticket,omitempty"` // somebody may come and ask for the replies
	Body    []byte            `json:"body"`
	Claims  []string          `json:"-"` // as in Raw: who hands it in knows what it comes down to
}

// FormWebhook is the form of every request that came over HTTP.
const FormWebhook = "webhook"

// ArrivalKind is what an arrival means.
type ArrivalKind string

const (
	Message    ArrivalKind = "message"    // starts a turn
	Amendment  ArrivalKind = "amendment"  // late attachment, link preview, edit: joins a turn not yet begun, else context of the next
	Retraction ArrivalKind = "retraction" // unsent: takes back what has not been answered, else context of the next
	Reaction   ArrivalKind = "reaction"   // context of the next turn
	Command    ArrivalKind = "command"    // said by an operator through the gateway, not by the network
)

// Arrival is what a request means. Interpret makes it; the journal numbers it.
//
// ID, Kind and Version are its claim: a second arrival of the account with the same three within the kind's repeat
// window has no effect.
type Arrival struct {
	Seq     uint64      `json:"seq"`
	Account Account     `json:"account"`
	Origin  uint64      `json:"origin"` // the request it came from
	Ticket  bool        `json:"ticket,omitempty"`
	At      time.Time   `json:"at"`   // when that was accepted
	Sent    time.Time   `json:"sent"` // by the platform's clock; zero if unknown
	ID      string      `json:"id"`
	Kind    ArrivalKind `json:"kind"`
	Version string      `json:"version,omitempty"` // of the content; a repeat without new content has the same

	// Conversation is the lane. Empty: the platform did not say; Complete finds it before anything else happens.
	Conversation string `json:"conversation"`
	Group        bool   `json:"group,omitempty"`
	Sender       Sender `json:"sender"`
	Target       string `json:"target,omitempty"`  // id of the message amended, retracted or reacted to
	ReplyTo      string `json:"replyTo,omitempty"` // id of the message this one answers

	Text        string       `json:"text,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	// Incomplete: something is missing that only the network can tell (an attachment that was announced without
	// content, a chat): Complete is asked before the turn.
	Incomplete bool `json:"incomplete,omitempty"`
	// Covers are further claims, taken together with the arrival's own, because it already holds what they stand for:
	// a message that came with its attachment covers the amendment that would bring it. They count for nothing when the
	// arrival is itself a repeat.
	Covers []string `json:"covers,omitempty"`
}

// Claim is the name under which the journal knows the arrival's content.
func (a Arrival) Claim() string { return a.ID + "|" + string(a.Kind) + "|" + a.Version }

// Sender is who wrote.
type Sender struct {
	ID   string `json:"id"` // as the allow lists name it: +15551234567, bob@example.com
	Name string `json:"name,omitempty"`
}

// Attachment is a file in either direction.
type Attachment struct {
	ID   string `json:"id,omitempty"` // the platform's
	Name string `json:"name"`
	Type string `json:"type"`           // MIME
	Size int64  `json:"size,omitempty"` // bytes; 0 if unknown
	Blob string `json:"blob,omitempty"` // sha256 in hex, once it lies in the state folder
	Gone string `json:"gone,omitempty"` // why it could not be fetched; the agent is told
}

// Reply is one part of an answer on its way out.
type Reply struct {
	Seq          uint64       `json:"seq"`
	Account      Account      `json:"account"`
	Conversation string       `json:"conversation"`
	Origin       uint64       `json:"origin,omitempty"` // the request it answers; 0 if the gateway began
	Ticket       bool         `json:"ticket,omitempty"`
	At           time.Time    `json:"at"`
	Part         int          `json:"part"` // from 1
	Parts        int          `json:"parts"`
	Text         string       `json:"text,omitempty"`
	Attachments  []Attachment `json:"attachments,omitempty"`
	ReplyTo      string       `json:"replyTo,omitempty"`
	Attempt      int          `json:"attempt"`           // the number of the attempt under way, from 1
	FirstTry     time.Time    `json:"firstTry,omitzero"` // when the first attempt whose outcome is not known began
	Nonce        string       `json:"nonce,omitempty"`   // one name per reply for networks that take one
	Notice       bool         `json:"notice,omitempty"`  // from the gateway itself, not from an agent
}

// Receipt is the network's word that a reply went out.
type Receipt struct {
	ID string    `json:"id"` // the platform's id of our message
	At time.Time `json:"at"`
}
