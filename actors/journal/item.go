package journal

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"holdfast/channels"
)

// item is what lies under one number: a record, what it came from, and its content. The header comes first and is small,
// so that lists and lanes are read without the content.
type item struct {
	Record
	origin  uint64 // the request it came from; 0 if there is none
	written uint64 // number of the last rename before it was written; see names
	ticket  bool   // somebody may ask for what became of the request
	pinned  bool   // pins hang on it
	payload []byte // of an arrival or a reply: JSON; of a request: see encodeRequest; empty when it is kept no longer
}

const (
	itemTicket = 1 << iota
	itemPinned
	itemNamed // written is not 0
)

func (s State) letter() byte {
	switch s {
	case Pending:
		return 'p'
	case Done:
		return 'd'
	case Dead:
		return 'x'
	default:
		return 'e'
	}
}

func stateOf(letter byte) (State, bool) {
	switch letter {
	case 'p':
		return Pending, true
	case 'd':
		return Done, true
	case 'x':
		return Dead, true
	case 'e':
		return Expired, true
	}
	return "", false
}

func (it *item) queue() Queue { return Queue{Kind: it.Kind, Account: it.Account} }

// appendTo writes the item: kind, state, flags, origin, at, ended, attempts, written, account, conversation, outcome, reason, payload.
func (it *item) appendTo(dst []byte) []byte {
	var flags byte
	if it.ticket {
		flags |= itemTicket
	}
	if it.pinned {
		flags |= itemPinned
	}
	if it.written != 0 {
		flags |= itemNamed
	}
	dst = append(dst, it.Kind.letter(), it.State.letter(), flags)
	dst = binary.AppendUvarint(dst, it.origin)
	dst = binary.AppendVarint(dst, nanos(it.At))
	dst = binary.AppendVarint(dst, nanos(it.Ended))
	dst = binary.AppendUvarint(dst, uint64(max(it.Attempts, 0)))
	if it.written != 0 {
		dst = binary.AppendUvarint(dst, it.written)
	}
	for _, s := range []string{string(it.Account), it.Conversation, it.Outcome, it.Reason} {
		dst = appendText(dst, s)
	}
	return append(dst, it.payload...)
}

var errTorn = errors.New("the record is shorter than it says")

// readItem decodes what appendTo wrote; the account is called as it is now. The payload is a part of value and not a copy.
func readItem(n names, seq uint64, value []byte) (item, error) {
	r := fields{rest: value}
	letters := r.take(3)
	it := item{origin: r.uvarint()}
	it.Seq = seq
	it.At, it.Ended = fromNanos(r.varint()), fromNanos(r.varint())
	it.Attempts = int(r.uvarint())
	if letters[2]&itemNamed != 0 {
		it.written = r.uvarint()
	}
	it.Account = n.now(channels.Account(r.text()), it.written)
	it.Conversation, it.Outcome, it.Reason = r.text(), r.text(), r.text()
	if r.err != nil {
		return item{}, fmt.Errorf("item %d: %w", seq, r.err)
	}
	var kindKnown, stateKnown bool
	it.Kind, kindKnown = kindOf(letters[0])
	it.State, stateKnown = stateOf(letters[1])
	if !kindKnown || !stateKnown {
		return item{}, fmt.Errorf("item %d: kind %q and state %q are not known to this version", seq, letters[0], letters[1])
	}
	it.ticket, it.pinned = letters[2]&itemTicket != 0, letters[2]&itemPinned != 0
	it.payload = r.rest
	return it, nil
}

// fields reads a header front to back; after the first error everything is zero.
type fields struct {
	rest []byte
	err  error
}

func (f *fields) take(n int) []byte {
	if f.err != nil || n < 0 || n > len(f.rest) {
		f.err = errTorn
		return make([]byte, min(max(n, 0), 8))
	}
	out := f.rest[:n]
	f.rest = f.rest[n:]
	return out
}

func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.rest)
	if n <= 0 {
		f.err = errTorn
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

func (f *fields) varint() int64 {
	v, n := binary.Varint(f.rest)
	if n <= 0 {
		f.err = errTorn
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

func (f *fields) text() string {
	n := f.uvarint()
	if n > uint64(len(f.rest)) {
		f.err = errTorn
		return ""
	}
	return string(f.take(int(n)))
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// The three sorts of content. The header is the truth for what both hold.

func (it *item) request() (channels.Request, error) {
	f := fields{rest: it.payload}
	var r channels.Request
	if head := f.take(int(f.uvarint())); f.err != nil {
		return r, fmt.Errorf("decode %s %d: %w", it.Kind, it.Seq, f.err)
	} else if err := json.Unmarshal(head, &r); err != nil {
		return r, fmt.Errorf("decode %s %d: %w", it.Kind, it.Seq, err)
	}
	r.Seq, r.Account, r.Body = it.Seq, it.Account, f.rest
	return r, nil
}

// encodeRequest writes the request as JSON without its body, preceded by the length of that, and then the body as it came:
// most of a request is its body.
func encodeRequest(r channels.Request) []byte {
	body := r.Body
	r.Body = nil
	head := encode(r)
	out := make([]byte, 0, binary.MaxVarintLen32+len(head)+len(body))
	return append(append(binary.AppendUvarint(out, uint64(len(head))), head...), body...)
}

// content is the payload as JSON, for people.
func (it *item) content() ([]byte, error) {
	if it.Kind != Requests || len(it.payload) == 0 {
		return it.payload, nil
	}
	r, err := it.request()
	if err != nil {
		return nil, err
	}
	return encode(r), nil
}

func (it *item) arrival() (channels.Arrival, error) {
	var a channels.Arrival
	err := it.decode(&a)
	a.Seq, a.Account, a.Conversation = it.Seq, it.Account, it.Conversation
	return a, err
}

func (it *item) reply() (channels.Reply, error) {
	var r channels.Reply
	err := it.decode(&r)
	r.Seq, r.Account, r.Conversation = it.Seq, it.Account, it.Conversation
	return r, err
}

func (it *item) decode(into any) error {
	if err := json.Unmarshal(it.payload, into); err != nil {
		return fmt.Errorf("decode %s %d: %w", it.Kind, it.Seq, err)
	}
	return nil
}

// encode turns content into a payload. The three sorts hold plain values, so it cannot fail once their times are sane.
func encode(content any) []byte {
	out, err := json.Marshal(content)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", content, err))
	}
	return out
}

// sane forgets a time that JSON cannot hold: a platform said it, and it means nothing.
func sane(t time.Time) time.Time {
	if y := t.Year(); y < 0 || y > 9999 {
		return time.Time{}
	}
	return t
}
