package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"holdfast/channels"
)

// The key space, format version 2. Numbers are big-endian, so that keys sort as the numbers do; an account is its text and
// a zero byte; a conversation is its length (uvarint) and its text; kind is one letter.
//
//	V                                    → format version, decimal text
//	N                                    → the last number given
//	n kind account                       → counters of one queue, JSON
//	i seq                                → item: header and payload (item.go), from its creation until it is forgotten
//	q kind account seq                   → time of acceptance, conversation; only while pending: the queue
//	k kind account conversation seq      → empty; only while pending and in a conversation: its lane
//	t origin seq                         → empty; items that a request with a ticket led to
//	c kind account claim                 → time until which the claim holds
//	u account                            → cursor
//	s account conversation name          → value of a conversation's state
//	r account platform-id                → reply's number, conversation: receipts, by the platform's id
//	o account conversation platform-id   → reply's number: receipts, by conversation
//	m number                             → a rename: old account, zero byte, new account (names.go)
//	h seq blob                           → how long to keep the pin after the item has ended
//	a blob seq                           → empty; the pins of one blob
//	x time what key                      → empty; what is to be forgotten at that time, oldest first
//
// Only q is counted to verify the books; only i holds content.
//
// Version 1 has the same keys, and lanes kept a conversation's state in other values, which they still read (package lanes). A
// gateway of that version would find neither the history nor the mark of a turn that may have begun, and begin it once more as
// if it were new: so it must not open what a later one has written, and says so.
const (
	spaceFormat   = 'V'
	spaceLast     = 'N'
	spaceBooks    = 'n'
	spaceItem     = 'i'
	spaceQueue    = 'q'
	spaceLane     = 'k'
	spaceTicket   = 't'
	spaceClaim    = 'c'
	spaceCursor   = 'u'
	spaceState    = 's'
	spaceReceipt  = 'r'
	spaceOurs     = 'o'
	spaceName     = 'm'
	spacePin      = 'h'
	spaceBlob     = 'a'
	spaceExpiry   = 'x'
	formatVersion = "2"
	formatOlder   = "1" // is read, and becomes the present one when a gateway opens it
)

// letters of the kinds, in keys and in headers.
const (
	letterRequest = 'r'
	letterArrival = 'a'
	letterReply   = 'p'
)

func (k Kind) letter() byte {
	switch k {
	case Requests:
		return letterRequest
	case Arrivals:
		return letterArrival
	default:
		return letterReply
	}
}

func kindOf(letter byte) (Kind, bool) {
	switch letter {
	case letterRequest:
		return Requests, true
	case letterArrival:
		return Arrivals, true
	case letterReply:
		return Replies, true
	}
	return "", false
}

func appendSeq(dst []byte, seq uint64) []byte { return binary.BigEndian.AppendUint64(dst, seq) }

func appendAccount(dst []byte, a channels.Account) []byte { return append(append(dst, a...), 0) }

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func booksKey(q Queue) []byte {
	return appendAccount([]byte{spaceBooks, q.Kind.letter()}, q.Account)
}

func itemKey(seq uint64) []byte { return appendSeq([]byte{spaceItem}, seq) }

func queuePrefix(q Queue) []byte {
	return appendAccount([]byte{spaceQueue, q.Kind.letter()}, q.Account)
}

func queueKey(q Queue, seq uint64) []byte { return appendSeq(queuePrefix(q), seq) }

func lanePrefix(q Queue, conversation string) []byte {
	return appendText(appendAccount([]byte{spaceLane, q.Kind.letter()}, q.Account), conversation)
}

func laneKey(q Queue, conversation string, seq uint64) []byte {
	return appendSeq(lanePrefix(q, conversation), seq)
}

func ticketPrefix(origin uint64) []byte { return appendSeq([]byte{spaceTicket}, origin) }

func ticketKey(origin, seq uint64) []byte { return appendSeq(ticketPrefix(origin), seq) }

func claimKey(k Kind, a channels.Account, claim string) []byte {
	return append(appendAccount([]byte{spaceClaim, k.letter()}, a), claim...)
}

func cursorKey(a channels.Account) []byte { return appendAccount([]byte{spaceCursor}, a) }

func statePrefix(a channels.Account, conversation string) []byte {
	return appendText(appendAccount([]byte{spaceState}, a), conversation)
}

func receiptKey(a channels.Account, id string) []byte {
	return append(appendAccount([]byte{spaceReceipt}, a), id...)
}

func oursPrefix(a channels.Account, conversation string) []byte {
	return appendText(appendAccount([]byte{spaceOurs}, a), conversation)
}

func pinPrefix(seq uint64) []byte { return appendSeq([]byte{spacePin}, seq) }

func pinKey(seq uint64, blob string) []byte { return append(pinPrefix(seq), blob...) }

func blobPrefix(blob string) []byte { return append(append([]byte{spaceBlob}, blob...), 0) }

func blobKey(blob string, seq uint64) []byte { return appendSeq(blobPrefix(blob), seq) }

// expiryKey says that the thing under key is to be forgotten at the given time. The letter of the thing's own space tells
// what it is; that is its key's first byte.
func expiryKey(at int64, key []byte) []byte {
	return append(appendSeq([]byte{spaceExpiry}, uint64(max(at, 0))), key...)
}

// seqAt reads the number at the end of a key.
func seqAt(key []byte) (uint64, error) {
	if len(key) < 8 {
		return 0, fmt.Errorf("key %q: too short to end in a number", key)
	}
	return binary.BigEndian.Uint64(key[len(key)-8:]), nil
}

// after is the first key that does not begin with prefix. No prefix here ends in 0xff bytes only: each begins with a letter.
func after(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// queueOf reads a counter's or queue entry's key back.
func queueOf(key []byte) (Queue, error) {
	if len(key) < 3 {
		return Queue{}, fmt.Errorf("key %q: too short for a queue", key)
	}
	kind, known := kindOf(key[1])
	account, _, found := bytes.Cut(key[2:], []byte{0})
	if !known || !found {
		return Queue{}, fmt.Errorf("key %q: names no queue", key)
	}
	return Queue{Kind: kind, Account: channels.Account(account)}, nil
}
