package console

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast/channels"
)

// desk is all that one instance knows. Its methods may be called from anywhere.
type desk struct {
	settings Settings

	mu    sync.Mutex
	last  uint64 // number of the newest line
	rooms map[channels.Account]*room
}

// room is one account: there is one once a run of it has entered, and it stays, so that a restart keeps the transcript.
type room struct {
	inbox channels.Inbox // of the run that is there; nil: none is
	lines []entry        // oldest first
	waits []*wait
}

// Line is one line of a transcript.
type Line struct {
	At           time.Time `json:"at"`
	Conversation string    `json:"conversation"`
	From         string    `json:"from" jsonschema:"enum=operator,enum=agent,enum=gateway"`
	Text         string    `json:"text"`
}

// entry is a line with what it is known by.
type entry struct {
	Line
	number uint64
	id     string // of what the operator said
	seq    uint64 // of a reply; 0 else
}

// wait is one call that waits for the answer to a line.
type wait struct {
	number       uint64 // of the line
	id           string // likewise
	conversation string
	answers      []string
	answered     bool
	whole        chan struct{} // closed when it is answered
}

func newDesk(s Settings) *desk { return &desk{settings: s, rooms: map[channels.Account]*room{}} }

// enter makes a run the one that takes lines, until leave.
func (d *desk) enter(account channels.Account, in channels.Inbox) (leave func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.room(account)
	r.inbox = in
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if r.inbox == in { // else a later run is there
			r.inbox = nil
		}
	}
}

// room is the account's, a new one if need be.
func (d *desk) room(account channels.Account) *room {
	if d.rooms[account] == nil {
		d.rooms[account] = &room{}
	}
	return d.rooms[account]
}

// running lists the accounts that take lines.
func (d *desk) running() []string {
	var out []string
	for account, r := range d.rooms {
		if r.inbox != nil {
			out = append(out, string(account))
		}
	}
	slices.Sort(out)
	return out
}

// begin writes a line down and has somebody wait for its answer: before it is handed in, for the answer may be quick.
func (d *desk) begin(account channels.Account, id string, line said) (channels.Inbox, *wait, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.rooms[account]
	if r == nil || r.inbox == nil {
		return nil, nil, absent(account, d.running())
	}
	e := d.write(r, entry{id: id, Line: Line{Conversation: line.Conversation, From: operator, Text: line.Text}})
	w := &wait{number: e.number, id: id, conversation: line.Conversation, whole: make(chan struct{})}
	r.waits = append(r.waits, w)
	return r.inbox, w, nil
}

// write adds a line to a transcript and lets the oldest go.
func (d *desk) write(r *room, e entry) entry {
	d.last++
	e.number, e.At = d.last, time.Now()
	r.lines = append(r.lines, e)
	if over := len(r.lines) - d.settings.Transcript; over > 0 {
		r.lines = slices.Delete(r.lines, 0, over)
	}
	return e
}

// end is the end of a wait: with what has come, and whether that is all.
func (d *desk) end(account channels.Account, w *wait) (answers []string, answered bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rooms[account].leave(w)
	return append([]string{}, w.answers...), w.answered
}

func (r *room) leave(w *wait) {
	r.waits = slices.DeleteFunc(r.waits, func(one *wait) bool { return one == w })
}

// unsay takes a line back that was not handed in.
func (d *desk) unsay(account channels.Account, w *wait) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.rooms[account]
	r.leave(w)
	r.lines = slices.DeleteFunc(r.lines, func(e entry) bool { return e.number == w.number })
}

// heard takes a reply, once.
func (d *desk) heard(account channels.Account, reply channels.Reply) channels.Receipt {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.room(account)
	if i := r.holds(reply); i >= 0 {
		return r.lines[i].receipt()
	}
	from := "agent"
	if reply.Notice {
		from = "gateway"
	}
	e := d.write(r, entry{seq: reply.Seq, Line: Line{Conversation: reply.Conversation, From: from, Text: written(reply)}})
	r.tell(reply, e.Text)
	return e.receipt()
}

// tell gives a reply to those who wait for it. It names the newest line that it answers; lines are answered in their order,
// so it answers all that came before and have no answer yet.
func (r *room) tell(reply channels.Reply, text string) {
	last := r.number(reply.ReplyTo)
	for _, w := range r.waits {
		if w.answered || w.conversation != reply.Conversation || w.number > last {
			continue
		}
		w.answers = append(w.answers, text)
		if reply.Part >= reply.Parts {
			w.answered = true
			close(w.whole)
		}
	}
}

// number is that of the operator's line of this id; 0 if there is none, as for what the gateway was told to send. Whoever
// waits for a line knows it even when the transcript has let it go.
func (r *room) number(id string) uint64 {
	for _, w := range r.waits {
		if w.id == id {
			return w.number
		}
	}
	for _, e := range r.lines {
		if id != "" && e.id == id {
			return e.number
		}
	}
	return 0
}

// written is a reply as one text: files are named, since nothing shows them here.
func written(reply channels.Reply) string {
	parts := []string{reply.Text}
	for _, a := range reply.Attachments {
		parts = append(parts, "["+cmp.Or(a.Name, "file")+", "+cmp.Or(a.Type, "of no known type")+"]")
	}
	return strings.TrimSpace(strings.Join(parts, "\n"))
}

// find looks a reply up.
func (d *desk) find(account channels.Account, reply channels.Reply) (channels.Receipt, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.room(account)
	i := r.holds(reply)
	if i < 0 {
		return channels.Receipt{}, false
	}
	return r.lines[i].receipt(), true
}

// holds is where a reply stands in the transcript, or less than 0.
func (r *room) holds(reply channels.Reply) int {
	return slices.IndexFunc(r.lines, func(e entry) bool { return e.seq == reply.Seq })
}

// receipt names a reply by its line.
func (e entry) receipt() channels.Receipt {
	return channels.Receipt{ID: "line-" + strconv.FormatUint(e.number, 10), At: e.At}
}
