package tests

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/channels"
	"holdfast/channels/bluebubbles/bluebubblestest"
)

const (
	home = channels.Account("bluebubbles:home")
	anna = "+15551230001"
	bob  = "+15551230002"
)

// direct is the chat with one person.
func direct(who string) string { return "iMessage;-;" + who }

// house is a gateway with one BlueBubbles account, home, and an agent that the test speaks for.
type house struct {
	*gate
	mac *bluebubblestest.Server
	bot *bot
}

const houseConfig = `gateway: {listen: "127.0.0.1:%d", drainTimeout: 3s}
channels:
  bluebubbles:
    accounts:
      home: {serverUrl: %q, password: %q, dmPolicy: open, allowFrom: ["*"]%s}
agents:
  default: {kind: http, url: %q, %s}
`

// newHouse waits until the account is connected. settings are added to the account, agent to the agent.
func newHouse(t *testing.T, o bluebubblestest.Options, settings, agent string) *house {
	t.Helper()
	o.Password = canary + "-home"
	h := &house{mac: mac(t, o), bot: newBot(t)}
	port := freePort(t)
	h.gate = open(t, fmt.Sprintf(houseConfig, port, h.mac.URL(), o.Password, settings, h.bot.URL, agent))
	h.mac.Register(h.URL + "/bluebubbles-webhook?password=" + o.Password)
	h.until(home, "is connected", func(a control.AccountStatus) bool { return a.Link == channels.Connected })
	return h
}

// sent lists the texts that went out to a chat.
func (h *house) sent(chat string) (out []string) {
	for _, one := range h.mac.Sent() {
		if one.Chat == chat {
			out = append(out, one.Text)
		}
	}
	return out
}

// hears waits until exactly these texts went out to a chat, in this order.
func (h *house) hears(chat string, texts ...string) {
	h.t.Helper()
	eventually(h.t, fmt.Sprintf("%s hears %q", chat, texts), func() (bool, string) {
		got := h.sent(chat)
		return slices.Equal(got, texts), fmt.Sprintf("%q", got)
	})
}

// settled waits until nothing is pending any more.
func (h *house) settled() {
	h.t.Helper()
	eventually(h.t, "nothing is pending", func() (bool, string) {
		for _, kind := range []journal.Kind{journal.Requests, journal.Arrivals, journal.Replies} {
			if q := h.queue(home, kind); q.Pending > 0 {
				return false, fmt.Sprintf("%s %+v", kind, q)
			}
		}
		return true, ""
	})
}

// delivered fails unless every webhook so far was answered 200.
func (h *house) delivered() {
	h.t.Helper()
	h.mac.Settle()
	for _, p := range h.mac.Posts() {
		if p.Status != 200 {
			h.t.Errorf("the webhook %s of %s was answered %d %s", p.Type, p.GUID, p.Status, p.Err)
		}
	}
}

// occupy keeps the agent busy with a turn of another conversation, until the returned function is called.
func (h *house) occupy() (free func()) {
	h.t.Helper()
	gate, begun := make(chan struct{}), make(chan struct{}, 1)
	h.bot.speak(func(q turn) said {
		if strings.HasPrefix(q.Text, "hold on") {
			begun <- struct{}{}
			<-gate
		}
		return said{Text: "re: " + q.Text}
	})
	h.mac.Receive(direct("+15559990000"), "+15559990000", "hold on")
	waitFor(h.t, "the agent is busy", begun)
	return func() { close(gate) }
}

// P12: an answer left by another account than the one that was asked.
// Several accounts share a path; the password in a webhook says whose it is.
// Reverting channels/screen/way.go: anyEqual's "found := false" makes it fail.
func TestAccountsOnOnePathAreToldApartByTheirPassword(t *testing.T) {
	t.Parallel()
	const n = 3
	var accounts strings.Builder
	var macs []*bluebubblestest.Server
	for i := range n {
		macs = append(macs, mac(t, bluebubblestest.Options{Password: fmt.Sprintf("%s-%d", canary, i)}))
		fmt.Fprintf(&accounts, "      a%d: {serverUrl: %q, password: \"%s-%d\", dmPolicy: open, allowFrom: [\"*\"]}\n", i, macs[i].URL(), canary, i)
	}
	g := open(t, "gateway: {listen: \"127.0.0.1:0\"}\nchannels:\n  bluebubbles:\n    accounts:\n"+accounts.String()+"agents:\n  default: {kind: echo}\n")
	for i, m := range macs {
		g.until(channels.Account(fmt.Sprintf("bluebubbles:a%d", i)), "is connected", func(a control.AccountStatus) bool { return a.Link == channels.Connected })
		m.Register(fmt.Sprintf("%s/bluebubbles-webhook?password=%s-%d", g.URL, canary, i))
		m.Receive(direct(anna), anna, fmt.Sprintf("to %d", i))
	}
	for i, m := range macs {
		m.Settle()
		for _, p := range m.Posts() {
			if p.Status != 200 {
				t.Errorf("a webhook of account %d was answered %d", i, p.Status)
			}
		}
		eventually(t, "an answer from the account that was asked", func() (bool, string) {
			sent := m.Sent()
			return len(sent) == 1 && sent[0].Text == fmt.Sprintf("to %d", i) && sent[0].Chat == direct(anna), fmt.Sprintf("%+v", sent)
		})
		if q := g.queue(channels.Account(fmt.Sprintf("bluebubbles:a%d", i)), journal.Arrivals); q.Outcomes["answered"] != 1 || q.Created != 1+q.Outcomes["duplicate"] {
			t.Errorf("account %d has %+v, want its own message", i, q)
		}
	}
	if a := request(g.URL+"/bluebubbles-webhook?password="+canary+"-9", "", `{"type":"new-message","data":{"guid":"x"}}`); a.code != 401 {
		t.Errorf("a password of nobody: %d, want 401", a.code)
	}
}

// An edit before the turn begins joins the message; the agent sees only what the sender meant.
// Reverting actors/lanes/group.go: concerns makes it fail.
func TestAnEditBeforeTheTurnJoinsTheMessage(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 1")
	free := h.occupy()
	guid := h.mac.Receive(direct(anna), anna, "lunch at one")
	eventually(t, "the message waits", func() (bool, string) {
		q := h.queue(home, journal.Arrivals)
		return q.Created == 2, fmt.Sprintf("%+v", q)
	})
	h.mac.Edit(guid, "lunch at two")
	eventually(t, "the edit waits", func() (bool, string) {
		q := h.queue(home, journal.Arrivals)
		return q.Pending == 3, fmt.Sprintf("%+v", q)
	})
	free()
	h.hears(direct(anna), "re: lunch at two")
	h.settled()
	h.hears(direct(anna), "re: lunch at two")
	h.delivered()
}

// An edit after the answer starts no turn, and the next turn is told of it.
// Reverting actors/lanes/context.go: line makes it fail.
func TestAnEditAfterTheTurnIsContextOfTheNext(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	guid := h.mac.Receive(direct(anna), anna, "lunch at one")
	h.hears(direct(anna), "re: lunch at one")
	h.mac.Edit(guid, "lunch at three")
	eventually(t, "the edit is in the books", func() (bool, string) {
		q := h.queue(home, journal.Arrivals)
		return q.Outcomes["context"] == 1 && q.Pending == 0, fmt.Sprintf("%+v", q)
	})
	h.mac.Receive(direct(anna), anna, "when?")
	h.hears(direct(anna), "re: lunch at one", "re: when?")
	if q, _ := h.bot.gotten("when?"); !strings.Contains(strings.Join(q.Context, "\n"), "lunch at three") {
		t.Errorf("the agent was not told of the edit: %+v", q)
	}
	h.delivered()
}

// An attachment that joins its message late comes without a second webhook, and is fetched.
// Reverting channels/bluebubbles/arrivals.go: message's "m.Incomplete = true" makes it fail.
func TestALateAttachmentNeedsNoSecondWebhook(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	guid := h.mac.ReceiveMessage(bluebubblestest.Incoming{Chat: direct(anna), Sender: anna, LateFiles: true})
	eventually(t, "the gateway asks for what the message lacks", func() (bool, string) {
		return h.mac.Requests()["GET message/:guid"] > 0, fmt.Sprint(h.mac.Requests())
	})
	photo := bytes.Repeat([]byte("late"), 500)
	h.mac.JoinFiles(guid, bluebubblestest.File{Name: "late.png", Type: "image/png", Content: photo})
	eventually(t, "the agent sees the file", func() (bool, string) {
		asked := h.bot.asked()
		return len(asked) == 1 && len(asked[0].Attachments) == 1 && bytes.Equal(asked[0].Attachments[0].Data, photo), fmt.Sprintf("%+v", asked)
	})
	h.settled()
	h.delivered()
}

// A picture goes to the agent with its content, and one of the agent's to the chat.
// Reverting actors/lanes/commit.go: "r.Attachments = answer.Attachments" makes it fail.
func TestPicturesGoBothWays(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	in, out := bytes.Repeat([]byte("in"), 3000), bytes.Repeat([]byte("out"), 3000)
	h.bot.speak(func(q turn) said {
		return said{Text: "look", Files: []saidFile{{Name: "chart.png", Type: "image/png", Data: out}}}
	})
	h.mac.ReceiveMessage(bluebubblestest.Incoming{Chat: direct(anna), Sender: anna, Text: "see this", Files: []bluebubblestest.File{
		{Name: "cat.png", Type: "image/png", Content: in},
	}})
	eventually(t, "text and picture went out", func() (bool, string) {
		sent := h.mac.Sent()
		text := slices.ContainsFunc(sent, func(s bluebubblestest.Sent) bool { return s.Text == "look" })
		file := slices.ContainsFunc(sent, func(s bluebubblestest.Sent) bool { return bytes.Equal(s.Content, out) && s.File == "chart.png" })
		return text && file, fmt.Sprintf("%d sent", len(sent))
	})
	asked := h.bot.asked()
	if len(asked) != 1 || len(asked[0].Attachments) != 1 || !bytes.Equal(asked[0].Attachments[0].Data, in) || asked[0].Text != "see this" {
		t.Errorf("the agent was asked %+v, want one turn with the picture", asked)
	}
	h.settled()
	h.delivered()
}

// A reaction is context, not a turn.
// Reverting actors/lanes/context.go: line makes it fail.
func TestAReactionIsContextAndNoTurn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	guid := h.mac.Receive(direct(anna), anna, "first")
	h.hears(direct(anna), "re: first")
	h.mac.ReceiveMessage(bluebubblestest.Incoming{Chat: direct(anna), Sender: anna, Text: "Loved “first”", Target: "p:0/" + guid, Kind: "love"})
	eventually(t, "the reaction has ended", func() (bool, string) {
		q := h.queue(home, journal.Arrivals)
		return q.Done == 2, fmt.Sprintf("%+v", q)
	})
	h.mac.Receive(direct(anna), anna, "second")
	h.hears(direct(anna), "re: first", "re: second")
	if q, _ := h.bot.gotten("second"); len(q.Context) != 1 || !strings.Contains(q.Context[0], "reacted") {
		t.Errorf("the agent's context is %q, want the reaction", q.Context)
	}
	h.delivered()
}

// In a group only a message that names the agent is answered; the others are its context.
// Reverting actors/lanes/context.go: line makes it fail.
func TestAGroupNeedsAMention(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, `, groupPolicy: open`, "parallel: 4")
	const group = "iMessage;+;chat4711"
	h.mac.AddChat(group, anna, bob)
	h.mac.Receive(group, anna, "who brings cake?")
	eventually(t, "it has ended", func() (bool, string) {
		q := h.queue(home, journal.Arrivals)
		return q.Done == 1, fmt.Sprintf("%+v", q)
	})
	h.mac.Receive(group, bob, "default, what do you say?")
	h.hears(group, "re: default, what do you say?")
	asked := h.bot.asked()
	if len(asked) != 1 || !asked[0].Group || !strings.Contains(strings.Join(asked[0].Context, "\n"), "who brings cake?") {
		t.Errorf("the agent was asked %+v, want one turn with the message before as context", asked)
	}
	h.delivered()
}
