package tests

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/channels/bluebubbles/bluebubblestest"
)

// A stranger gets a code, the operator approves it on the command line, and then the stranger is answered.
// Reverting actors/access/policy.go: "approved" of judgeDirect makes it fail.
func TestAStrangerIsPairedOnTheCommandLine(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	h.edit(`dmPolicy: open, allowFrom: ["*"]`, `dmPolicy: pairing`)
	h.reload()
	h.until(home, "is connected again", func(a control.AccountStatus) bool { return a.Link == channels.Connected })
	h.mac.Receive(direct(anna), anna, "hello?")
	list := ""
	eventually(t, "the stranger waits for approval and was told a code", func() (bool, string) {
		list, _, _ = h.run("pairing", "list")
		return strings.Contains(list, anna) && len(h.sent(direct(anna))) == 1, list
	})
	code := ""
	for _, word := range regexp.MustCompile(`[A-Z0-9]{6,}`).FindAllString(h.sent(direct(anna))[0], -1) {
		if strings.Contains(list, word) {
			code = word
		}
	}
	if len(h.bot.asked()) != 0 || code == "" {
		t.Fatalf("the agent was asked %+v; told %q, listed %q", h.bot.asked(), h.sent(direct(anna)), list)
	}
	if out, errs, exit := h.run("pairing", "approve", string(home), code); exit != 0 {
		t.Fatalf("approve: %d %s %s", exit, out, errs)
	}
	h.mac.Receive(direct(anna), anna, "and now?")
	eventually(t, "an answer", func() (bool, string) {
		got := h.sent(direct(anna))
		return slices.Contains(got, "re: and now?"), fmt.Sprintf("%q", got)
	})
	h.delivered()
}

// What was taken back before its turn is not answered.
// Reverting actors/lanes/group.go: concerns makes it fail.
func TestWhatWasTakenBackIsNotAnswered(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 1")
	free := h.occupy()
	guid := h.mac.Receive(direct(anna), anna, "forget this")
	eventually(t, "the message waits", func() (bool, string) {
		q := h.queue(home, journal.Arrivals)
		return q.Created == 2, fmt.Sprintf("%+v", q)
	})
	h.mac.Unsend(guid)
	eventually(t, "the retraction is taken", func() (bool, string) {
		q := h.queue(home, journal.Requests)
		return q.Created == 3 && q.Pending == 0, fmt.Sprintf("%+v", q)
	})
	free()
	h.hears(direct("+15559990000"), "re: hold on")
	h.settled()
	h.hears(direct(anna))
	if q, asked := h.bot.gotten("forget"); asked {
		t.Errorf("the agent was asked %+v", q)
	}
	h.delivered()
}

// An hour later the server announces an old message as new: nothing happens.
// Reverting actors/journal/ops.go: addArrival's "g.claim" makes it fail.
func TestAnOldMessageThatIsAnnouncedAnewHasNoEffect(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	guid := h.mac.Receive(direct(anna), anna, "once")
	h.hears(direct(anna), "re: once")
	h.mac.HourPasses()
	h.mac.Announce(guid)
	h.mac.Settle()
	h.mac.Receive(direct(anna), anna, "twice")
	h.hears(direct(anna), "re: once", "re: twice")
	h.settled()
	h.hears(direct(anna), "re: once", "re: twice")
	if n := h.queue(home, journal.Arrivals).Outcomes["duplicate"]; n != 1 {
		t.Errorf("%d duplicates, want the one", n)
	}
	h.delivered()
}

// A send went out but its answer was lost: it is looked up and not sent twice.
// Reverting actors/outbox/sending.go: sent's last "later(…, true)" makes it fail.
func TestASendWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	for name, fault := range map[string]bluebubblestest.Fault{"the connection is cut": bluebubblestest.SentCut, "the server cannot match it": bluebubblestest.SentUnmatched} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
			h.mac.Inject(fault.On("message/text"))
			h.mac.Receive(direct(anna), anna, "one")
			h.mac.Settle()
			h.mac.Receive(direct(anna), anna, "two")
			h.hears(direct(anna), "re: one", "re: two")
			h.settled()
			h.hears(direct(anna), "re: one", "re: two")
			if q := h.queue(home, journal.Replies); q.Done != 2 || q.Dead != 0 {
				t.Errorf("replies %+v, want both done", q)
			}
			h.delivered()
		})
	}
}

// A send that certainly did not go out is made again, once.
// Reverting channels/bluebubbles/outcome.go: "case bad.status < 500" makes it fail.
func TestASendThatDidNotGoOutIsMadeAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	h.mac.Inject(bluebubblestest.Fault{Path: "message/text", Times: 2, Skip: true, Status: 429, Plain: "slow down", Header: map[string]string{"Retry-After": "1"}})
	h.mac.Receive(direct(anna), anna, "one")
	h.hears(direct(anna), "re: one")
	h.settled()
	h.hears(direct(anna), "re: one")
	h.delivered()
}

// What came while the server was down is announced by nobody; it is fetched, exactly once.
// Reverting channels/bluebubbles/run.go: round's "!w.due" makes it fail.
func TestMissedMessagesAreFetchedOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	h.mac.Receive(direct(anna), anna, "before")
	h.hears(direct(anna), "re: before")
	h.mac.Stop()
	h.mac.Receive(direct(anna), anna, "missed 1")
	h.mac.Receive(direct(bob), bob, "missed 2")
	h.call("channels.restart", map[string]string{"target": string(home)}, nil)
	h.until(home, "is red while the server is away", func(a control.AccountStatus) bool { return a.Health == "red" && a.Link == channels.Waiting })
	if err := h.mac.Start(); err != nil {
		t.Fatal(err)
	}
	h.hears(direct(anna), "re: before", "re: missed 1")
	h.hears(direct(bob), "re: missed 2")
	h.call("channels.restart", map[string]string{"target": string(home)}, nil)
	h.until(home, "is green again", green)
	h.settled()
	h.hears(direct(anna), "re: before", "re: missed 1")
	h.hears(direct(bob), "re: missed 2")
}

// A refused password waits for the operator, says what to do, and the webhook is still answered 200.
// Reverting channels/bluebubbles/run.go: loop's "case !transient(err)" makes it fail.
func TestARefusedPasswordIsSaidAndNothingIsLost(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	h.mac.SetPassword(canary + "-new")
	h.call("channels.restart", map[string]string{"target": string(home)}, nil)
	a := h.until(home, "is refused", func(a control.AccountStatus) bool { return a.Phase == supervisor.Refused })
	if a.Health != "red" || !strings.Contains(a.Cause, "password") {
		t.Errorf("the status does not say what to do: %+v", a)
	}
	h.mac.Receive(direct(anna), anna, "still there?")
	h.delivered()
	h.edit(canary+"-home", canary+"-new")
	h.edit("password: ", "password: ["+fmt.Sprintf("%q, ", canary+"-new"))
	h.edit(fmt.Sprintf("%q, dmPolicy", canary+"-new"), fmt.Sprintf("%q], dmPolicy", canary+"-home"))
	h.reload()
	h.hears(direct(anna), "re: still there?")
	h.until(home, "is green again", green)
	h.settled()
}

// While the agent is down messages wait; when it is back they are answered, in order.
// Reverting actors/lanes/turn.go: "case t.Refused" makes it fail.
func TestAnAgentThatIsDownDelaysAndKeepsTheOrder(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	h.bot.speak(func(turn) said { return said{Code: 503} })
	var want []string
	for i := range 5 {
		h.mac.Receive(direct(anna), anna, fmt.Sprint("message ", i))
		h.mac.Settle()
		want = append(want, fmt.Sprint("re: message ", i))
	}
	eventually(t, "the agent was tried", func() (bool, string) { return len(h.bot.asked()) > 0, "" })
	if q := h.queue(home, journal.Arrivals); q.Pending == 0 {
		t.Errorf("nothing waits: %+v", q)
	}
	h.bot.speak(func(q turn) said { return said{Text: "re: " + q.Text} })
	h.hears(direct(anna), want...)
	h.settled()
	h.delivered()
}

// An agent that refuses makes the message a dead letter, and the sender hears that.
// Reverting actors/lanes/turn.go: "case t.Refused" makes it fail.
func TestAnAgentThatRefusesMakesADeadLetterAndANotice(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	h.bot.speak(func(turn) said { return said{Code: 400} })
	h.mac.Receive(direct(anna), anna, "too much")
	eventually(t, "a notice", func() (bool, string) {
		got := h.sent(direct(anna))
		return len(got) == 1 && strings.Contains(got[0], "cannot answer"), fmt.Sprintf("%q", got)
	})
	out, errs, code := h.run("journal", "ls", "--state", "dead", "--kind", "arrival")
	if code != 0 || !strings.Contains(out, direct(anna)) || !strings.Contains(out, "400") {
		t.Errorf("the dead letter is not shown with its reason: %d\n%s%s", code, out, errs)
	}
	h.settled()
	h.delivered()
}

// Under load each conversation is answered in order, and one slow turn holds up nobody else.
// Reverting actors/reload/stages.go: "Parallel: shared.Parallel" makes it fail.
func TestConversationsKeepTheirOrderAndDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	const people, each = 6, 8
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	free := h.occupy()
	want := map[string][]string{}
	for i := range each {
		for p := range people {
			who := fmt.Sprintf("+1555200%04d", p)
			h.mac.Receive(direct(who), who, fmt.Sprintf("%d of %d", i, p))
			want[direct(who)] = append(want[direct(who)], fmt.Sprintf("re: %d of %d", i, p))
		}
		h.mac.Settle() // the server posts at once what it has; only what it posted before is earlier
	}
	for chat, texts := range want {
		h.hears(chat, texts...)
	}
	h.hears(direct("+15559990000"))
	free()
	h.hears(direct("+15559990000"), "re: hold on")
	h.settled()
	h.delivered()
}
