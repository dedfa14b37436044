package explore

import (
	"errors"
	"testing"

	"holdfast/actors/kit"
)

func TestOfWhatWasAskedOfHimWhoEndsTheKitAnswersWhatHeHasNotTaken(t *testing.T) {
	asker, asked := kit.Named("asker"), kit.Named("asked")
	idle := machine[int]{step: func(n int, _ kit.In) (int, []kit.Effect) { return n, nil }}
	s := stepping{&Composition{canon: rules()}, &state{mailboxes: true}}
	for _, at := range []kit.Addr{asker, asked} {
		s.settle(&actor{addr: at, node: idle, state: 0})
	}
	for _, what := range []string{"taken", "late", "waiting"} {
		s.perform(asker, kit.Ask{To: asked, Msg: what, Tag: what})
	}
	s.pop(0)
	s.pop(0)
	s.questions[1].expired = true
	s.gone(asked, "")
	if len(s.questions) != 2 {
		t.Fatalf("%d questions are left, want those whose asker waits", len(s.questions))
	}
	if q := s.questions[0]; q.tag != "taken" || q.answered || !q.silent {
		t.Errorf("%+v: nobody knows of it, and it ends with its deadline", q)
	}
	if q := s.questions[1]; q.tag != "waiting" || !errors.Is(q.answer.Err, kit.ErrGone) {
		t.Errorf("%+v: nobody has taken it, and the kit says so", q)
	}
}
