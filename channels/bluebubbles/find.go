package bluebubbles

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/tidwall/gjson"

	"holdfast/channels"
)

// How long after an attempt a message may still appear: the server's own deadlines, with a margin.
const (
	textSettles       = 4 * time.Minute
	attachmentSettles = 21 * time.Minute
	// findMargin is how far before the attempt rows are looked at, for clocks that differ.
	findMargin = time.Minute
)

// Find looks for a reply among our own messages on the server. It is not sent only if the server shows nothing of it
// and has passed its own deadline; before that the error says until when the outcome is open.
func (c *channel) Find(ctx context.Context, r channels.Reply, claimed func(id string) bool) (channels.Receipt, bool, error) {
	began := r.FirstTry
	if began.IsZero() {
		began = r.At
	}
	q := newQuery(ownOnly())
	q.After = c.api.millis(began.Add(-findMargin))
	q.ChatGUID = r.Conversation
	receipt, found, err := c.findIn(ctx, q, r, claimed)
	if err == nil && !found { // the server may have filed it under another service of the same peer
		q.ChatGUID = ""
		receipt, found, err = c.findIn(ctx, q, r, claimed)
	}
	if err != nil || found {
		return receipt, found, err
	}
	settles := textSettles
	if len(r.Attachments) > 0 {
		settles = attachmentSettles
	}
	if open := began.Add(settles); c.now().Before(open) {
		return channels.Receipt{}, false, fmt.Errorf("find the reply: the server shows nothing of it yet; the outcome is open until %s", open.UTC().Format(time.RFC3339))
	}
	return channels.Receipt{}, false, nil
}

// findIn goes through the pages of a query and matches every piece of the reply with one message.
func (c *channel) findIn(ctx context.Context, q query, r channels.Reply, claimed func(string) bool) (channels.Receipt, bool, error) {
	m := newMatches(r)
	for {
		p, err := c.api.query(ctx, q)
		if err != nil {
			return channels.Receipt{}, false, fmt.Errorf("find the reply: %w", err)
		}
		for _, one := range p.rows {
			if o := newOwn(one); o.in(r.Conversation) && !claimed(o.GUID) {
				m.offer(o)
			}
		}
		if len(p.rows) < q.Limit {
			return m.result()
		}
		q.Offset += len(p.rows)
	}
}

// own is one of our messages on the server.
type own struct {
	sentMessage
	text  string
	files []string // names
	chats []string // guids
}

func newOwn(r row) own {
	m := gjson.ParseBytes(r.body)
	o := own{sentMessage: sentMessage{GUID: r.guid, Error: int(m.Get("error").Int()), Created: r.date}, text: text(m)}
	for _, file := range m.Get("attachments.#.transferName").Array() {
		o.files = append(o.files, file.String())
	}
	for _, chat := range m.Get("chats.#.guid").Array() {
		o.chats = append(o.chats, chat.String())
	}
	return o
}

// in tells whether the message is in the conversation, whatever service the guid names.
func (o own) in(conversation string) bool {
	for _, chat := range o.chats {
		if chat == conversation || peer(chat) != "" && peer(chat) == peer(conversation) {
			return true
		}
	}
	return false
}

// peer is what a chat guid says without the service: whether it is a group, and whom it is with.
func peer(chat string) string {
	_, rest, _ := strings.Cut(chat, ";")
	return rest
}

// matches are the pieces of a reply and what was found of them.
type matches struct {
	text   string // wanted; empty if there is none or it was found exactly
	loose  *own   // equal but for characters other than letters and digits
	files  []string
	found  []own
	pieces int
	used   map[string]bool
}

func newMatches(r channels.Reply) *matches {
	m := &matches{text: plain(r.Text), used: map[string]bool{}}
	if m.text != "" {
		m.pieces++
	}
	for _, file := range r.Attachments {
		m.files = append(m.files, stem(fileName(file)))
		m.pieces++
	}
	return m
}

// offer takes a message for a piece of the reply, if it fits. An exact text wins over one that only reads alike.
func (m *matches) offer(o own) {
	if m.used[o.GUID] {
		return
	}
	for _, name := range o.files {
		for i, wanted := range m.files {
			if wanted == stem(name) {
				m.files = append(m.files[:i], m.files[i+1:]...)
				m.use(o)
				return
			}
		}
	}
	switch {
	case m.text == "" || len(o.files) > 0:
	case plain(o.text) == m.text:
		m.text, m.loose = "", nil
		m.use(o)
	case m.loose == nil && letters(m.text) != "" && letters(o.text) == letters(m.text):
		m.loose = &o
	}
}

func (m *matches) use(o own) {
	m.used[o.GUID] = true
	m.found = append(m.found, o)
}

// result is the receipt if all is there. Some of it is neither sent nor not sent: a person has to look.
func (m *matches) result() (channels.Receipt, bool, error) {
	if m.loose != nil {
		m.use(*m.loose)
		m.text, m.loose = "", nil
	}
	for _, o := range m.found {
		if o.Error != 0 {
			return channels.Receipt{}, false, failedByApple(o.sentMessage, nil)
		}
	}
	switch len(m.found) {
	case 0:
		return channels.Receipt{}, false, nil
	case m.pieces:
		first := m.found[0]
		return channels.Receipt{ID: first.GUID, At: time.UnixMilli(first.Created).UTC()}, true, nil
	}
	return channels.Receipt{}, false, fmt.Errorf("find the reply: %d of its %d parts went out; look at the conversation on the Mac", len(m.found), m.pieces)
}

// plain is a text as it survives Messages.
func plain(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(s, placeholder, ""))
}

// letters leaves what typographic replacements do not touch.
func letters(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return c
		}
		return -1
	}, s)
}

// stem is a file name without extension: the server may convert the file.
func stem(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, path.Ext(name)))
}
