package access

import (
	"fmt"
	"slices"
	"strings"

	"holdfast/channels"
)

// Chat commands: a message that says one of them and nothing else.
const (
	CommandNew    = "/new"
	CommandStatus = "/status"
	CommandStop   = "/stop"
)

// Command tells which command a text is, if it is one.
func Command(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	return text, slices.Contains([]string{CommandNew, CommandStatus, CommandStop}, text)
}

// rest is what a policy leaves open.
type rest uint8

const (
	settled   rest = iota
	mention        // allowed if it is said to the agent
	challenge      // the sender may get a code
)

// judge applies the policies of the account. Only messages are gated by mention and answered with a code; what happens to
// a message (an edit, a reaction) follows its sender alone.
func (a account) judge(m channels.Arrival) (Decision, rest) {
	switch {
	case m.Kind == channels.Command:
		return Decision{Allow: true, Reason: "said by the operator"}, settled
	case m.Group:
		return a.judgeGroup(m)
	}
	return a.judgeDirect(m)
}

func (a account) judgeGroup(m channels.Arrival) (Decision, rest) {
	listed := a.group.holds(m)
	switch {
	case a.common.GroupPolicy == channels.Open:
	case a.common.GroupPolicy == channels.Disabled:
		return no("groupPolicy is disabled")
	case a.common.GroupPolicy != channels.Allowlist:
		return no("groupPolicy %q is none that is known", a.common.GroupPolicy)
	case len(a.common.GroupAllowFrom) == 0:
		return no("groupPolicy is allowlist and groupAllowFrom is empty")
	case !listed:
		return no("the sender is not in groupAllowFrom")
	}
	if m.Kind != channels.Message {
		return Decision{Allow: true}, settled
	}
	if name, command := Command(m.Text); command {
		// An open group lets everybody talk, not everybody give orders; approval by a code holds in direct chats only.
		if !listed && !a.direct.holds(m) {
			return no("the command %s is for senders in groupAllowFrom or allowFrom", name)
		}
		return Decision{Allow: true, Reason: "a command"}, settled
	}
	if a.common.MentionNeeded(m.Conversation) {
		return Decision{Outcome: Unmentioned, Reason: "the message does not name the agent"}, mention
	}
	return Decision{Allow: true}, settled
}

func (a account) judgeDirect(m channels.Arrival) (Decision, rest) {
	policy := a.common.DMPolicy
	if policy == channels.Disabled {
		return no("dmPolicy is disabled")
	}
	// Open without "*" in the list says two things at once; the narrower one holds.
	if a.direct.holds(m) {
		return Decision{Allow: true}, settled
	}
	if policy != channels.Allowlist {
		if _, approved := a.approved.Get(normal(m.Account.Channel(), m.Sender.ID)); approved {
			return Decision{Allow: true, Reason: "approved by a pairing code"}, settled
		}
	}
	if policy != channels.Pairing {
		return no("the sender is not in allowFrom (dmPolicy %s)", policy)
	}
	if m.Kind != channels.Message || m.Sender.ID == "" || len(m.Sender.ID) > maxSender {
		return no("the sender is not known")
	}
	return Decision{Outcome: Paired}, challenge
}

func no(format string, args ...any) (Decision, rest) {
	return Decision{Outcome: Denied, Reason: fmt.Sprintf(format, args...)}, settled
}
