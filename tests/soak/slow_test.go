package main

import (
	"strings"
	"testing"
	"time"
)

func TestStallsAreToldWithWhatWasDoneThen(t *testing.T) {
	at := func(ms int) time.Time { return time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond) }
	one := &account{kind: webhooks, name: "w0"}
	sent := func(planned, took int, s season) message {
		return message{account: one, season: s, planned: at(planned), ended: at(planned + took)}
	}
	l := &ledger{messages: []message{
		sent(0, 50, edited), sent(500, 5, edited), // one that waited, and one that did not
		sent(2000, 80, edited), sent(2010, 70, edited), sent(2100, 30, edited),
		sent(4000, 90, calm), // nobody changed anything
		{account: one, season: edited, planned: at(5000)},
	}}
	got := l.stalls(edited, 20*time.Millisecond)
	if len(got) != 2 || got[0].messages != 3 || got[0].worst != 80*time.Millisecond || !got[0].to.Equal(at(2130)) || got[1].messages != 1 {
		t.Fatalf("%+v", got)
	}
	told := got[0].tell([]doing{
		{"long before", span{at(0), at(900)}}, {"a save", span{at(1900), at(1990)}}, {"after it", span{at(2131), at(2200)}},
	})
	if !strings.Contains(told, "3 messages to 1 accounts") || !strings.Contains(told, "-100 ms to   -10 ms: a save") ||
		strings.Contains(told, "long before") || strings.Contains(told, "after it") {
		t.Error(told)
	}
}
