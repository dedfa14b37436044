// Package bluebubbles connects an account to a BlueBubbles server, the program on a Mac that speaks for iMessage.
//
// Messages come in two ways that overlap on purpose. The server posts a webhook once, without retry, without order and
// with repeats; the journal takes it at the edge, whether this package runs or not. And each run asks the server for
// the rows of its database above a cursor: when it starts, when the server was away, when it is nudged, and every ten
// minutes. What comes both ways counts once, because both are interpreted alike.
//
// # Claims
//
// The server repeats itself: "new-message" comes again an hour later when anything happened to a message, every read
// and delivery is an "updated-message", and either may overtake the other. Interpret knows only the one record that
// it is given, so every record of a message is interpreted as all that it says:
//
//   - Message, without version: there is such a message. Whichever record comes first starts the one turn.
//   - Amendment "attachment:<guid>", one per attachment: the message has it.
//   - Amendment "edit:<time>:<digest>": it reads so since then. The digest covers text and number of parts.
//   - Retraction, without version: it was taken back.
//
// Read and delivery dates are in no version: a record that only repeats what is known makes no new claim. The Message
// covers the claims of the amendments that come in the same record, since it holds their content already; when the
// Message itself is a repeat, what is new of them counts. A Retraction covers the Message: a late "new-message" of
// something taken back starts nothing. Thus the outcome does not depend on the order of the records.
//
// A record of a message older than maxAge makes no arrivals, since its claims may have run out. The server repeats
// messages for a week and an hour; claims live eight days.
//
// # Invariants
//
// The cursor moves only in the Take that carries the rows it passes. The password is in the query of requests to
// the server and nowhere else: no redirect is followed, no error and no log line holds it. A send is called not
// sent only where the server proves it; see outcome.go.
package bluebubbles

import (
	_ "embed"
	"time"

	"holdfast/channels"
	"holdfast/config"
)

//go:embed sample.yaml
var sample []byte

// What the network can take.
const (
	textLimit       = 4000
	attachmentLimit = 100 << 20
	repeatWindow    = 8 * 24 * time.Hour
	parallelSends   = 4
	attachmentSend  = 5 * time.Minute // the server's own limit for one upload
)

// Kind is the network as the gateway knows it.
func Kind() channels.Kind {
	return channels.Kind{
		Name:      "bluebubbles",
		Sample:    sample,
		Settings:  func() channels.Settings { return newSettings() },
		Routes:    routes,
		Interpret: interpret,
		Connect:   connect,
		Limits: channels.Limits{
			Text:         textLimit,
			Attachment:   attachmentLimit,
			RepeatWindow: repeatWindow,
			Parallel:     parallelSends,
			SendWithin:   maxSendTimeout + time.Minute,
		},
	}
}

// routes is the one webhook. The server can send no header of its own, so the password stands in the query of the
// registered address; the headers are for relays.
func routes(account channels.Account, settings channels.Settings) []channels.Route {
	s := settings.(*Settings)
	return []channels.Route{{
		Account: account,
		Path:    s.hookPath(),
		Methods: []string{"POST"},
		Auth: []channels.Auth{{
			Scheme:  channels.SchemeSecret,
			Secrets: append([]config.Secret(nil), s.Password...),
			Places: []channels.Place{
				{In: "header", Name: "x-guid"},
				{In: "header", Name: "x-password"},
				{In: "header", Name: "x-bluebubbles-guid"},
				{In: "header", Name: "authorization", Strip: "Bearer "},
				{In: "query", Name: "guid"},
				{In: "query", Name: "password"},
				{In: "query", Name: "token"},
			},
		}},
		Forms: []channels.Form{{}, {Fields: []string{"payload", "data", "message"}}},
		Skip: []channels.Match{
			{Path: "type", NotIn: append([]string{""}, messageTypes...)},
			{Path: "data.isFromMe", In: []string{"true"}},
			{Path: "data.itemType", NotIn: []string{"0", ""}},
		},
		ID:       channels.Selector{Path: "data.guid"},
		Ack:      channels.AckJournal,
		Disabled: !s.On(),
	}}
}
