package bluebubbles

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"holdfast/channels"
)

// maxAge is how old a message may be to have an effect: a day less than its claims live.
const maxAge = repeatWindow - 24*time.Hour

// maxName bounds what becomes a name in the journal, in bytes.
const maxName = 512

// Versions of amendments; see the package comment.
const (
	versionAttachment = "attachment:"
	versionEdit       = "edit:"
)

// arrivals is all that a record says, the message before its amendments. now is when the record was accepted.
func (r record) arrivals(now time.Time) ([]channels.Arrival, error) {
	switch {
	case r.guid == "":
		return nil, errors.New("it has no guid")
	case r.longestName() > maxName:
		return nil, fmt.Errorf("one of its names is longer than %d bytes", maxName)
	case !r.created.IsZero() && !now.IsZero() && now.Sub(r.created) > maxAge:
		return nil, nil
	case r.sender.ID == "" && r.chat != "":
		return nil, fmt.Errorf("message %s has no sender", r.guid)
	}
	if reaction, ok := r.reaction(); ok {
		return []channels.Arrival{reaction}, nil
	}
	switch {
	case r.isPreview():
		preview := r.base(channels.Amendment)
		preview.Target, preview.Text = r.associated, r.text
		return []channels.Arrival{preview}, nil
	case r.isRetracted():
		back := r.base(channels.Retraction)
		back.Target = r.guid
		back.Covers = []string{r.base(channels.Message).Claim()}
		return []channels.Arrival{back}, nil
	}
	return r.message(), nil
}

// base has what every arrival of the record has in common.
func (r record) base(kind channels.ArrivalKind) channels.Arrival {
	return channels.Arrival{
		ID: r.guid, Kind: kind, Sent: r.created,
		Conversation: r.chat, Group: r.group, Sender: r.sender,
		Incomplete: r.chat == "", // a sender is known then, or there is an error
	}
}

// message is the message itself and, as amendments, what may have been added since it was first heard of.
func (r record) message() []channels.Arrival {
	m := r.base(channels.Message)
	m.ReplyTo, m.Text, m.Attachments = r.replyTo, r.text, r.attachments
	if r.empty() {
		if name := r.app(); name != "" {
			m.Text = "[message of the app " + name + "]"
		} else {
			m.Incomplete = true // the text or the attachment is not in the database yet
		}
	}
	amendments := r.amendments()
	for _, a := range amendments {
		m.Covers = append(m.Covers, a.Claim())
	}
	return append([]channels.Arrival{m}, amendments...)
}

func (r record) amendments() []channels.Arrival {
	var out []channels.Arrival
	for _, file := range r.attachments {
		a := r.base(channels.Amendment)
		a.Target, a.Version, a.Attachments = r.guid, versionAttachment+file.ID, []channels.Attachment{file}
		out = append(out, a)
	}
	if !r.edited.IsZero() && r.text != "" {
		a := r.base(channels.Amendment)
		a.Target, a.Version, a.Text, a.Sent = r.guid, r.editVersion(), r.text, r.edited
		out = append(out, a)
	}
	return out
}

func (r record) editVersion() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s", r.parts, r.text))
	return fmt.Sprintf("%s%d:%s", versionEdit, r.edited.UnixMilli(), hex.EncodeToString(sum[:4]))
}

func (r record) longestName() int {
	longest := max(len(r.guid), len(r.chat), len(r.sender.ID), len(r.associated), len(r.replyTo))
	for _, file := range r.attachments {
		longest = max(longest, len(file.ID))
	}
	return longest
}

func (r record) empty() bool { return r.text == "" && len(r.attachments) == 0 }

// isPreview: the preview of a link that came as a row of its own, beside the message with the link.
func (r record) isPreview() bool {
	return r.balloon == linkBalloon && r.associated != "" && r.associated != r.guid
}

// isRetracted: all parts were taken back. The server fills no date of its own for that: it shows as an edit that left
// nothing.
func (r record) isRetracted() bool {
	return !r.retracted.IsZero() || !r.edited.IsZero() && (r.parts == 0 || r.empty())
}

// app is the short name of the app whose message has no text that the server could tell, such as a game.
func (r record) app() string {
	if r.balloon == linkBalloon {
		return ""
	}
	return r.balloon[strings.LastIndexByte(r.balloon, ':')+1:]
}
