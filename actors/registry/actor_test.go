package registry

import (
	"testing"

	"holdfast/actors/kit/kittest"
)

func TestWhatIsPublishedIsWhatTheCellHolds(t *testing.T) {
	sys := kittest.New(t)
	var cell Cell
	if live := cell.Load(); live.Revision != 0 {
		t.Fatalf("before the first publication the cell holds revision %d, want an empty value", live.Revision)
	}
	at, err := sys.Start("registry", Spec(&cell))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(msg any) any {
		t.Helper()
		answer, err := sys.Ask(t.Context(), at, msg)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	ask(Install{Offers: []Offer{offer("sms", "1", "sms")}})
	ask(StageRoutes{Routes: NewRoutes([]*Endpoint{{Path: "/a"}, {Path: "/b", Under: true}})})
	ask(StageMethods{Methods: NewMethods([]Method{{Name: "x.y"}})})
	if live := cell.Load(); live.Revision != 0 {
		t.Fatal("staging alone made something live")
	}
	ask(Publish{Revision: 1})
	live := cell.Load()
	if _, ok := live.Methods.Find("x.y"); !ok || live.Revision != 1 {
		t.Errorf("the cell holds %+v, want revision 1 with the method", live)
	}
	for path, want := range map[string]string{"/a": "/a", "/b/7": "/b", "/b": "", "/b/7/8": "", "/c": ""} {
		e, rest, found := live.Routes.Find(path)
		if found != (want != "") || found && e.Path != want || found && e.Under && rest != "7" {
			t.Errorf("Find(%s) = %+v %q %v, want the owner %q", path, e, rest, found, want)
		}
	}
	if d, ok := sys.Snapshot(at).(Description); !ok || d.Revision != 1 {
		t.Errorf("the snapshot is %+v, want the description", sys.Snapshot(at))
	}
}
