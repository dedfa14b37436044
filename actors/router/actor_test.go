package router

import (
	"testing"
	"testing/synctest"
	"time"

	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
)

func TestAGraceIsOverAfterADayAndTheTableIsPublishedWithoutThePath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := kittest.New(t)
		var cell registry.Cell
		reg, err := sys.Start("registry", registry.Spec(&cell))
		if err != nil {
			t.Fatal(err)
		}
		at, err := sys.Start("router", Spec(reg, kittest.NewProbe(t, sys, "journal").Addr(), Known{}))
		if err != nil {
			t.Fatal(err)
		}
		revision := uint64(0)
		publish := func(claims ...Claim) {
			t.Helper()
			if _, err := sys.Ask(t.Context(), at, Register{Claims: claims, Listen: "127.0.0.1:1"}); err != nil {
				t.Fatal(err)
			}
			revision++
			if _, err := sys.Ask(t.Context(), reg, registry.Publish{Revision: revision}); err != nil {
				t.Fatal(err)
			}
			sys.Tell(at, Published{})
			synctest.Wait()
		}
		publish(claim("a:x", "/old", "1"))
		publish(claim("a:x", "/new", "1"))
		if _, _, held := cell.Load().Routes.Find("/old"); !held {
			t.Fatal("the moved path is not held")
		}
		time.Sleep(DefaultGrace - time.Second) // virtual
		if _, _, held := cell.Load().Routes.Find("/old"); !held {
			t.Fatal("the grace ended early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if _, _, held := cell.Load().Routes.Find("/old"); held {
			t.Fatal("the grace does not end")
		}
		if _, _, found := cell.Load().Routes.Find("/new"); !found {
			t.Error("the new path is gone with the grace")
		}
	})
}
