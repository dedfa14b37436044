package access

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"holdfast/actors/kit"
	"holdfast/channels"
)

func TestDirectChats(t *testing.T) {
	cases := []struct {
		name    string
		policy  channels.Policy
		allow   []string
		message channels.Arrival
		want    string // outcome; empty: allowed
	}{
		{"disabled blocks even who is listed", channels.Disabled, []string{bob, "*"}, direct(bob, "hi"), Denied},
		{"open with a star lets everybody in", channels.Open, []string{"*"}, direct("eve", "hi"), ""},
		{"open without a star lets in only who is listed", channels.Open, []string{bob}, direct("eve", "hi"), Denied},
		{"a policy that nobody knows lets in nobody", "what", nil, direct("eve", "hi"), Denied},
		{"the list lets in", channels.Allowlist, []string{bob}, direct(bob, "hi"), ""},
		{"who is not in the list stays out", channels.Allowlist, []string{bob}, direct("+15550000000", "hi"), Denied},
		{"an empty list lets in nobody", channels.Allowlist, nil, direct(bob, "hi"), Denied},
		{"a sender without a name is not matched by an empty entry", channels.Allowlist, []string{"", " "}, direct("", "hi"), Denied},
		{"a number is the same with spaces, dashes and parentheses", channels.Allowlist, []string{"+1 (555) 123-4567"}, direct(bob, "hi"), ""},
		{"a plus sign is part of the number", channels.Allowlist, []string{"15551234567"}, direct(bob, "hi"), Denied},
		{"an e-mail address is the same in any case", channels.Allowlist, []string{"Bob@Example.COM"}, direct("bob@example.com", "hi"), ""},
		{"any other name lets in as it stands", channels.Allowlist, []string{"u42"}, direct("u42", "hi"), ""},
		{"other names are compared as they stand", channels.Allowlist, []string{"u42"}, direct("U42", "hi"), Denied},
		{"the name of the channel in front does not count", channels.Allowlist, []string{"BlueBubbles:+15551234567"}, direct(bob, "hi"), ""},
		{"the name of another channel in front does", channels.Allowlist, []string{"telegram:+15551234567"}, direct(bob, "hi"), Denied},
		{"an entry that names no conversation lets in nobody", channels.Allowlist, []string{"chat_guid:", "chat_id: "}, channels.Arrival{Account: home, Kind: channels.Message}, Denied},
		{"an entry can name the conversation", channels.Allowlist, []string{"chat_guid:iMessage;-;" + bob}, direct(bob, "hi"), ""},
		{"an entry can name the conversation's identifier", channels.Allowlist, []string{"chat_identifier:" + bob}, direct(bob, "hi"), ""},
		{"a conversation entry of another conversation does not count", channels.Allowlist, []string{"chat_guid:iMessage;-;x"}, direct(bob, "hi"), Denied},
		{"a listed sender needs no code", channels.Pairing, []string{bob}, direct(bob, "hi"), ""},
		{"a stranger gets a code", channels.Pairing, nil, direct(bob, "hi"), Paired},
		{"a stranger without a name gets none", channels.Pairing, nil, direct("", "hi"), Denied},
		{"a stranger whose name is too long gets none", channels.Pairing, nil, direct(strings.Repeat("x", 300), "hi"), Denied},
		{"a reaction of a stranger gets none", channels.Pairing, nil, channels.Arrival{Account: home, Kind: channels.Reaction, Sender: channels.Sender{ID: bob}}, Denied},
		{"the operator is always heard", channels.Disabled, nil, channels.Arrival{Account: home, Kind: channels.Command, Text: "/new"}, ""},
		{"a stranger's command gets a code like everything else", channels.Pairing, nil, direct(bob, "/new"), Paired},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.configure(policies(func(common *channels.Common) { common.DMPolicy, common.AllowFrom = c.policy, c.allow }))
			if got := w.decide(c.message); got.Outcome != c.want || got.Allow != (c.want == "") || got.Err != nil {
				t.Errorf("got %+v, want outcome %q", got, c.want)
			}
		})
	}
}

func TestGroups(t *testing.T) {
	free := false
	unmentioned := map[string]channels.Group{"*": {RequireMention: &free}}
	cases := []struct {
		name    string
		policy  channels.Policy
		direct  []string
		group   []string
		groups  map[string]channels.Group
		message channels.Arrival
		want    string
	}{
		{"disabled blocks", channels.Disabled, nil, []string{"*"}, unmentioned, group(bob, "hi"), Denied},
		{"open lets everybody in", channels.Open, nil, nil, unmentioned, group(bob, "hi"), ""},
		{"an empty list blocks, whatever the direct list says", channels.Allowlist, []string{"*"}, nil, unmentioned, group(bob, "hi"), Denied},
		{"the group list lets in", channels.Allowlist, nil, []string{bob}, unmentioned, group(bob, "hi"), ""},
		{"the group list keeps out", channels.Allowlist, []string{"eve"}, []string{bob}, unmentioned, group("eve", "hi"), Denied},
		{"the group list can name the group", channels.Allowlist, nil, []string{"chat_identifier:chat7"}, unmentioned, group("eve", "hi"), ""},
		{"pairing is no policy of groups", channels.Pairing, nil, []string{"*"}, unmentioned, group(bob, "hi"), Denied},
		{"a message that does not name the agent is kept out", channels.Open, nil, nil, nil, group(bob, "hi all"), Unmentioned},
		{"a message that names the agent comes in, in any case", channels.Open, nil, nil, nil, group(bob, "hi FIDO"), ""},
		{"naming the agent does not help who is not listed", channels.Allowlist, nil, []string{"eve"}, nil, group(bob, "fido"), Denied},
		{"a reaction need not name the agent", channels.Open, nil, nil, nil, channels.Arrival{Account: home, Group: true, Kind: channels.Reaction}, ""},
		{"a listed sender's command need not name the agent", channels.Allowlist, nil, []string{bob}, nil, group(bob, " /New "), ""},
		{"in an open group a stranger gives no orders", channels.Open, nil, nil, unmentioned, group("eve", "/stop"), Denied},
		{"in an open group who may write directly gives orders", channels.Open, []string{bob}, nil, nil, group(bob, "/stop"), ""},
		{"a text with more than a command is no command", channels.Open, nil, nil, nil, group("eve", "/stop it"), Unmentioned},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.configure(policies(func(common *channels.Common) {
				common.GroupPolicy, common.AllowFrom, common.GroupAllowFrom, common.Groups = c.policy, c.direct, c.group, c.groups
			}))
			if got := w.decide(c.message, "(broken", `\bfido\b`); got.Outcome != c.want || got.Allow != (c.want == "") {
				t.Errorf("got %+v, want outcome %q", got, c.want)
			}
		})
	}
}

func TestAnAnswerToOneOfOurMessagesIsAMention(t *testing.T) {
	w := newWorld(t)
	w.configure(policies(func(c *channels.Common) { c.GroupPolicy = channels.Open }))
	w.ours["ours-1"] = 7
	m := group(bob, "what do you mean?")
	m.ReplyTo = "ours-1"
	if got := w.decide(m); !got.Allow {
		t.Errorf("got %+v", got)
	}
	m.ReplyTo = "theirs"
	if got := w.decide(m); got.Outcome != Unmentioned {
		t.Errorf("got %+v", got)
	}
	w.broken = kit.ErrLate
	if got := w.decide(m); !errors.Is(got.Err, kit.ErrLate) || got.Allow {
		t.Errorf("a journal that does not answer decides nothing; got %+v", got)
	}
}

func TestADenialNamesTheSettingThatDenies(t *testing.T) {
	cases := []struct {
		name   string
		policy channels.Policy
		group  []string
		want   string
	}{
		{"groups that are switched off", channels.Disabled, []string{"*"}, "groupPolicy is disabled"},
		{"a policy that groups do not have", channels.Pairing, []string{"*"}, `groupPolicy "pairing" is none that is known`},
		{"a list with nobody in it", channels.Allowlist, nil, "groupAllowFrom is empty"},
		{"a list without the sender", channels.Allowlist, []string{"eve"}, "the sender is not in groupAllowFrom"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.configure(policies(func(common *channels.Common) { common.GroupPolicy, common.GroupAllowFrom = c.policy, c.group }))
			if got := w.decide(group(bob, "hi")); !strings.Contains(got.Reason, c.want) {
				t.Errorf("got %q, want %q", got.Reason, c.want)
			}
		})
	}
}

func TestLaw9_PatternsAreCompiledOnceAndKeptInPart(t *testing.T) {
	w := newWorld(t)
	w.configure(policies(func(c *channels.Common) { c.GroupPolicy = channels.Open }))
	for range 2 {
		w.decide(group(bob, "hi"), "(one", "(two")
	}
	if w.notes != 2 {
		t.Errorf("%d lines of log for two patterns that are none, asked for twice", w.notes)
	}
	for i := range 2 * maxPatterns {
		w.decide(group(bob, "hi"), fmt.Sprint("fido", i))
		if n := w.state.patterns.Len(); n > maxPatterns {
			t.Fatalf("%d patterns are kept, want at most %d", n, maxPatterns)
		}
	}
}
