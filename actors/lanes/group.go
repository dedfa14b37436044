package lanes

import (
	"slices"
	"strings"

	"holdfast/actors/journal"
	"holdfast/channels"
)

// collect ends the window: what the same sender sent in it, with nothing of others between, is one message.
func (s *step) collect(l *lane) {
	first := l.group[0]
	until := first.At.Add(s.coalesce(l))
	for len(l.queue) > 0 && mergeable(first, l.queue[0]) && s.coalesce(l) > 0 && !l.queue[0].At.After(until) {
		l.group, l.queue = append(slices.Clip(l.group), l.queue[0]), l.queue[1:]
	}
	s.load(l)
}

// mergeable tells whether b goes on with what a began. Whoever has a ticket gets an answer of its own, and a command is
// no part of a message.
func mergeable(a, b channels.Arrival) bool {
	return b.Kind == channels.Message && !a.Ticket && !b.Ticket && a.Sender.ID == b.Sender.ID && !isCommand(b)
}

// concerns tells whether an arrival changes or takes back a message of the group.
func (l *lane) concerns(a channels.Arrival) bool {
	if l.purpose != forTurn || a.Kind != channels.Amendment && a.Kind != channels.Retraction {
		return false
	}
	return slices.ContainsFunc(l.group, func(m channels.Arrival) bool {
		return m.Kind == channels.Message && m.ID == a.Target && (a.Sender.ID == "" || a.Sender.ID == m.Sender.ID)
	})
}

// absorb moves what concerns the group into it, in order, and returns the numbers of what was taken back, with what took
// it back.
func (l *lane) absorb() []uint64 {
	var back []uint64
	var rest []channels.Arrival
	for _, a := range l.queue {
		switch {
		case !l.concerns(a):
			rest = append(rest, a)
		case a.Kind == channels.Amendment:
			l.group = append(slices.Clip(l.group), a)
		default:
			back = append(back, a.Seq)
			var kept []channels.Arrival
			for _, m := range l.group {
				if m.ID == a.Target || m.Target == a.Target {
					back = append(back, m.Seq)
				} else {
					kept = append(kept, m)
				}
			}
			l.group = kept
		}
	}
	l.queue = rest
	return back
}

// withdraw absorbs, and tells whether that changed what the group answers: then what was taken back is ended first.
func (s *step) withdraw(l *lane) bool {
	back := l.absorb()
	if len(back) == 0 {
		return false
	}
	c := commit{ends: back, then: thenJudge, stored: l.stored, loaded: l.loaded}
	for _, seq := range back {
		c.ops = append(c.ops, journal.End{Kind: journal.Arrivals, Seq: seq, State: journal.Done, Outcome: Retracted})
	}
	if len(l.group) == 0 {
		c.then = thenNext
	}
	l.commit = &c
	s.write(l)
	return true
}

// merged is the group as one arrival: texts joined, edits in place of what they edit, attachments together.
func (l *lane) merged() channels.Arrival {
	out := l.group[0]
	if l.purpose != forTurn {
		return out
	}
	var texts []string
	out.Attachments = nil
	for _, m := range l.group {
		if m.Kind != channels.Message {
			continue
		}
		text, files := m.Text, slices.Clone(m.Attachments)
		for _, a := range l.group {
			if a.Target == m.ID {
				text, files = amend(text, a), more(files, a.Attachments)
			}
		}
		if text != "" {
			texts = append(texts, text)
		}
		out.Attachments = more(out.Attachments, files)
		if out.ReplyTo == "" {
			out.ReplyTo = m.ReplyTo
		}
	}
	out.Text = strings.Join(texts, "\n")
	return out
}

// amend applies an amendment to a text. One of the message itself is an edit; one that came as a message of its own, such
// as the preview of a link, is added if it says something new.
func amend(text string, a channels.Arrival) string {
	switch {
	case a.Text == "" || a.ID != a.Target && strings.Contains(text, a.Text):
		return text
	case a.ID == a.Target || text == "":
		return a.Text
	}
	return text + "\n" + a.Text
}

// more adds attachments that are not there yet.
func more(files, add []channels.Attachment) []channels.Attachment {
	for _, f := range add {
		known := f.ID != "" && slices.ContainsFunc(files, func(g channels.Attachment) bool { return g.ID == f.ID })
		if !known {
			files = append(slices.Clip(files), f)
		}
	}
	return files
}
