package outbox

import (
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

func TestAReplyGoesFromTheJournalToTheNetworkAndItsReceiptBack(t *testing.T) {
	sys := kittest.New(t)
	var self kit.Addr
	books := kittest.NewProbe(t, sys, "journal").Answering(func(msg any) any {
		switch m := msg.(type) {
		case journal.Take:
			if m.After > 0 {
				return journal.Taken{Queue: m.Queue, Last: m.After}
			}
			return journal.Taken{Queue: m.Queue, Last: 7, Replies: []channels.Reply{{Seq: 7, Account: home, Conversation: "c", Text: "hi", At: time.Now()}}}
		case journal.Commit:
			return journal.Committed{}
		}
		return nil
	})
	network := kittest.NewProbe(t, sys, "channels/net").Answering(func(msg any) any {
		if _, ok := msg.(supervisor.Call); ok {
			return run.Result{Receipt: channels.Receipt{ID: "p7"}}
		}
		return nil
	})
	self, err := sys.Start("outbox", Spec(kit.Named("outbox"), books.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	kittest.Wait[journal.Subscribe](books)
	if _, err := sys.Ask(t.Context(), self, Configure{Revision: 1, Accounts: map[channels.Account]Account{home: {Supervisor: network.Addr(), Chunk: 10}}}); err != nil {
		t.Fatal(err)
	}
	sys.Tell(self, supervisor.Connected{Account: home})
	sent := kittest.Wait[supervisor.Call](network)
	if op, ok := sent.Op.(run.Send); !ok || op.Reply.Seq != 7 || op.Reply.Attempt != 1 {
		t.Errorf("the network was handed %+v", sent)
	}
	end := kittest.Wait(books, func(c journal.Commit) bool { return len(c.Ops) == 2 })
	if got, ok := end.Ops[1].(journal.Receive); !ok || got.Receipt.ID != "p7" || got.Seq != 7 {
		t.Errorf("the end is %+v, want the receipt in the same batch", end)
	}
	if !kittest.Eventually(func() bool {
		s, ok := sys.Snapshot(self).(Snapshot)
		return ok && len(s.Accounts) == 1 && !s.Accounts[0].LastOK.IsZero() && s.Accounts[0].InFlight == 0
	}) {
		t.Errorf("the snapshot is %+v", sys.Snapshot(self))
	}
}
