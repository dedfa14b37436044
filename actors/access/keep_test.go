package access

import (
	"fmt"
	"strings"
	"testing"

	"github.com/benbjohnson/immutable"

	"holdfast/actors/kit"
	"holdfast/channels"
)

const office = channels.Account("bluebubbles:office")

// twins has two accounts to which the same code and the same approved sender are kept: each was given them while the other
// was not loaded.
func twins(t *testing.T) *world {
	w := newWorld(t)
	for _, id := range []channels.Account{home, office} {
		r := request{PairingRequest: PairingRequest{Account: id, Sender: "eve", Code: "SAME", Created: start, Expires: start.Add(validFor)}}
		w.kept[id] = map[string][]byte{
			pairingPrefix + "eve": encode(r), approvedPrefix + bob: encode(Approved{Account: id, Sender: bob, Since: start}),
		}
	}
	w.in(Configure{Accounts: map[channels.Account]channels.Common{home: policies(nil), office: policies(nil)}}, kit.Return{})
	return w
}

func TestWhatTwoAccountsHaveIsChangedWhereItIsNamed(t *testing.T) {
	cases := []struct {
		name           string
		nameless, home any
		requests       int // that are left to home
		approved       int
	}{
		{"a code is approved", Approve{Code: "SAME"}, Approve{Account: home, Code: "SAME"}, 0, 2},
		{"a code is denied", Deny{Code: "SAME"}, Deny{Account: home, Code: "SAME"}, 0, 1},
		{"an approval is taken back", Deny{Sender: bob}, Deny{Account: home, Sender: bob}, 1, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := twins(t)
			if got := answer[Settled](w, w.ask(c.nameless)); got.Err == nil || !strings.Contains(got.Err.Error(), "name one") {
				t.Errorf("without an account: %+v", got)
			}
			if got := answer[Settled](w, w.ask(c.home)); got.Err != nil || got.Account != home {
				t.Errorf("got %+v", got)
			}
			list := answer[PairingList](w, w.ask(ListPairing{Account: home}))
			if len(list.Requests) != c.requests || len(list.Approved) != c.approved {
				t.Errorf("home has %+v", list)
			}
			if all := answer[PairingList](w, w.ask(ListPairing{})); len(all.Requests) != c.requests+1 || len(all.Approved) != c.approved+1 {
				t.Errorf("all are %+v", all)
			}
		})
	}
}

func TestAListLeavesOutWhatIsNotLoaded(t *testing.T) {
	w := twins(t)
	w.hold = true
	common := policies(nil)
	w.in(Configure{Accounts: map[channels.Account]channels.Common{home: common}}, kit.Return{})
	w.in(Configure{Accounts: map[channels.Account]channels.Common{home: common, office: common}}, kit.Return{})
	w.perform() // the requests of office, and not yet whom it approved
	if list := answer[PairingList](w, w.ask(ListPairing{})); len(list.Requests) != 1 || list.Requests[0].Account != home {
		t.Errorf("listed %+v", list)
	}
}

func TestWhatWasSettledIsSoAfterARestart(t *testing.T) {
	w := newWorld(t)
	restart := func() {
		w.in(Configure{}, kit.Return{})
		w.configure(policies(nil))
	}
	w.configure(policies(nil))
	w.decide(direct(bob, "hi"))
	w.ask(Approve{Code: "CODE0001"})
	restart()
	if got := w.decide(direct(bob, "hi")); !got.Allow {
		t.Errorf("approved, and after a restart %+v", got)
	}
	w.ask(Deny{Sender: bob})
	restart()
	if got := w.decide(direct(bob, "hi")); got.Allow {
		t.Errorf("taken back, and after a restart %+v", got)
	}
}

func TestAChangeOfAnAccountThatIsGoneEndsWithIt(t *testing.T) {
	w := newWorld(t)
	w.configure(policies(nil))
	w.decide(direct(bob, "hi"))
	w.hold = true
	q := w.ask(Approve{Account: home, Code: "CODE0001"})
	w.in(Configure{}, kit.Return{})
	if got := answer[Settled](w, q); got.Err == nil {
		t.Errorf("got %+v", got)
	}
	w.perform() // the journal has it, and nobody asks any more
	if len(w.answers[q]) != 1 || len(w.effects) != 0 {
		t.Errorf("answers %v, then %v", w.answers[q], w.effects)
	}
}

func TestLaw9_ApprovedSendersAreBounded(t *testing.T) {
	w := newWorld(t)
	w.kept[home] = map[string][]byte{}
	for i := range maxApproved {
		sender := fmt.Sprint("sender", i)
		w.kept[home][approvedPrefix+sender] = encode(Approved{Account: home, Sender: sender, Since: start})
	}
	w.configure(policies(nil))
	w.decide(direct(bob, "hi"))
	if got := answer[Settled](w, w.ask(Approve{Account: home, Code: "CODE0001"})); got.Err == nil || !strings.Contains(got.Err.Error(), "allowFrom") {
		t.Errorf("one more than can be: %+v", got)
	}
	w.ask(Deny{Account: home, Sender: "sender0"})
	if got := answer[Settled](w, w.ask(Approve{Account: home, Code: "CODE0001"})); got.Err != nil {
		t.Errorf("one has gone: %+v", got)
	}
}

func TestARefusalSaysWhatNobodyHas(t *testing.T) {
	w := newWorld(t)
	w.configure(policies(nil))
	for msg, want := range map[any]string{
		Approve{Code: "NONE"}: "the pairing code NONE", Deny{Code: "NONE"}: "the pairing code NONE", Deny{Sender: "eve"}: "the approved sender eve",
	} {
		if got := answer[Settled](w, w.ask(msg)); got.Err == nil || !strings.Contains(got.Err.Error(), want) {
			t.Errorf("%+v: %v, want %q", msg, got.Err, want)
		}
	}
}

// Whoever has no name is let in by nothing but a star: not by an entry that names nobody, nor by what an entry could become.
func TestNobodyIsLetInByAnEntryWithoutAName(t *testing.T) {
	unnamed := []channels.Arrival{{Account: home}, {Account: home, Conversation: "iMessage;-;"}, {Account: home, Sender: channels.Sender{ID: " "}}}
	for name, l := range map[string]list{
		"a prefix of a conversation": newList(home.Channel(), []string{ofConversation[0] + " "}),
		"a blank":                    newList(home.Channel(), []string{" ", home.Channel() + ":"}),
	} {
		for _, m := range unnamed {
			if l.holds(m) {
				t.Errorf("%s lets in %+v", name, m)
			}
		}
	}
	l := list{senders: map[string]bool{"": true}, conversations: map[string]bool{"": true}}
	for _, m := range unnamed {
		if l.holds(m) {
			t.Errorf("an empty entry lets in %+v", m)
		}
	}
}

// What is kept under other names, by a later gateway say, approves of nobody.
func TestOnlyAnApprovalApproves(t *testing.T) {
	for _, name := range []string{"", "other/bob", "bob", approvedPrefix, pairingPrefix} {
		a := account{approved: immutable.NewSortedMap[string, Approved](nil)}
		if err := a.keep(name, encode(Approved{Sender: bob})); err != nil || a.approved.Len() != 0 || len(a.requests) != 0 {
			t.Errorf("%q: %d approved, %d ask, %v", name, a.approved.Len(), len(a.requests), err)
		}
	}
}
