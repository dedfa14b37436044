package journal

import (
	"errors"
	"testing"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
)

func TestNothingIsToldOfABatchThatIsNotInOrder(t *testing.T) {
	b := newBench(t)
	var fatal error
	b.s.o.OnFatal = func(err error) { fatal = err }
	one := &turn{shell: &shell{s: b.s, m: newMachine(b.s.water)}, stage: newStage(b.s, b.now)}
	one.input(asked(1, Commit{Account: "a:1", Ops: []Op{SetState{Name: "a", Value: []byte("1")}}}))
	want := []kit.Effect{answers(1, Committed{})}
	if diff := kittest.Diff(want, one.later); diff != "" {
		t.Fatal("the answer does not wait: " + diff)
	}
	one.stage.err = errTest
	one.seal()
	if one.inOrder || one.m.phase != failed || !errors.Is(fatal, errTest) {
		t.Errorf("in order %v, %s, fatal: %v", one.inOrder, one.m.phase, fatal)
	}
	if got := b.s.values(GetState{Account: "a:1"}); len(got.Values) > 0 {
		t.Errorf("what could not be written is there: %q", got.Values)
	}
}
