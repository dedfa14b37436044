package lanes

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/channels"
)

// TestLaw6_AHistorySurvivesALossOfPower answers a conversation's messages from a real journal, on a file system that forgets
// what was not synced, or a part of it, and goes on with what is left. In the end the history has every message once.
func TestLaw6_AHistorySurvivesALossOfPower(t *testing.T) {
	const messages = 8
	random := rand.New(rand.NewPCG(1, 2))
	answers := func(turn backend.Turn) string { return "re: " + turn.Text }
	var want []string
	for i := range messages {
		want = append(want, fmt.Sprint(i), fmt.Sprint("re: ", i))
	}
	for round := range messages {
		t.Run(fmt.Sprint("after ", round, " answers"), func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			h := newHouse(t, fs, says(answers), toAll)
			for i := range messages {
				h.accept(fmt.Sprint(i))
			}
			h.replies(round)
			left := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[round%3], RNG: random})
			var (
				mu   sync.Mutex
				told []string // with the last turn
			)
			h = newHouse(t, left, says(func(turn backend.Turn) string {
				mu.Lock()
				defer mu.Unlock()
				told = texts(turn.History)
				return answers(turn)
			}), toAll)
			h.settled()
			h.accept("last")
			h.settled()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(told, want) {
				t.Errorf("told %q", told)
			}
		})
	}
}

// toAll lets everybody write, from the first message on that the lanes find in the journal.
func toAll(common *channels.Common) {
	common.DMPolicy, common.AllowFrom = channels.Open, []string{"*"}
}

// accept makes an arrival pending that survives a crash.
func (h *house) accept(id string) {
	h.t.Helper()
	a := channels.Arrival{At: time.Now(), ID: id, Kind: channels.Message, Conversation: "c", Sender: channels.Sender{ID: "bob"}, Text: id}
	got := h.ask(h.journal, journal.Commit{Account: home, Ops: []journal.Op{journal.AddArrival{Arrival: a, Keep: time.Hour}}, Sync: true})
	if err := got.(journal.Committed).Err; err != nil {
		h.t.Fatal(err)
	}
}
