package lanes

import (
	"fmt"
	"strings"

	"holdfast/actors/access"
	"holdfast/actors/journal"
	"holdfast/channels"
)

// What the gateway says by itself.
const (
	lateText    = "This takes longer than usual. I am still working on your message."
	expiredText = "I could not answer your message in time and have given it up. Please send it again if it still matters."
	refusedText = "I cannot answer this message. The owner finds the reason in the gateway's journal."
	newText     = "We start afresh: I have forgotten what was said here before."
	stoppedText = "Stopped."
	idleText    = "There is nothing to stop."
	unknownText = "I know the commands " + access.CommandNew + ", " + access.CommandStatus + " and " + access.CommandStop + "."
)

// obey carries a chat command out. It is in order with everything else of the conversation; only the stopping itself has
// overtaken.
func (s *step) obey(l *lane) {
	next, text := l.stored, unknownText
	name, _ := access.Command(l.group[0].Text)
	switch name {
	case access.CommandNew:
		next.past, next.context = next.past.forgotten(), nil
		text = newText
	case access.CommandStatus:
		text = s.status(l)
	case access.CommandStop:
		text = idleText
		if l.stop.seq == l.group[0].Seq && l.stop.ended {
			text = stoppedText
		}
	}
	s.finish(l, ending{
		state: journal.Done, outcome: Commanded, replies: []channels.Reply{s.notice(l, text)},
	}, next)
}

// status is the conversation in a few lines. It is told in order, so no turn of the conversation is under way.
func (s *step) status(l *lane) string {
	lines := []string{
		"account: " + string(l.account),
		"agent: " + s.agentOf(l.place),
		fmt.Sprintf("remembered: %d entries", l.stored.past.count()),
		"turn: none under way",
		fmt.Sprintf("waiting after this: %d messages", len(l.queue)),
	}
	return strings.Join(lines, "\n")
}
