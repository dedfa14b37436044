package lanes

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/channels"
)

// store is a model of the journal.
type store struct {
	t          testing.TB
	seq        uint64
	items      map[uint64]*item
	state      map[string][]byte // by account, conversation and name
	replies    []channels.Reply
	claims     map[string]bool
	told       map[channels.Account]bool
	fresh      map[channels.Account]bool
	subscribed bool
	broken     error // what it says instead of doing anything
	unread     error // what it says instead of a conversation's state
	reads      int   // of small states
	recalls    int   // of histories
	commits    []journal.Commit
}

type item struct {
	arrival  channels.Arrival
	accepted time.Time // when that really was
	end      *journal.End
	pins     map[string]bool
	moved    bool // came without a conversation
}

func newStore(t testing.TB) *store {
	return &store{
		t: t, items: map[uint64]*item{}, state: map[string][]byte{}, claims: map[string]bool{}, told: map[channels.Account]bool{},
		fresh: map[channels.Account]bool{},
	}
}

func (s *store) add(a channels.Arrival) uint64 {
	s.seq++
	a.Seq = s.seq
	s.items[s.seq] = &item{arrival: a, pins: map[string]bool{}, moved: a.Conversation == ""}
	s.fresh[a.Account] = true
	return s.seq
}

// wakes tells whether the account's subscriber is to be woken: for what came, and not again before a Take.
func (s *store) wakes(account channels.Account) bool {
	if !s.subscribed || !s.fresh[account] || s.told[account] {
		return false
	}
	s.told[account], s.fresh[account] = true, false
	return true
}

// subscribe makes everything that is pending fresh.
func (s *store) subscribe() {
	s.subscribed, s.told = true, map[channels.Account]bool{}
	for _, it := range s.items {
		s.fresh[it.arrival.Account] = s.fresh[it.arrival.Account] || it.end == nil
	}
}

func (s *store) handle(msg any) any {
	s.t.Helper()
	switch m := msg.(type) {
	case journal.Take:
		return s.take(m)
	case journal.GetState:
		if m.Prefix == entryPrefix {
			s.recalls++
		} else {
			s.reads++
		}
		if err := cmp.Or(s.unread, s.broken); err != nil {
			return journal.Values{Err: err}
		}
		return journal.Values{Values: s.values(m)}
	case journal.Commit:
		if s.broken != nil {
			return journal.Committed{Err: s.broken}
		}
		return s.commit(m)
	}
	s.t.Fatalf("the journal was asked %T", msg)
	return nil
}

func (s *store) values(m journal.GetState) map[string][]byte {
	out := map[string][]byte{}
	for key, value := range s.state {
		if name, here := strings.CutPrefix(key, string(m.Account)+"|"+m.Conversation+"|"); here && strings.HasPrefix(name, m.Prefix) {
			out[name] = value
		}
	}
	if value, there := out[m.Name]; there && m.Name != "" {
		return map[string][]byte{m.Name: value}
	}
	return out
}

func (s *store) take(m journal.Take) journal.Taken {
	if s.broken != nil {
		return journal.Taken{Queue: m.Queue, Err: s.broken}
	}
	s.told[m.Queue.Account] = false
	out := journal.Taken{Queue: m.Queue, Last: m.After}
	for seq := m.After + 1; seq <= s.seq; seq++ {
		it := s.items[seq]
		if it.end != nil || it.arrival.Account != m.Queue.Account || m.Conversation != "" && it.arrival.Conversation != m.Conversation {
			continue
		}
		if slices.Contains(m.Skip, it.arrival.Conversation) {
			out.Last = seq
			continue
		}
		if len(out.Arrivals) == m.Max {
			out.More = true
			break
		}
		out.Arrivals, out.Last = append(out.Arrivals, it.arrival), seq
	}
	return out
}

func (s *store) commit(m journal.Commit) journal.Committed {
	s.t.Helper()
	for _, op := range m.Ops {
		seq := uint64(0)
		switch op := op.(type) {
		case journal.End:
			seq = op.Seq
		case journal.Rewrite:
			seq = op.Arrival.Seq
		case journal.Pin:
			seq = op.Seq
			if !isHash(op.Blob) {
				s.t.Fatalf("pin %q, which the journal refuses", op.Blob)
			}
		}
		if seq != 0 && (s.items[seq] == nil || s.items[seq].end != nil) {
			return journal.Committed{Err: journal.ErrEnded}
		}
	}
	s.commits = append(s.commits, m)
	conversations := map[string]bool{}
	for _, op := range m.Ops {
		switch op := op.(type) {
		case journal.End:
			s.inOrder(op)
			s.items[op.Seq].end = &op
		case journal.Rewrite:
			s.items[op.Arrival.Seq].arrival = op.Arrival
		case journal.Pin:
			s.items[op.Seq].pins[op.Blob] = true
		case journal.AddReply:
			if op.Claim == "" || !s.claims[op.Claim] {
				s.replies = append(s.replies, op.Reply)
			}
			s.claims[op.Claim] = true
		case journal.SetState:
			key := string(m.Account) + "|" + op.Conversation + "|" + op.Name
			if s.state[key] = op.Value; op.Value == nil {
				delete(s.state, key)
			}
			conversations[op.Conversation] = true
		}
	}
	for conversation := range conversations {
		s.entries(m.Account, conversation)
	}
	return journal.Committed{}
}

// entries is a conversation's history as it lies there. It checks that the small state says which entries there are, how many
// and how large, and that nothing of the older form is left beside it.
func (s *store) entries(account channels.Account, conversation string) []backend.Entry {
	s.t.Helper()
	values := s.values(journal.GetState{Account: account, Conversation: conversation})
	state := newStored(values)
	delete(values, stateName)
	if state.older != nil {
		return state.past.said
	}
	state.past = state.past.recalled(values)
	if len(values) != state.past.count() {
		s.t.Fatalf("%s %s: %d entries are said to be there: %v", account, conversation, state.past.count(), slices.Sorted(maps.Keys(values)))
	}
	sizes := past{}
	for _, e := range state.past.said {
		if e.Role == "" {
			s.t.Fatalf("%s %s: entry missing, of %v from %d", account, conversation, slices.Sorted(maps.Keys(values)), state.past.first())
		}
		sizes.sizes = binary.AppendUvarint(sizes.sizes, uint64(len(e.Text)))
	}
	if !bytes.Equal(sizes.sizes, state.past.sizes) {
		s.t.Fatalf("%s %s: sizes %v, want %v", account, conversation, state.past.sizes, sizes.sizes)
	}
	return state.past.said
}

// inOrder checks that no earlier message of the conversation is left when one ends, unless it was taken back.
func (s *store) inOrder(op journal.End) {
	s.t.Helper()
	it := s.items[op.Seq]
	if op.Outcome == Retracted || it.arrival.Kind != channels.Message || it.moved {
		return
	}
	for seq := range op.Seq {
		before := s.items[seq]
		if before == nil || before.end != nil || before.moved || before.arrival.Kind != channels.Message {
			continue
		}
		if before.arrival.Account == it.arrival.Account && before.arrival.Conversation == it.arrival.Conversation {
			if !s.together(seq) {
				s.t.Fatalf("arrival %d ended (%s) before %d of the same conversation", op.Seq, op.Outcome, seq)
			}
		}
	}
}

// together: the one before ends in the same step.
func (s *store) together(seq uint64) bool {
	for _, op := range s.commits[len(s.commits)-1].Ops {
		if end, is := op.(journal.End); is && end.Seq == seq {
			return true
		}
	}
	return false
}

// ended is the number of the arrival that an op ends.
func ended(op journal.Op) (uint64, bool) {
	end, is := op.(journal.End)
	return end.Seq, is
}
