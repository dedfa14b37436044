// Package screen decides what a sender hears: it compiles the routes that share one path into an immutable Screen,
// and the Screen judges requests.
//
// Several accounts may share a path; the credential selects the account. A request that proves two accounts at once
// is refused, and routes under which that could happen by configuration are refused by Compile.
//
// Invariants:
//   - Pure: no clock, no I/O, no state. The same request at the same time gets the same verdict.
//   - Closed: a route without a way in admits nobody; the zero Verdict is a refusal.
//   - Every secret of every account on the path is compared, whatever the earlier ones said, so that the time a
//     request takes does not tell which account, or which secret of it, came close.
//   - What a Verdict holds is a copy, but for its document: that is a part of the body where it stands there as it is.
//     Nobody changes it, and who gives a body in does not use its memory again.
//   - No verdict, reason or error holds a credential.
package screen

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"holdfast/channels"
)

// Screen judges the requests of one path. It is made by Compile, never changed, and safe for concurrent use.
type Screen struct {
	byMethod map[string]*table
	methods  []string
	maxBody  int64
	early    bool
}

// table holds the routes that take one method.
type table struct {
	routes []*route
	early  bool
}

// route is one account's route, ready to judge.
type route struct {
	account  channels.Account
	ways     []way
	maxBody  int64
	forms    forms
	skip     []channels.Match
	id       channels.Selector
	keep     []string // lower case
	ack      channels.Ack
	disabled bool
}

// Compile builds the screen of one path from all routes that were declared for it. The path itself is the router's
// matter and not looked at. An error names the accounts and what the operator can change.
func Compile(routes []channels.Route) (*Screen, error) {
	if len(routes) == 0 {
		return nil, errors.New("compile screen: no routes were given")
	}
	if err := conflicts(routes); err != nil {
		return nil, err
	}
	s := &Screen{byMethod: map[string]*table{}, early: true}
	for _, r := range routes {
		one, err := compileRoute(r)
		if err != nil {
			return nil, fmt.Errorf("compile route of %s: %w", r.Account, err)
		}
		s.add(one, r.Methods)
	}
	s.methods = slices.Sorted(maps.Keys(s.byMethod))
	return s, nil
}

// add enters a route under each of its methods.
func (s *Screen) add(r *route, methods []string) {
	early := !slices.ContainsFunc(r.ways, func(w way) bool { return !w.early() })
	s.early = s.early && early
	s.maxBody = max(s.maxBody, r.maxBody)
	for _, m := range methods {
		t := s.byMethod[m]
		if t == nil {
			t = &table{early: true}
			s.byMethod[m] = t
		}
		t.routes = append(t.routes, r)
		t.early = t.early && early
	}
}

// Methods lists what the path takes, sorted, for Allow. The slice is the caller's.
func (s *Screen) Methods() []string { return slices.Clone(s.methods) }

// MaxBody is the largest body that any account on the path takes, in bytes; whatever is longer is 413 before it is
// read whole.
func (s *Screen) MaxBody() int64 { return s.maxBody }

// Early tells whether Head alone decides who may come in, so that no stranger's body is ever read.
func (s *Screen) Early() bool { return s.early }

// compileRoute checks one route and copies what judging needs.
func compileRoute(r channels.Route) (*route, error) {
	out := &route{
		account: r.Account, maxBody: r.Body.Max, skip: slices.Clone(r.Skip), id: r.ID,
		ack: r.Ack, disabled: r.Disabled,
	}
	switch {
	case r.Account == "":
		return nil, errors.New("the route names no account")
	case len(r.Methods) == 0:
		return nil, errors.New("the route names no method: list at least one, such as POST")
	case r.Body.Max < 0:
		return nil, fmt.Errorf("the body limit is %d bytes: want 0 for the default, or more", r.Body.Max)
	case r.Body.Max == 0:
		out.maxBody = channels.DefaultBodyMax
	}
	for i, a := range r.Auth {
		w, err := compileWay(a)
		if err != nil {
			return nil, fmt.Errorf("auth %d (%s): %w", i+1, a.Scheme, err)
		}
		out.ways = append(out.ways, w)
	}
	for i, m := range r.Skip {
		if m.Path == "" || (len(m.In) == 0 && len(m.NotIn) == 0) {
			return nil, fmt.Errorf("skip %d: want a path and at least one value in In or NotIn", i+1)
		}
		out.skip[i].In, out.skip[i].NotIn = slices.Clone(m.In), slices.Clone(m.NotIn)
	}
	out.forms = compileForms(r.Forms)
	var err error
	out.keep, err = compileKeep(r)
	return out, err
}

// compileKeep refuses to keep a header that carries a credential: what is kept goes to disk.
func compileKeep(r channels.Route) ([]string, error) {
	var out []string
	for _, name := range r.Keep {
		if carriesSecret(r.Auth, name) {
			return nil, fmt.Errorf("keep names the header %q, which carries a credential: remove it from the list", name)
		}
		out = append(out, strings.ToLower(name))
	}
	return out, nil
}

// carriesSecret tells whether a header holds a credential as it stands. A signature is none: it is worth nothing
// without its body.
func carriesSecret(auth []channels.Auth, header string) bool {
	if strings.EqualFold(header, authorization) || strings.EqualFold(header, "Cookie") {
		return true
	}
	for _, a := range auth {
		for _, p := range a.Places {
			if p.In == inHeader && strings.EqualFold(p.Name, header) {
				return true
			}
		}
	}
	return false
}
