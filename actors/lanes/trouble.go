package lanes

import (
	"errors"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

const (
	firstPause  = time.Second
	longestWait = time.Minute      // between two attempts, unless a server names a longer one
	longestAsk  = 15 * time.Minute // that a server may name
	pauseJitter = 0.2
	noticeAfter = 30 * time.Second // from acceptance; a failure after that is told to the sender, once
)

// failed pauses before the next attempt, or ends the group when its time is over.
func (s *step) failed(l *lane, cause error, after time.Duration) {
	switch {
	case s.drain != nil || s.windows.Of(l.account).removed:
		l.gone = true
		return
	case l.stop.may:
		s.halt(l)
		return
	}
	l.trouble(s.now, cause)
	if l.attempts == 1 {
		s.add(kit.Note{Level: zerolog.WarnLevel, Text: "a conversation has to wait", Fields: append(l.fields(), "cause", l.cause)})
	}
	left := s.timeLeft(l)
	if left <= 0 {
		s.expire(l)
		return
	}
	delay := min(max(l.pauseLength(), min(after, longestAsk)), left)
	if l.allowed && l.loaded && !l.stored.notices.Late && s.age(l) >= noticeAfter {
		s.sayLate(l, delay)
		return
	}
	s.pause(l, delay)
}

// trouble counts a failed attempt.
func (l *lane) trouble(now time.Time, cause error) {
	l.attempts++
	l.cause = oneLine(cause)
	if l.since.IsZero() {
		l.since = now
	}
}

// pauseLength doubles with every failed attempt.
func (l *lane) pauseLength() time.Duration {
	return min(firstPause<<min(l.attempts-1, 10), longestWait)
}

// pause lets go of what the journal can give again.
func (s *step) pause(l *lane, delay time.Duration) {
	l.stored, l.loaded, l.delay = stored{}, false, delay
	s.add(kit.After{Delay: delay, Jitter: pauseJitter, Msg: wake{s.enter(l, pausing)}})
}

// timeLeft is how long the group may still be answered.
func (s *step) timeLeft(l *lane) time.Duration { return s.common(l).ExpireAfter.D() - s.age(l) }

// age is how long ago the group was accepted: by the clock, but no less than its pauses came to, for a clock may be set
// back and would have it wait for the time of day at which it came.
func (s *step) age(l *lane) time.Duration { return max(s.now.Sub(l.group[0].At), l.waited) }

// expire ends a group whose time is over. The sender hears of it once per trouble.
func (s *step) expire(l *lane) {
	e := ending{state: journal.Expired, outcome: Late, reason: "not answered in time"}
	if l.cause != "" {
		e.reason += "; last: " + l.cause
	}
	next := l.stored
	if l.allowed && l.loaded && !next.notices.Expired {
		e.replies = []channels.Reply{s.notice(l, expiredText)}
		next.notices.Expired = true
	}
	s.finish(l, e, next)
}

// pauseOf is the pause that an error names.
func pauseOf(err error) time.Duration {
	var f *channels.Failure
	if errors.As(err, &f) {
		return f.After
	}
	return backend.PauseOf(err)
}

// oneLine bounds what is shown of an error.
func oneLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if len(text) > maxCause {
		text = strings.ToValidUTF8(text[:maxCause], "")
	}
	return text
}

// maxCause bounds the cause of a failure that is kept and shown, in bytes.
const maxCause = 500
