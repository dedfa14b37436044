package webhook

import (
	"cmp"
	"strings"

	"holdfast/channels"
)

// routes declares where senders post and, without a callback, where they fetch the replies. A fetch is proved like a
// post; a signature is one over the empty body.
func routes(account channels.Account, settings channels.Settings) []channels.Route {
	s := settings.(*Settings)
	post := channels.Route{
		Account: account, Path: s.Path, Methods: []string{"POST"},
		Auth:         s.Auth.ways(),
		Forms:        []channels.Form{{}, {Fields: []string{"payload", "data", "message"}}},
		ID:           s.selector(),
		LoopbackOnly: s.Auth.Type == None,
		Disabled:     !s.On(),
	}
	if !s.CallbackURL.IsZero() {
		return []channels.Route{post}
	}
	post.Ack = channels.AckTicket
	fetch := channels.Route{
		Account: account, Path: strings.TrimRight(s.Path, "/") + "/replies", Under: true, Methods: []string{"GET"},
		Auth: s.Auth.ways(), Ack: channels.AckAnswers,
		LoopbackOnly: post.LoopbackOnly, Disabled: post.Disabled,
	}
	return []channels.Route{post, fetch}
}

// ways compiles the settings into the route's terms. An unknown type has no way in.
func (a Auth) ways() []channels.Auth {
	out := channels.Auth{Secrets: a.secrets()}
	switch a.Type {
	case Standard:
		out.Scheme, out.Window = channels.SchemeStandard, a.Window.D()
	case HMAC:
		out.Scheme, out.HMAC = channels.SchemeHMAC, a.mac()
	case Bearer:
		out.Scheme, out.Places = channels.SchemeSecret, []channels.Place{a.place()}
	case Basic:
		out.Scheme, out.User = channels.SchemeBasic, a.User
	case None:
		out = channels.Auth{Scheme: channels.SchemeNone}
	default:
		return nil
	}
	return []channels.Auth{out}
}

// mac is how a signature is written. The prefix has a default only for the header that has one.
func (a Auth) mac() channels.HMAC {
	out := channels.HMAC{Header: a.Header, Prefix: a.Prefix, Encoding: cmp.Or(a.Encoding, "hex")}
	if out.Header == "" {
		out.Header, out.Prefix = defaultHMAC, cmp.Or(a.Prefix, "sha256=")
	}
	return out
}

// place is where the secret itself stands.
func (a Auth) place() channels.Place {
	out := channels.Place{In: "header", Name: cmp.Or(a.Header, defaultHeader), Strip: a.Prefix}
	if strings.EqualFold(out.Name, defaultHeader) {
		out.Strip = cmp.Or(a.Prefix, "Bearer ")
	}
	return out
}

// selector is where a request's id is. Senders of Standard Webhooks have one in a header, the same in every attempt; a
// path that the operator configured is meant to win over it.
func (s *Settings) selector() channels.Selector {
	out := channels.Selector{Path: cmp.Or(s.Map.ID, "id")}
	if s.Auth.Type == Standard && s.Map.ID == "" {
		out.Header = "webhook-id"
	}
	return out
}
