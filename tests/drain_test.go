package tests

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/channels/bluebubbles/bluebubblestest"
)

// street is a gateway with several BlueBubbles accounts a, b, … beside each other and an agent that echoes.
type street struct {
	*gate
	macs []*bluebubblestest.Server
}

// newStreet waits until every account is connected. more is further channels, as YAML.
func newStreet(t *testing.T, n int, drainTimeout time.Duration, more string, env ...string) *street {
	t.Helper()
	var s street
	var accounts strings.Builder
	for i := range n {
		password := fmt.Sprintf("%s-%s", canary, s.name(i))
		s.macs = append(s.macs, mac(t, bluebubblestest.Options{Password: password}))
		fmt.Fprintf(&accounts, "      %s: {serverUrl: %q, password: %q, dmPolicy: open, allowFrom: [\"*\"]}\n", s.name(i), s.macs[i].URL(), password)
	}
	s.gate = open(t, fmt.Sprintf("gateway: {listen: \"127.0.0.1:%d\", drainTimeout: %s}\nagents:\n  default: {kind: echo}\nchannels:\n%s  bluebubbles:\n    accounts:\n%s",
		freePort(t), drainTimeout, more, &accounts), env...)
	for i, m := range s.macs {
		s.until(s.id(i), "is connected", func(a control.AccountStatus) bool { return a.Link == channels.Connected })
		m.Register(fmt.Sprintf("%s/bluebubbles-webhook?password=%s-%s", s.URL, canary, s.name(i)))
	}
	return &s
}

func (s *street) name(i int) string         { return string(rune('a' + i)) }
func (s *street) id(i int) channels.Account { return channels.Account("bluebubbles:" + s.name(i)) }

// texts lists what went out over an account, sorted.
func (s *street) texts(i int) (out []string) {
	for _, one := range s.macs[i].Sent() {
		out = append(out, one.Chat+" "+one.Text)
	}
	slices.Sort(out)
	return out
}

// holdUp has a send in flight in each of the chats, whose answer comes when until is closed.
func (s *street) holdUp(i int, until <-chan struct{}, chats ...string) {
	s.t.Helper()
	s.macs[i].Inject(bluebubblestest.Fault{Path: "message/text", Times: len(chats), Wait: until})
	for _, who := range chats {
		s.macs[i].Receive(direct(who), who, "first")
	}
	eventually(s.t, fmt.Sprintf("%s has %d sends in flight", s.id(i), len(chats)), func() (bool, string) {
		return len(s.texts(i)) == len(chats), fmt.Sprintf("%q", s.texts(i))
	})
}

// terminate asks the process to end, and returns when its sends drain.
func (s *street) terminate() {
	s.t.Helper()
	s.Signal(syscall.SIGTERM)
	eventually(s.t, "the outbox drains", func() (bool, string) {
		return strings.Contains(s.Log(), `"actor":"outbox","phase":"draining"`), tail(s.Log())
	})
}

// left is what the last life said that it left behind.
func (g *gate) left() (left []string) {
	g.t.Helper()
	for line := range strings.Lines(g.Log()) { // the journal may say after it that it is closed
		var one struct {
			Message string
			Left    []string
		}
		if json.Unmarshal([]byte(line), &one) == nil && one.Message == "stopped" {
			return one.Left
		}
	}
	g.t.Errorf("the log does not say how it stopped:\n%s", tail(g.Log()))
	return nil
}

// SIGTERM while several accounts have sends in flight: nothing new comes in or goes out, the sends in flight end and are
// booked, and the process ends by itself. What waited behind them goes out in the next life, once.
// Reverting actors/outbox/machine.go: drained's "len(left) > 0" and start's "s.Draining != nil" each makes it fail.
func TestLaw7_SendsInFlightEndAndTheRestWaits(t *testing.T) {
	t.Parallel()
	const n = 3
	s := newStreet(t, n, time.Minute, "")
	open := make(chan struct{})
	var want [n][]string
	for i := range n {
		s.holdUp(i, open, anna, bob)
		want[i] = []string{direct(anna) + " first", direct(bob) + " first"}
		s.macs[i].Receive(direct(anna), anna, "second")
		eventually(t, "a reply waits behind one in flight", func() (bool, string) {
			q := s.queue(s.id(i), journal.Replies)
			return q.Pending == 3, fmt.Sprintf("%+v", q)
		})
	}
	s.terminate()
	if a := request(s.URL+"/bluebubbles-webhook?password="+canary+"-a", "", `{"type":"new-message","data":{"guid":"late"}}`); a.code != 0 && a.code != http.StatusServiceUnavailable {
		t.Errorf("a webhook after the signal: %d %s", a.code, a.body)
	}
	close(open)
	s.ends(0)
	if left := s.left(); len(left) > 0 {
		t.Errorf("it left behind %q", left)
	}
	for i := range n {
		if got := s.texts(i); !slices.Equal(got, want[i]) {
			t.Errorf("%s: %q went out before the end, want %q", s.id(i), got, want[i])
		}
	}
	s.begin()
	for i := range n {
		want[i] = append(want[i], direct(anna)+" second")
		slices.Sort(want[i])
		eventually(t, "the reply that waited goes out", func() (bool, string) {
			q := s.queue(s.id(i), journal.Replies)
			return q.Done == 3 && q.Pending == 0, fmt.Sprintf("%+v", q)
		})
		if got := s.texts(i); !slices.Equal(got, want[i]) {
			t.Errorf("%s: %q went out, want %q", s.id(i), got, want[i])
		}
	}
}

const besideConfig = `  faulty:
    accounts:
      odd: {path: /odd, secret: c4nary-odd, run: hang}
  webhook:
    accounts:
      sink: {path: /sink, auth: {type: bearer, secret: c4nary-sink}}
`

// SIGTERM while one account has a send whose answer never comes and a run of another network ignores that it should end: the
// process ends within its budget and with code 0, names the two, and the other accounts end as if they were alone. What became
// of the send is looked up in the next life: it went out, once.
// Reverting cmd/life/end.go: drainSupervisors' "all.Go" makes it fail.
func TestLaw7_WhatHangsTakesNoTimeOfTheOthers(t *testing.T) {
	t.Parallel()
	s := newStreet(t, 2, 3*time.Second, besideConfig)
	odd := s.until("faulty:odd", "hangs", func(a control.AccountStatus) bool { return a.Phase == supervisor.Running })
	never, open := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(never) })
	s.holdUp(0, never, anna)
	s.holdUp(1, open, anna, bob)
	held := s.account(s.id(0))
	began := time.Now()
	s.terminate()
	close(open)
	s.ends(0)
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s, which is not a budget of 3 s", took)
	}
	left := s.left()
	if len(left) != 3 || !strings.HasPrefix(left[0], "send of item ") || left[1] != fmt.Sprintf("%s run.%d", s.id(0), held.Run) || left[2] != fmt.Sprintf("faulty:odd run.%d", odd.Run) {
		t.Errorf("it left behind %q, want the send, its run and the run that hangs", left)
	}
	s.begin()
	for i, want := range [][]string{{direct(anna) + " first"}, {direct(anna) + " first", direct(bob) + " first"}} {
		eventually(t, "every reply is booked as sent", func() (bool, string) {
			q := s.queue(s.id(i), journal.Replies)
			return q.Done == uint64(len(want)) && q.Created == q.Done, fmt.Sprintf("%+v", q)
		})
		if got := s.texts(i); !slices.Equal(got, want) {
			t.Errorf("%s: %q went out, want %q", s.id(i), got, want)
		}
	}
}
