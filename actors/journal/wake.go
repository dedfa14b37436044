package journal

import (
	"slices"

	"holdfast/actors/kit"
)

// wakes remembers who wants to hear of which queues, and who has been told and has not looked since.
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
	told    map[Queue]bool
}

func (s *subscriber) wants(q Queue) bool {
	return s.kind == q.Kind && (s.channel == "" || s.channel == q.Account.Channel())
}

func (s *subscriber) wake(q Queue) []kit.Effect {
	if s.told[q] {
		return nil
	}
	s.told[q] = true
	return []kit.Effect{kit.Tell{To: s.to, Msg: Woken{Queue: q}}}
}

// subscribe takes the place of whoever asked for the same queues before. Pending are the queues that have items now.
func (w *wakes) subscribe(m Subscribe, pending []Queue) []kit.Effect {
	sub := subscriber{kind: m.Kind, channel: m.Channel, to: m.To, told: map[Queue]bool{}}
	w.subs = slices.DeleteFunc(w.subs, func(s subscriber) bool { return s.kind == m.Kind && s.channel == m.Channel })
	w.subs = append(w.subs, sub)
	var out []kit.Effect
	for _, q := range pending {
		if sub.wants(q) {
			out = append(out, sub.wake(q)...)
		}
	}
	return out
}

// came says that the queue has new items.
func (w *wakes) came(q Queue) []kit.Effect {
	var out []kit.Effect
	for i := range w.subs {
		if w.subs[i].wants(q) {
			out = append(out, w.subs[i].wake(q)...)
		}
	}
	return out
}

// took says that by has looked at the queue. Somebody who is no subscriber looks for all of them: a Woken too many is
// harmless, one too few is not.
func (w *wakes) took(q Queue, by kit.Addr) {
	known := slices.ContainsFunc(w.subs, func(s subscriber) bool { return s.to == by })
	for i := range w.subs {
		if s := &w.subs[i]; s.wants(q) && (!known || s.to == by) {
			delete(s.told, q)
		}
	}
}
