package methods

import (
	"testing"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
)

func TestTheTableIsCallableOnlyAfterThePublication(t *testing.T) {
	sys := kittest.New(t)
	var cell registry.Cell
	reg, err := sys.Start("registry", registry.Spec(&cell))
	if err != nil {
		t.Fatal(err)
	}
	at, err := sys.Start("methods", Spec(reg))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := sys.Ask(t.Context(), at, Register{Methods: []registry.Method{{Name: "status", Owner: kit.Named("control")}}})
	if got, ok := answer.(Registered); err != nil || !ok || got.Err != nil {
		t.Fatalf("registering gave %+v, %v", answer, err)
	}
	if _, found := cell.Load().Methods.Find("status"); found {
		t.Fatal("the method is callable before the publication")
	}
	if _, err := sys.Ask(t.Context(), reg, registry.Publish{Revision: 1}); err != nil {
		t.Fatal(err)
	}
	if _, found := cell.Load().Methods.Find("status"); !found {
		t.Error("the method is not callable after the publication")
	}
}
