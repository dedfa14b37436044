package lanes

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

// older puts a conversation's state into the journal as earlier gateways wrote it.
func (w *world) older(account channels.Account, conversation string) {
	w.t.Helper()
	for name, value := range map[string]any{
		"history": []backend.Entry{{Role: "user", Name: "Bob", Text: "long ago", At: start}, {Role: "assistant", Text: "re: long ago", At: start}},
		"context": []string{"Ann: hm"},
		"turn":    turnMark{ID: "net:home/1", Attempt: 3},
		"notices": notices{Late: true},
	} {
		data, err := json.Marshal(value)
		if err != nil {
			w.t.Fatal(err)
		}
		w.store.state[fmt.Sprintf("%s|%s|%s", account, conversation, name)] = data
	}
}

func TestTheOlderFormBecomesThePresentOne(t *testing.T) {
	converted := func(t *testing.T, w *world) {
		t.Helper()
		for key := range w.store.state {
			if name := key[strings.LastIndexByte(key, '|')+1:]; name != stateName && !strings.HasPrefix(name, entryPrefix) {
				t.Errorf("%s is still there", key)
			}
		}
	}
	play(t, []scenario{
		{"with the next turn, which is told all of it", func(t *testing.T, w *world) {
			w.older(home, "c")
			w.talk("c", "hi")
			got := w.lastTurn()
			if !slices.Equal(texts(got.History), []string{"long ago", "re: long ago"}) || !slices.Equal(got.Context, []string{"Ann: hm"}) || !got.Repeated {
				t.Errorf("told %+v", got)
			}
			converted(t, w)
			w.remembers("c", "long ago", "re: long ago", "hi", "re: hi")
			w.talk("c", "and now?")
			if got := w.lastTurn(); len(got.History) != 4 || got.Repeated {
				t.Errorf("told %+v", got)
			}
		}},
		{"also by an agent that wants no history", func(t *testing.T, w *world) {
			w.configure(historyless)
			w.older(home, "c")
			w.talk("c", "hi")
			converted(t, w)
			w.remembers("c", "long ago", "re: long ago", "hi", "re: hi")
		}},
		{"by a message that is not for the agent, of which nothing else changes", func(t *testing.T, w *world) {
			w.decide = func(channels.Arrival) access.Decision { return access.Decision{Outcome: access.Denied} }
			w.older(home, "c")
			before := newStored(w.store.values(journal.GetState{Account: home, Conversation: "c"}))
			if !before.notices.Late || before.turn == nil {
				t.Errorf("read as %+v", before)
			}
			w.talk("c", "hi")
			converted(t, w)
			w.remembers("c", "long ago", "re: long ago")
			after := newStored(w.store.values(journal.GetState{Account: home, Conversation: "c"}))
			before.older, before.past.said = nil, nil
			if diff := kittest.Diff(before, after); diff != "" {
				t.Error(diff)
			}
		}},
		{"by /new, after which there is nothing", func(t *testing.T, w *world) {
			w.older(home, "c")
			w.talk("c", "/new")
			converted(t, w)
			w.remembers("c")
		}},
		{"within the limit of now", func(t *testing.T, w *world) {
			w.configure(limited(3))
			w.older(home, "c")
			w.talk("c", "hi")
			converted(t, w)
			w.remembers("c", "re: long ago", "hi", "re: hi")
		}},
		{"also when the journal cannot at first, or its answer gets lost", func(t *testing.T, w *world) {
			w.older(home, "c")
			w.message("c", "hi")
			w.until(others.Access)
			w.store.broken = errors.New("disk")
			w.after(10 * time.Second)
			w.store.broken = nil
			w.deaf = others.Agents
			w.after(time.Minute)
			w.deaf = kit.Addr{}
			w.after(time.Minute)
			converted(t, w)
			w.remembers("c", "long ago", "re: long ago", "hi", "re: hi")
		}},
		{"and what of it cannot be read is none", func(t *testing.T, w *world) {
			w.older(home, "c")
			for key := range w.store.state {
				w.store.state[key] = []byte("{[")
			}
			w.talk("c", "hi")
			converted(t, w)
			w.remembers("c", "hi", "re: hi")
		}},
	})
}
