package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"holdfast/channels"
)

// Bounds of one Take.
const (
	maxTake   = 1024    // items
	takeBytes = 8 << 20 // of content, reached by the last item
	takeScan  = 1 << 17 // queue entries looked at; a longer queue goes on with the next Take
)

// read answers a short question.
func (s *Store) read(question any) any {
	switch q := question.(type) {
	case GetState:
		return s.values(q)
	case GetCursor:
		return s.cursor(q)
	case Ours:
		return s.ours(q)
	}
	panic(fmt.Sprintf("no arm for question %T", question))
}

// take reads pending items. It stops at the first bound it meets; More then tells that it has not seen the end.
func (s *Store) take(m Take) Taken {
	out := Taken{Queue: m.Queue, Last: m.After}
	b := s.queues[m.Queue]
	if b == nil || b.Pending == 0 {
		return out
	}
	from := max(m.After+1, b.floor)
	prefix, first := queuePrefix(m.Queue), queueKey(m.Queue, from)
	if m.Conversation != "" {
		prefix, first = lanePrefix(m.Queue, m.Conversation), laneKey(m.Queue, m.Conversation, from)
	}
	skip := make(map[string]bool, len(m.Skip))
	for _, c := range m.Skip {
		skip[c] = true
	}
	most, taken, size, scanned := min(max(m.Max, 0), maxTake), 0, 0, 0
	out.Err = walk(s.db, prefix, first, func(key, value []byte) (bool, error) {
		if taken == most || size >= takeBytes || scanned == takeScan {
			out.More = true
			return false, nil
		}
		scanned++
		seq, err := seqAt(key)
		if err != nil {
			return false, err
		}
		if len(skip) > 0 {
			conversation, err := conversationOf(m, value)
			if err != nil {
				return false, err
			}
			if skip[string(conversation)] {
				out.Last = seq
				return true, nil
			}
		}
		n, err := s.takeOne(&out, seq)
		if err != nil {
			return false, err
		}
		out.Last, size = seq, size+n
		taken++
		return true, nil
	})
	if out.Err != nil {
		out.Err = fmt.Errorf("take %s of %s: %w", m.Queue.Kind, m.Queue.Account, out.Err)
	}
	return out
}

// conversationOf an entry: of the queue it stands in the value, of a lane it is the one that was asked for.
func conversationOf(m Take, value []byte) ([]byte, error) {
	if m.Conversation != "" {
		return []byte(m.Conversation), nil
	}
	_, conversation, err := queueEntry(value)
	return conversation, err
}

// takeOne adds one item and returns the size of its content.
func (s *Store) takeOne(out *Taken, seq uint64) (int, error) {
	it, found, err := fetchItem(s.db, s.names, seq)
	if err != nil {
		return 0, err
	}
	if !found {
		return 0, fmt.Errorf("item %d stands in its queue and is not there", seq)
	}
	switch it.Kind {
	case Requests:
		r, err := it.request()
		if err != nil {
			return 0, err
		}
		out.Requests = append(out.Requests, r)
	case Arrivals:
		a, err := it.arrival()
		if err != nil {
			return 0, err
		}
		out.Arrivals = append(out.Arrivals, a)
	default:
		r, err := it.reply()
		if err != nil {
			return 0, err
		}
		out.Replies = append(out.Replies, r)
	}
	return len(it.payload), nil
}

// Value reads one value of an account, nil if there is none. It is for what must be known before there are actors; later the
// journal's actor is asked.
func (s *Store) Value(of channels.Account, name string) ([]byte, error) {
	v := s.values(GetState{Account: of, Name: name, Prefix: name})
	return v.Values[name], v.Err
}

func (s *Store) values(m GetState) Values {
	out := Values{Values: map[string][]byte{}}
	prefix := statePrefix(m.Account, m.Conversation)
	if m.Name != "" {
		value, found, err := fetch(s.db, append(bytes.Clone(prefix), m.Name...))
		if found {
			out.Values[m.Name] = value
		}
		if found || err != nil {
			out.Err = err
			return out
		}
	}
	out.Err = walk(s.db, append(bytes.Clone(prefix), m.Prefix...), nil, func(key, value []byte) (bool, error) {
		out.Values[string(key[len(prefix):])] = append([]byte{}, value...)
		return true, nil
	})
	return out
}

func (s *Store) cursor(m GetCursor) Cursor {
	value, _, err := fetch(s.db, cursorKey(m.Account))
	return Cursor{Value: value, Err: err}
}

// ours finds which ids belong to messages that we sent.
func (s *Store) ours(m Ours) OursAre {
	out := OursAre{Replies: map[string]uint64{}}
	if m.IDs == nil {
		prefix := oursPrefix(m.Account, m.Conversation)
		out.Err = walk(s.db, prefix, nil, func(key, value []byte) (bool, error) {
			seq, err := seqAt(value)
			out.Replies[string(key[len(prefix):])] = seq
			return true, err
		})
		return out
	}
	for _, id := range m.IDs {
		value, found, err := fetch(s.db, receiptKey(m.Account, id))
		if err != nil {
			out.Err = err
			return out
		}
		if found && len(value) >= 8 {
			out.Replies[id] = binary.BigEndian.Uint64(value)
		}
	}
	return out
}

// answer says what became of a request with a ticket.
func (s *Store) answer(m Answers) Answer {
	request, found, err := fetchItem(s.db, s.names, m.Request)
	if err != nil || !found || request.Kind != Requests || !request.ticket || request.Account != m.Account {
		return Answer{Err: err}
	}
	out := Answer{Known: true}
	var led []item
	err = walk(s.db, ticketPrefix(m.Request), nil, func(key, _ []byte) (bool, error) {
		seq, err := seqAt(key)
		if err != nil {
			return false, err
		}
		it, found, err := fetchItem(s.db, s.names, seq)
		if err != nil || !found {
			return err == nil, err
		}
		led = append(led, it)
		if it.Kind != Replies || len(it.payload) == 0 {
			return true, nil
		}
		r, err := it.reply()
		out.Replies = append(out.Replies, r)
		return true, err
	})
	if err != nil {
		return Answer{Err: fmt.Errorf("answers to request %d: %w", m.Request, err)}
	}
	out.State, out.Outcome, out.Reason = verdict(request, led)
	return out
}

// pending are the queues that have items.
func (s *Store) pending() []Queue {
	var out []Queue
	for _, q := range s.sortedQueues() {
		if s.queues[q].Pending > 0 {
			out = append(out, q)
		}
	}
	return out
}

// splitReceipt reads the account and the platform's id out of a receipt's key.
func splitReceipt(key []byte) (channels.Account, []byte) {
	account, id, _ := bytes.Cut(key[1:], []byte{0})
	return channels.Account(account), id
}
