package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/benbjohnson/immutable"
	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

const (
	journalWithin = 10 * time.Second // one question to the journal
	reloadPause   = 5 * time.Second  // before the journal is asked again
	maxWaiting    = 1024             // questions of one account that wait until it is loaded
	maxChanges    = 64               // changes of one account that wait for the one before them
	maxPatterns   = 1024             // compiled patterns kept
	maxSender     = 256              // bytes of a sender's id: it is a key of ours
	maxApproved   = 10000            // senders approved for one account
)

// Names of state of an account in the journal; the sender follows.
const (
	pairingPrefix  = "pairing/"
	approvedPrefix = "approved/"
)

// State is a value; Step never changes the one it is given.
type State struct {
	journal  kit.Addr
	number   uint64 // of the last load or change
	accounts kit.Map[channels.Account, account]
	patterns kit.Map[string, *regexp.Regexp] // nil value: the pattern is none
}

// account is one account's policies and who was let in.
type account struct {
	id     channels.Account
	common channels.Common
	direct list
	group  list

	load     uint64 // number of the load under way; 0: loaded
	missing  int    // answers that the load waits for
	err      string // why the last load failed
	requests map[string]request
	approved *immutable.SortedMap[string, Approved]
	waiting  []kit.In // until loaded

	change  *change  // being written; never changed once made
	changes []kit.In // until that is done
}

// Tags of what is under way.
type (
	loading struct {
		account channels.Account
		number  uint64
		prefix  string
	}
	// looking waits for the journal's word whether a message answers one of ours.
	looking struct {
		from     kit.Return
		decision Decision // if it does not
		replyTo  string
	}
)

// NewState is the state before the first Configure: it knows no account.
func NewState(journal kit.Addr) State {
	return State{journal: journal}
}

// Step decides.
func Step(s State, in kit.In) (State, []kit.Effect) {
	st := step{State: s, now: in.Now}
	st.take(in)
	return st.State, st.effects
}

// step is one Step under way: a state of its own and what is to be done.
type step struct {
	State
	now     time.Time
	effects []kit.Effect
}

func (s *step) add(e ...kit.Effect) { s.effects = append(s.effects, e...) }

func (s *step) set(a account) { s.accounts = s.accounts.With(a.id, a) }

func (s *step) take(in kit.In) {
	switch m := in.Msg.(type) {
	case Configure:
		s.configure(m)
		s.add(kit.Answer{To: in.From, Msg: Configured{}})
	case Decide, Approve, Deny, ListPairing:
		s.question(in)
	case reload:
		if a, known := s.accounts.Get(m.account); known && a.load == m.number {
			s.read(a)
		}
	case kit.Answered:
		s.answered(m)
	case kit.Done:
		s.drawn(m)
	default:
		s.add(kit.Unknown{Msg: in.Msg})
	}
}

func (s *step) answered(m kit.Answered) {
	switch tag := m.Tag.(type) {
	case loading:
		s.loaded(tag, m)
	case looking:
		s.looked(tag, m)
	case writing:
		s.written(tag, m)
	}
}

// configure takes the policies of a revision. Accounts that stay keep what was approved.
func (s *step) configure(c Configure) {
	for id, a := range s.accounts.All() {
		if _, stays := c.Accounts[id]; !stays {
			s.drop(a)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.Accounts)) {
		common := c.Accounts[id]
		a, known := s.accounts.Get(id)
		a.id, a.common = id, common
		a.direct = newList(id.Channel(), common.AllowFrom)
		a.group = newList(id.Channel(), common.GroupAllowFrom)
		if known {
			s.set(a)
			continue
		}
		s.read(a)
	}
}

// drop forgets an account and answers whoever waits for it.
func (s *step) drop(a account) {
	s.accounts = s.accounts.Without(a.id)
	gone := notConfigured(a.id)
	for _, in := range slices.Concat(a.waiting, a.changes) {
		s.fail(in, gone)
	}
	if a.change != nil {
		s.fail(a.change.in, gone)
	}
}

func notConfigured(id channels.Account) error {
	return fmt.Errorf("account %q is not configured", id)
}

// fail answers a question that cannot be answered.
func (s *step) fail(in kit.In, err error) {
	switch m := in.Msg.(type) {
	case Decide:
		s.add(kit.Answer{To: in.From, Msg: Decision{Err: err}})
	case Approve:
		s.add(kit.Answer{To: in.From, Msg: Settled{Account: m.Account, Err: err}})
	case Deny:
		s.add(kit.Answer{To: in.From, Msg: Settled{Account: m.Account, Sender: m.Sender, Err: err}})
	case ListPairing:
		s.add(kit.Answer{To: in.From, Msg: PairingList{}})
	}
}

// read asks the journal for what is kept of an account.
func (s *step) read(a account) {
	s.number++
	a.load, a.missing = s.number, 2
	a.requests, a.approved = map[string]request{}, immutable.NewSortedMap[string, Approved](nil)
	for _, prefix := range []string{pairingPrefix, approvedPrefix} {
		s.add(kit.Ask{
			To: s.journal, Msg: journal.GetState{Account: a.id, Prefix: prefix}, Within: journalWithin,
			Tag: loading{a.id, a.load, prefix},
		})
	}
	s.set(a)
}

// loaded takes one of the two answers of a load.
func (s *step) loaded(tag loading, m kit.Answered) {
	a, known := s.accounts.Get(tag.account)
	if !known || a.load != tag.number || a.missing == 0 {
		return // an answer to a question that we no longer ask
	}
	values, _ := m.Msg.(journal.Values)
	if err := errors.Join(m.Err, values.Err); err != nil {
		a.err, a.missing = err.Error(), 0
		s.set(a)
		s.add(
			kit.Note{Level: zerolog.WarnLevel, Text: "pairing is not read", Fields: []any{"account", string(a.id), "cause", a.err}},
			kit.After{Delay: reloadPause, Jitter: 0.2, Msg: reload{a.id, a.load}},
		)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(values.Values)) {
		if err := a.keep(name, values.Values[name]); err != nil {
			s.add(kit.Note{Level: zerolog.ErrorLevel, Text: "a stored value is not readable", Fields: []any{"account", string(a.id), "name", name, "cause", err.Error()}})
		}
	}
	a.missing--
	if a.missing > 0 {
		s.set(a)
		return
	}
	waiting := a.waiting
	a.load, a.err, a.waiting = 0, "", nil
	s.set(a)
	for _, in := range waiting {
		s.question(in)
	}
}

// keep puts a stored value into an account that is being loaded: its maps are its own.
func (a *account) keep(name string, value []byte) error {
	asks, asked := strings.CutPrefix(name, pairingPrefix)
	approved, let := strings.CutPrefix(name, approvedPrefix)
	switch {
	case asked && asks != "":
		var r request
		if err := json.Unmarshal(value, &r); err != nil {
			return fmt.Errorf("decode a pairing request: %w", err)
		}
		r.Account = a.id // it may have been called otherwise then
		a.requests = maps.Clone(a.requests)
		a.requests[asks] = r
	case let && approved != "": // nothing else approves of anybody
		var p Approved
		if err := json.Unmarshal(value, &p); err != nil {
			return fmt.Errorf("decode an approved sender: %w", err)
		}
		p.Account = a.id
		a.approved = a.approved.Set(approved, p)
	}
	return nil
}

// question answers what is asked, or keeps it until that is possible.
func (s *step) question(in kit.In) {
	id, err := s.about(in.Msg)
	if err != nil {
		s.fail(in, err)
		return
	}
	a, known := s.accounts.Get(id)
	switch {
	case id == "": // a list of all
	case !known:
		s.fail(in, notConfigured(id))
		return
	case a.load != 0 && len(a.waiting) >= maxWaiting:
		s.fail(in, fmt.Errorf("account %s: the journal does not answer and %d questions wait", id, maxWaiting))
		return
	case a.load != 0:
		a.waiting = append(slices.Clip(a.waiting), in)
		s.set(a)
		return
	}
	switch m := in.Msg.(type) {
	case Decide:
		s.decide(a, m, in)
	case Approve, Deny:
		s.changing(a, in)
	case ListPairing:
		s.list(m, in.From)
	}
}

// about finds the account that a question is about; where the operator did not say, the code or the sender tells.
func (s *step) about(msg any) (channels.Account, error) {
	switch m := msg.(type) {
	case Decide:
		return m.Arrival.Account, nil
	case ListPairing:
		return m.Account, nil
	case Approve:
		if m.Account == "" {
			return s.find(m.Code, "")
		}
		return m.Account, nil
	case Deny:
		if m.Account == "" {
			return s.find(m.Code, m.Sender)
		}
		return m.Account, nil
	}
	return "", nil
}

func (s *step) decide(a account, d Decide, in kit.In) {
	decision, open := a.judge(d.Arrival)
	switch {
	case open == challenge:
		s.changing(a, in)
	case open == mention && s.names(d.Mentions, d.Arrival.Text):
		s.add(kit.Answer{To: in.From, Msg: Decision{Allow: true, Reason: "the message names the agent"}})
	case open == mention && d.Arrival.ReplyTo != "":
		s.add(kit.Ask{
			To: s.journal, Msg: journal.Ours{Account: a.id, IDs: []string{d.Arrival.ReplyTo}}, Within: journalWithin,
			Tag: looking{from: in.From, decision: decision, replyTo: d.Arrival.ReplyTo},
		})
	default:
		s.add(kit.Answer{To: in.From, Msg: decision})
	}
}

// looked ends the question whether a message answers one of ours.
func (s *step) looked(tag looking, m kit.Answered) {
	ours, _ := m.Msg.(journal.OursAre)
	decision := tag.decision
	if err := errors.Join(m.Err, ours.Err); err != nil {
		decision = Decision{Err: fmt.Errorf("look up the message that is answered: %w", err)}
	} else if _, is := ours.Replies[tag.replyTo]; is {
		decision = Decision{Allow: true, Reason: "an answer to one of our messages"}
	}
	s.add(kit.Answer{To: tag.from, Msg: decision})
}

// names tells whether one of the patterns is in the text, in any case of letters.
func (s *step) names(patterns []string, text string) bool {
	for _, p := range patterns {
		if re := s.compiled(p); re != nil && re.MatchString(text) {
			return true
		}
	}
	return false
}

func (s *step) compiled(pattern string) *regexp.Regexp {
	re, known := s.patterns.Get(pattern)
	if known {
		return re
	}
	re, err := regexp.Compile("(?i)" + pattern)
	if err != nil {
		s.add(kit.Note{Level: zerolog.WarnLevel, Text: "a mention pattern is no pattern", Fields: []any{"pattern", pattern, "cause", err.Error()}})
	}
	if s.patterns.Len() >= maxPatterns {
		s.patterns = kit.Map[string, *regexp.Regexp]{}
	}
	s.patterns = s.patterns.With(pattern, re)
	return re
}
