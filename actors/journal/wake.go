package journal

import (
	"slices"

	"github.com/benbjohnson/immutable"

	"holdfast/actors/kit"
)

// wakes remembers who wants to hear of which queues, and who has been told and has not looked since. It is a value.
//
// For every subscriber and queue: told is set by a Woken and cleared by a Take. An item that comes while it is set needs no
// Woken of its own, because the Take that is still to come will see it; an item that comes after the Take finds it cleared.
type wakes struct {
	subs []subscriber // few: one per stage and channel
}

type subscriber struct {
	kind    Kind
	channel string
	to      kit.Addr
	told    *immutable.SortedMap[Queue, struct{}]
}

// byQueue is the order in which queues are kept and told of.
type byQueue struct{}

func (byQueue) Compare(a, b Queue) int { return compareQueues(a, b) }

func (s subscriber) wants(q Queue) bool {
	return s.kind == q.Kind && (s.channel == "" || s.channel == q.Account.Channel())
}

// knows tells whether a Woken of the queue is under way.
func (s subscriber) knows(q Queue) bool {
	_, told := s.told.Get(q)
	return told
}

// wake notes the Woken that it gives.
func (s *subscriber) wake(q Queue) kit.Effect {
	s.told = s.told.Set(q, struct{}{})
	return kit.Tell{To: s.to, Msg: Woken{Queue: q}}
}

// subscribe takes the place of whoever asked for the same queues before. Pending are the queues that have items now.
func (w wakes) subscribe(m Subscribe, pending []Queue) (wakes, []kit.Effect) {
	sub := subscriber{kind: m.Kind, channel: m.Channel, to: m.To, told: immutable.NewSortedMap[Queue, struct{}](byQueue{})}
	var out []kit.Effect
	for _, q := range pending {
		if sub.wants(q) {
			out = append(out, sub.wake(q))
		}
	}
	others := slices.DeleteFunc(slices.Clone(w.subs), func(s subscriber) bool { return s.kind == m.Kind && s.channel == m.Channel })
	return wakes{append(others, sub)}, out
}

// came says that the queue has new items.
func (w wakes) came(q Queue) (wakes, []kit.Effect) {
	var out []kit.Effect
	for i, s := range w.subs {
		if !s.wants(q) || s.knows(q) {
			continue
		}
		if out == nil {
			w.subs = slices.Clone(w.subs)
		}
		out = append(out, w.subs[i].wake(q))
	}
	return w, out
}

// took says that by has looked at the queue. Somebody who is no subscriber looks for all of them: a Woken too many is
// harmless, one too few is not.
func (w wakes) took(q Queue, by kit.Addr) wakes {
	known := slices.ContainsFunc(w.subs, func(s subscriber) bool { return s.to == by })
	was := w.subs
	w.subs = slices.Clone(was)
	for i, s := range was {
		if s.wants(q) && (!known || s.to == by) {
			w.subs[i].told = s.told.Delete(q)
		}
	}
	return w
}
