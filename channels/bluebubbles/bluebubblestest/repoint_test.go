package bluebubblestest_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/channels/bluebubbles/bluebubblestest"
)

func TestAWebhookMovesAndWhatWasPostedBeforeCanBeWaitedFor(t *testing.T) {
	s := start(t, bluebubblestest.Options{})
	came, answer, next := make(chan struct{}), make(chan struct{}), make(chan struct{}, 2)
	var answered atomic.Bool
	old := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		came <- struct{}{}
		<-answer
		answered.Store(true)
	}))
	defer old.Close()
	fresh := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { next <- struct{}{} }))
	defer fresh.Close()

	s.Register(old.URL)
	s.Receive(chat, peer, "to the old address")
	<-came
	settle := s.Repoint(fresh.URL)
	s.Receive(chat, peer, "to the new one")
	<-next
	settled := make(chan bool, 1)
	go func() {
		settle()
		settled <- answered.Load()
	}()
	<-time.After(20 * time.Millisecond) // for a double that does not wait; else too short to matter
	close(answer)
	if !<-settled {
		t.Error("it settled before the post to the old address was answered")
	}
}
