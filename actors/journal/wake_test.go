package journal_test

import (
	"testing"

	"holdfast/actors/journal"
)

func TestASubscriberIsWokenOnceUntilItTakes(t *testing.T) {
	w := open(t)
	q := queue(journal.Requests, home)
	l, at := w.listen("supervisor")
	w.sys.Tell(w.at, journal.Subscribe{Kind: journal.Requests, To: at})
	w.settle(at)
	if n := l.count(q); n != 0 {
		t.Fatalf("woken %d times for an empty queue", n)
	}
	for range 5 {
		w.accept(home, 2)
	}
	w.settle(at)
	if n := l.count(q); n != 1 {
		t.Fatalf("woken %d times for ten items, want once", n)
	}
	if got := w.takeAs(at, journal.Take{Queue: q, Max: 99}); len(got.Requests) != 10 || got.More {
		t.Fatalf("took %d", len(got.Requests))
	}
	w.accept(home, 1)
	w.settle(at)
	if n := l.count(q); n != 2 {
		t.Fatalf("woken %d times, want again after a take that saw everything", n)
	}
	w.accept(work, 1)
	w.settle(at)
	if n := l.count(queue(journal.Requests, work)); n != 1 {
		t.Fatalf("queues are woken one by one; the second %d times", n)
	}
}

func TestASubscriberHearsAtOnceOfWhatIsPending(t *testing.T) {
	w := open(t)
	w.accept(home, 1)
	w.accept(work, 1)
	l, at := w.listen("supervisor")
	w.sys.Tell(w.at, journal.Subscribe{Kind: journal.Requests, Channel: "webhook", To: at})
	w.settle(at)
	if l.count(queue(journal.Requests, work)) != 1 || l.count(queue(journal.Requests, home)) != 0 {
		t.Fatalf("woken for %v", l.woken)
	}
}

func TestANewSubscriberTakesThePlaceOfTheOld(t *testing.T) {
	w := open(t)
	q := queue(journal.Requests, home)
	old, oldAt := w.listen("old")
	young, youngAt := w.listen("young")
	w.sys.Tell(w.at, journal.Subscribe{Kind: journal.Requests, To: oldAt})
	w.accept(home, 1)
	w.sys.Tell(w.at, journal.Subscribe{Kind: journal.Requests, To: youngAt})
	w.settle(oldAt, youngAt)
	if old.count(q) != 1 || young.count(q) != 1 {
		t.Fatalf("old %d, young %d; want one each", old.count(q), young.count(q))
	}
	w.takeAs(youngAt, journal.Take{Queue: q, Max: 9})
	w.accept(home, 1)
	w.settle(oldAt, youngAt)
	if old.count(q) != 1 || young.count(q) != 2 {
		t.Fatalf("old %d, young %d; want 1 and 2", old.count(q), young.count(q))
	}
}

func TestATakeByOneSubscriberIsNoTakeByAnother(t *testing.T) {
	w := open(t)
	q := queue(journal.Requests, home)
	all, allAt := w.listen("all")
	some, someAt := w.listen("some")
	w.sys.Tell(w.at, journal.Subscribe{Kind: journal.Requests, To: allAt})
	w.sys.Tell(w.at, journal.Subscribe{Kind: journal.Requests, Channel: home.Channel(), To: someAt})
	w.accept(home, 1)
	w.takeAs(someAt, journal.Take{Queue: q, Max: 9})
	w.accept(home, 1)
	w.settle(allAt, someAt)
	if all.count(q) != 1 || some.count(q) != 2 {
		t.Fatalf("all %d, some %d; want 1 and 2", all.count(q), some.count(q))
	}
}
