package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// season is what the configuration does while a message is due.
type season uint8

const (
	between season = iota // neither: the start, the end, and the time that a change takes to come to rest
	calm                  // nobody changes anything
	edited                // it is changed all the time
)

// message is one that was sent, as its sender knows it.
type message struct {
	account      *account
	conversation string
	season       season
	planned      time.Time
	began        time.Time // when it really went out
	ended        time.Time // when the answer of the gateway was there; zero: it is not
	status       int       // 0: there was none
}

func (m message) accepted() bool { return good(m.status) }

func good(status int) bool { return status >= 200 && status < 300 }

// ledger is the senders' own record.
type ledger struct {
	mu       sync.Mutex
	messages []message
	open     int
	refused  int            // posts of any kind without a 2xx
	statuses map[string]int // of all posts, with what went wrong
}

// nameOf is the id of a message, and the end of its text.
func nameOf(n int) string { return fmt.Sprintf("m%07d", n) }

// numberOf finds the message whose id a text ends with.
func numberOf(text string) (int, bool) {
	name, is := strings.CutPrefix(text[strings.LastIndexByte(text, ' ')+1:], "m")
	n, err := strconv.Atoi(name)
	return n, is && err == nil
}

// enter writes a message down before it goes out.
func (l *ledger) enter(m message) (number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.messages = append(l.messages, m)
	l.open++
	return len(l.messages) - 1
}

// began notes that it goes out now.
func (l *ledger) began(number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.messages[number].began = time.Now()
}

// heard notes the answer to any post; err says why there is none. number is that of a message, or less than 0.
func (l *ledger) heard(number, status int, what string, err string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := fmt.Sprintf("%s %d", what, status)
	if status == 0 {
		key = what + " without answer: " + err
	}
	l.statuses[key]++
	if !good(status) {
		l.refused++
	}
	if number >= 0 && number < len(l.messages) && l.messages[number].ended.IsZero() {
		m := &l.messages[number]
		m.ended, m.status = time.Now(), status
		l.open--
	}
}

// waiting is how many messages have gone out without an answer of the gateway yet.
func (l *ledger) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// answers are what receivers got, per account, in order of coming.
type answers map[*account][]int

// count compares the record with what was received.
func (l *ledger) count(got answers) (r result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	times := map[int]int{}
	for _, numbers := range got {
		for _, n := range numbers {
			times[n]++
		}
	}
	latencies := map[season][]time.Duration{}
	for n, m := range l.messages {
		r.Sent++
		if m.accepted() {
			r.Accepted++
			latencies[m.season] = append(latencies[m.season], m.ended.Sub(m.planned))
		}
		switch {
		case times[n] > 0:
			r.Answered++
			r.Duplicated += times[n] - 1
		case m.accepted():
			r.Lost++
		}
	}
	r.Non2xx = l.refused
	r.Reordered = l.reordered(got)
	r.P50Steady, r.P99Steady = percentile(50, latencies[calm]), percentile(99, latencies[calm])
	r.P50Reload, r.P99Reload = percentile(50, latencies[edited]), percentile(99, latencies[edited])
	return r
}

// reordered counts answers that came after the answer of a message that was sent when theirs had been accepted already. Of
// messages that were under way together nobody can say which is the first.
func (l *ledger) reordered(got answers) (n int) {
	for _, numbers := range got {
		latest := map[string]time.Time{} // by conversation: when the latest of those that were answered was sent
		seen := map[int]bool{}
		for _, number := range numbers {
			if number >= len(l.messages) || seen[number] {
				continue
			}
			seen[number] = true
			m := l.messages[number]
			if last := latest[m.conversation]; m.accepted() && m.ended.Before(last) {
				n++
			}
			if m.began.After(latest[m.conversation]) {
				latest[m.conversation] = m.began
			}
		}
	}
	return n
}

// missing lists some of the messages that were accepted and not answered, with what is known of them.
func (l *ledger) missing(got answers, most int) (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	answered := map[int]bool{}
	for _, numbers := range got {
		for _, n := range numbers {
			answered[n] = true
		}
	}
	for n, m := range l.messages {
		if m.accepted() && !answered[n] && len(out) < most {
			out = append(out, fmt.Sprintf("%s to %s in %s, accepted at %s", nameOf(n), m.account.id(), m.conversation, m.ended.Format(clock)))
		}
	}
	return out
}

// said lists every answer that was counted, with how often.
func (l *ledger) said() (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, what := range slices.Sorted(maps.Keys(l.statuses)) {
		out = append(out, fmt.Sprintf("%d × %s", l.statuses[what], what))
	}
	return out
}

const clock = "15:04:05.000"
