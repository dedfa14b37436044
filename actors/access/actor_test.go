package access

import (
	"strings"
	"testing"
	"testing/synctest"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

// started starts the actor with a probe that plays the journal by answer.
func started(t *testing.T, answer func(msg any) any) (*kit.System, kit.Addr) {
	t.Helper()
	sys := kittest.New(t)
	store := kittest.NewProbe(t, sys, "journal").Answering(answer)
	addr, err := sys.Start("access", Spec(store.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	configure := Configure{Accounts: map[channels.Account]channels.Common{home: policies(nil)}}
	if _, err := sys.Ask(t.Context(), addr, configure); err != nil {
		t.Fatal(err)
	}
	return sys, addr
}

func decided(t *testing.T, sys *kit.System, addr kit.Addr, m channels.Arrival) Decision {
	t.Helper()
	got, err := sys.Ask(t.Context(), addr, Decide{Arrival: m})
	if err != nil {
		t.Fatal(err)
	}
	return got.(Decision)
}

func TestAStrangerIsLetInByTheCodeThatWasSent(t *testing.T) {
	sys, addr := started(t, newWorld(t).journal)
	reply := decided(t, sys, addr, direct(bob, "hi")).Reply
	code := reply[strings.LastIndexByte(reply, ' ')+1:]
	if len(code) != codeLength || strings.Trim(code, alphabet) != "" {
		t.Fatalf("the code is %q", code)
	}
	got, err := sys.Ask(t.Context(), addr, Approve{Code: code})
	if err != nil || got.(Settled).Err != nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	if got := decided(t, sys, addr, direct(bob, "hi")); !got.Allow {
		t.Errorf("got %+v", got)
	}
}

func TestAJournalThatDoesNotAnswerIsAskedUntilItDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		w := newWorld(t)
		sys, addr := started(t, func(msg any) any {
			if _, reads := msg.(journal.GetState); reads {
				if asked++; asked <= 3 {
					return nil
				}
			}
			return w.journal(msg)
		})
		if got := decided(t, sys, addr, direct(bob, "hi")); got.Outcome != Paired || got.Reply == "" {
			t.Errorf("got %+v", got)
		}
		if got := sys.Snapshot(addr).(Snapshot).Accounts[0]; !got.Loaded || got.Requests != 1 {
			t.Errorf("status %+v", got)
		}
	})
}
