package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// at is an instant of the tables.
func at(ms int) time.Time { return time.UnixMilli(0).Add(time.Duration(ms) * time.Millisecond) }

// one is a message of a conversation that went out and was accepted then.
func one(conversation string, began, ended int) message {
	return message{conversation: conversation, season: calm, planned: at(began), began: at(began), ended: at(ended), status: 200}
}

func TestTheLedgerCountsWhatTheReceiversSay(t *testing.T) {
	refused := one("a", 0, 5)
	refused.status = 503
	for _, c := range []struct {
		name     string
		messages []message
		got      []int
		want     result
	}{
		{"an answer to each, in order", []message{one("a", 0, 5), one("a", 10, 15)}, []int{0, 1}, result{Sent: 2, Accepted: 2, Answered: 2}},
		{"an accepted message without answer is lost", []message{one("a", 0, 5), one("a", 10, 15)}, []int{1}, result{Sent: 2, Accepted: 2, Answered: 1, Lost: 1}},
		{"a refused message without answer is not lost", []message{refused}, nil, result{Sent: 1}},
		{"a message that was refused may be fetched, and answered", []message{refused}, []int{0}, result{Sent: 1, Answered: 1}},
		{"every answer beyond the first is a duplicate", []message{one("a", 0, 5)}, []int{0, 0, 0}, result{Sent: 1, Accepted: 1, Answered: 1, Duplicated: 2}},
		{"an answer after that of a later message is reordered", []message{one("a", 0, 5), one("a", 10, 15)}, []int{1, 0}, result{Sent: 2, Accepted: 2, Answered: 2, Reordered: 1}},
		{"messages that were under way together have no order", []message{one("a", 0, 12), one("a", 10, 15)}, []int{1, 0}, result{Sent: 2, Accepted: 2, Answered: 2}},
		{"conversations have no order among them", []message{one("a", 0, 5), one("b", 10, 15)}, []int{1, 0}, result{Sent: 2, Accepted: 2, Answered: 2}},
		{"a duplicate out of order is a duplicate and nothing else", []message{one("a", 0, 5), one("a", 10, 15)}, []int{0, 1, 0}, result{Sent: 2, Accepted: 2, Answered: 2, Duplicated: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &ledger{messages: c.messages, statuses: map[string]int{}}
			got := l.count(answers{&account{}: c.got})
			got.P50Steady, got.P99Steady = 0, 0
			if got != c.want {
				t.Errorf("counted %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestEveryPostWithoutA2xxCounts(t *testing.T) {
	l := &ledger{statuses: map[string]int{}}
	for _, post := range []struct {
		status int
		err    string
	}{{200, ""}, {204, ""}, {503, ""}, {404, ""}, {0, "dial tcp 127.0.0.1:2000: connection refused"}} {
		l.heard(-1, post.status, webhooks, post.err)
	}
	if got := l.count(nil).Non2xx; got != 3 {
		t.Errorf("%d posts are said to have had no 2xx, want 3 of %v", got, l.said())
	}
}

func TestLatencyCountsFromThePlannedInstant(t *testing.T) {
	late := one("a", 90, 100)
	late.planned = at(0) // and went out only when what was before it was through
	l := &ledger{messages: []message{late}, statuses: map[string]int{}}
	if got := l.count(nil).P99Steady; got != 100 {
		t.Errorf("its latency is %v ms, want 100", got)
	}
}

func TestAResultSaysWhatIsWrongWithIt(t *testing.T) {
	good := result{
		P99Steady: 10, P99Reload: 20, GoroutinesBefore: 100, GoroutinesAfter: 105, FDsBefore: 60, FDsAfter: 63, RSSBefore: 40, RSSAfter: 42,
	}
	for _, c := range []struct {
		name   string
		spoil  func(*result)
		faulty string // the beginning of the one fault
	}{
		{"what is within all bounds has no fault", func(*result) {}, ""},
		{"a lost message", func(r *result) { r.Lost = 1 }, "lost is 1"},
		{"a duplicate", func(r *result) { r.Duplicated = 1 }, "duplicated is 1"},
		{"a reordered answer", func(r *result) { r.Reordered = 1 }, "reordered is 1"},
		{"a refusal", func(r *result) { r.Non2xx = 1 }, "non2xx is 1"},
		{"a dead letter", func(r *result) { r.Dead = 1 }, "dead is 1"},
		{"more goroutines", func(r *result) { r.GoroutinesAfter = 106 }, "goroutines grew"},
		{"more descriptors", func(r *result) { r.FDsAfter = 64 }, "fds grew"},
		{"more memory", func(r *result) { r.RSSAfter = 42.1 }, "rss grew"},
		{"slow reloads", func(r *result) { r.P99Reload = 20.1 }, "p99_reload_ms is 20.10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := good
			c.spoil(&r)
			got := r.faults()
			if c.faulty == "" && len(got) > 0 || c.faulty != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.faulty)) {
				t.Errorf("the faults are %q, want one that begins with %q", got, c.faulty)
			}
		})
	}
}

func TestAPercentileIsALatencyThatWasMeasured(t *testing.T) {
	var all []time.Duration
	for ms := range 200 {
		all = append(all, time.Duration(200-ms)*time.Millisecond)
	}
	if p50, p99 := percentile(50, all), percentile(99, slices.Clone(all)); p50 != 100 || p99 != 198 {
		t.Errorf("of 1 to 200 ms p50 is %v and p99 %v, want 100 and 198", p50, p99)
	}
	if got := percentile(99, nil); got != 0 {
		t.Errorf("without any it is %v", got)
	}
}

func TestSeveralReadingsComeToOne(t *testing.T) {
	got := typical([]need{{40, 20, 52}, {70, 18, 50}, {41, 21, 51}, {42, 20, 60}, {30, 29, 55}})
	if want := (need{41, 20, 50}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestARunIsDividedAndNotLonger(t *testing.T) {
	for _, all := range []time.Duration{6 * time.Second, 25 * time.Second, time.Minute, 10 * time.Minute} {
		d := divide(all)
		sum := d.start + d.end + time.Duration(d.turns)*(d.calm+d.edited+d.rest)
		if d.turns < 1 || d.calm <= 0 || d.edited <= 0 || sum > all || all-sum > time.Duration(2*d.turns) {
			t.Errorf("%s is divided into %+v, which is %s", all, d, sum)
		}
	}
}

// TestNoPartOfAFileIsAConfiguration keeps a reader of a half-written file from taking accounts away that carry load.
func TestNoPartOfAFileIsAConfiguration(t *testing.T) {
	s := &settings{listen: "127.0.0.1:1", level: "info", timeout: "30s", wait: "30s", helper: true, bound: 2, sink: "http://x", inFlight: 64}
	for _, a := range newAccounts() {
		if a.kind == webhooks {
			s.accounts = append(s.accounts, a)
		}
	}
	text := strings.TrimRight(s.text(mainFile), "\n")
	if last := text[strings.LastIndexByte(text, '\n')+1:]; last != "  default: {kind: echo}" {
		t.Errorf("the main file ends with %q, want the agent that has to be there", last)
	}
	if included := s.text(includedFile); included[0] != '{' || !strings.HasSuffix(included, "}\n") {
		t.Errorf("the included file is not one object: %s", included)
	}
}
