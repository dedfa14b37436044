package reload

import (
	"strings"
	"testing"

	"holdfast/actors/kit"
	"holdfast/actors/router"
)

// port is a listener that remembers what became of it.
type port struct{ served, closed int }

func (*port) Addr() string { return "127.0.0.1:18790" }
func (b *port) Serve()     { b.served++ }
func (b *port) Close()     { b.closed++ }

func moved() string {
	return strings.Replace(three(at("/a", "1"), at("/b", "2"), at("/c", "3")), "18789", "18790", 1)
}

func TestTheListenerMovesWithThePublication(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	b := &port{}
	p.bound = b
	p.read(moved())
	p.give(Reload{Caller: "me"})
	if v := p.last().Units["gateway.listen"]; v.Result != "applied" || p.state.Listen != b.Addr() {
		t.Errorf("the verdict is %+v, the listener is %s", v, p.state.Listen)
	}
	if asked[router.Register](p)[0].Listen != b.Addr() {
		t.Errorf("paths were judged for %s", asked[router.Register](p)[0].Listen)
	}
	var serves int
	for _, e := range p.private {
		if s, is := e.(serve); is && s.bound == b {
			serves++
		}
	}
	if serves != 1 {
		t.Errorf("it is served %d times", serves)
	}
}

func TestAListenerThatCannotMoveStaysAndAlone(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	p.read(strings.Replace(moved(), "secret: s1}", "secret: s9}", 1))
	p.give(Reload{Caller: "me"})
	r := p.last()
	if v := r.Units["gateway.listen"]; v.Result != "failed" || !strings.Contains(v.Reason, "in use") {
		t.Errorf("the verdict is %+v", v)
	}
	if r.Err != "" || r.Units["webhook:a"].Result != "applied" || p.state.Listen != listen || p.state.Applied.Config.Gateway.Listen != listen {
		t.Errorf("the report is %+v, the listener %s", r, p.state.Listen)
	}
	p.read(moved())
	p.give(Reload{Caller: "me", AllOrNothing: true})
	if r := p.last(); !strings.Contains(r.Err, "in use") || !strings.Contains(r.Err, "serves on") {
		t.Errorf("all or nothing: %+v", r)
	}
}

func TestAListenerIsGivenUpWithItsTransaction(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	b := &port{}
	p.bound = b
	p.read(moved())
	p.answer = func(msg any) (any, error) {
		if _, is := msg.(router.Register); is {
			return nil, kit.ErrLate
		}
		return agree(msg)
	}
	p.give(Reload{Caller: "me"})
	p.give(kit.Done{Tag: tag{p.state.count, "bind"}, Msg: b}) // and one that comes too late
	var forsaken int
	for _, e := range p.private {
		if _, is := e.(forsake); is {
			forsaken++
		}
	}
	if forsaken != 2 || p.state.Listen != listen {
		t.Errorf("given up %d times, want both; the listener is %s", forsaken, p.state.Listen)
	}
}
