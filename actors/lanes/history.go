package lanes

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/channels"
)

// maxHistory bounds the text of a conversation's history, in bytes; the oldest entries go first.
const maxHistory = 256 << 10

// entryPrefix begins the names of the values that are entries; their number follows.
const entryPrefix = "history/"

func entryName(number uint64) string { return fmt.Sprintf("%s%016x", entryPrefix, number) }

// past is a conversation's history. Each entry is a value of its own in the journal, under its number, so that a turn writes
// what it adds and deletes what it pushes out, however long the history is. Which numbers there are, and how large, is part
// of the small state that a lane begins with; the entries are read when a turn goes to an agent that wants them. It is a
// value.
//
// What lies in the journal has at most as many entries as the limit of the last turn said, and maxHistory bytes of text.
type past struct {
	next  uint64          // number of the entry that comes next
	sizes []byte          // of the texts of those that there are, in bytes, the oldest first: uvarints
	said  []backend.Entry // the newest of them, as far as they are in memory
}

// count is how many entries there are: each size ends in the one byte of it that is below 0x80.
func (p past) count() (n int) {
	for _, b := range p.sizes {
		if b < 0x80 {
			n++
		}
	}
	return n
}

// first is the number of the oldest entry.
func (p past) first() uint64 { return p.next - uint64(p.count()) }

// sound tells whether the sizes are sizes, and of no more entries than there have been.
func (p past) sound() bool {
	for rest := p.sizes; len(rest) > 0; {
		_, n := binary.Uvarint(rest)
		if n <= 0 {
			return false
		}
		rest = rest[n:]
	}
	return uint64(p.count()) <= p.next
}

// known tells whether all of it is in memory.
func (p past) known() bool { return len(p.said) == p.count() }

// with is the history after more has been said.
func (p past) with(limit int, more ...backend.Entry) past {
	p.said, p.sizes = append(slices.Clip(p.said), more...), slices.Clip(p.sizes)
	for _, e := range more {
		p.sizes = binary.AppendUvarint(p.sizes, uint64(len(e.Text)))
	}
	p.next += uint64(len(more))
	return p.within(limit)
}

// within is the end of a history that fits.
func (p past) within(limit int) past {
	var text uint64
	for rest := p.sizes; len(rest) > 0; {
		size, n := binary.Uvarint(rest)
		text, rest = text+size, rest[n:]
	}
	count := p.count()
	for ; count > max(0, limit) || text > maxHistory; count-- {
		size, n := binary.Uvarint(p.sizes)
		text, p.sizes = text-size, p.sizes[n:]
	}
	p.said = p.said[max(0, len(p.said)-count):]
	return p
}

// forgotten is an empty one. Its numbers go on.
func (p past) forgotten() past { return past{next: p.next} }

// recalled has all entries in memory. One that cannot be read is empty.
func (p past) recalled(values map[string][]byte) past {
	p.said = make([]backend.Entry, 0, p.count())
	for n := p.first(); n < p.next; n++ {
		var e backend.Entry
		read(values[entryName(n)], &e)
		p.said = append(p.said, e)
	}
	return p
}

// told is what the agent is told of it: a limit may have become lower since the last turn.
func (p past) told(limit int) (out []backend.Entry) {
	for _, e := range p.said[max(0, len(p.said)-max(0, limit)):] {
		if e.Role != "" {
			out = append(out, e)
		}
	}
	return out
}

// changes is what has to be written so that the journal has next.
func (p past) changes(next past, conversation string) (out []journal.Op) {
	set := func(number uint64, value []byte) {
		out = append(out, journal.SetState{Conversation: conversation, Name: entryName(number), Value: value})
	}
	for n := p.first(); n < min(p.next, next.first()); n++ {
		set(n, nil)
	}
	for n := max(p.next, next.first()); n < next.next; n++ {
		set(n, write(next.said[len(next.said)-int(next.next-n)], false))
	}
	return out
}

// answered is the state after a turn.
func (st stored) answered(m channels.Arrival, answer backend.Answer, now time.Time, limit int) stored {
	more := []backend.Entry{{Role: "user", Name: nameOf(m.Sender), Text: m.Text + files(m.Attachments), At: m.At}}
	if answer.Text != "" || len(answer.Attachments) > 0 {
		more = append(more, backend.Entry{Role: "assistant", Text: answer.Text + files(answer.Attachments), At: now})
	}
	st.past, st.context = st.past.with(limit, more...), nil
	return st
}

// files names attachments in a history, which keeps no files.
func files(list []channels.Attachment) string {
	var out strings.Builder
	for _, f := range list {
		fmt.Fprintf(&out, "\n[file: %s]", f.Name)
	}
	return out.String()
}

// wantsHistory tells whether the agent of the conversation is told what was said before.
func (s *step) wantsHistory(l *lane) bool { return s.config.Agents[s.agentOf(l.place)].History }

// lacksHistory tells whether the agent wants what is not in memory.
func (s *step) lacksHistory(l *lane) bool { return s.wantsHistory(l) && !l.stored.past.known() }
