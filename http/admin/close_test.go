package admin

import "testing"

func TestACallUnderWayIsAnsweredWhileTheServerCloses(t *testing.T) {
	f := newFace(t)
	l, idle := f.dial(), f.dial()
	l.say(`{"jsonrpc":"2.0","id":1,"method":"slow"}` + "\n")
	slow := f.slow("slow")
	closed := make(chan struct{})
	go func() {
		f.Close()
		close(closed)
	}()
	idle.ended() // so the server closes
	f.finish(slow, "1")
	l.hear(`{"jsonrpc":"2.0","id":1,"result":1}`)
	l.ended()
	<-closed
}
