package reload

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/config"
	"holdfast/config/watch"
)

// watchAgain is the pause after a watch that failed.
const watchAgain = 10 * time.Second

// Jobs that run beside reloads, and their tags.
type (
	// watching waits until the configuration has another hash than the known one. Its value is a changed.
	watching struct{ known string }
	// keeping writes a copy of the configuration that was just published.
	keeping struct{ config *config.Config }
	// changed is another content of the configuration, which has settled.
	changed struct{ hash string }
	// watchDue begins the next watch after a failure.
	watchDue struct{ known string }
)

// watch begins to wait for the next change.
func (s State) watch(known string) []kit.Effect {
	if !s.Watches {
		return nil
	}
	return []kit.Effect{kit.Do{Job: watching{known}, Tag: watching{known}}}
}

// noticed reloads what has changed, unless it was loaded already by somebody who asked for it, and waits for the next change.
// What was refused in between and taken back is read again, so that nobody is told of faults that are gone.
func (s State) noticed(tag watching, m kit.Done, now time.Time) (State, []kit.Effect) {
	word, fits := m.Msg.(changed)
	if m.Err != nil || !fits {
		return s, []kit.Effect{
			kit.Note{Level: zerolog.ErrorLevel, Text: "the configuration is not watched; gateway reload works", Fields: []any{"cause", cause(kit.Answered{Msg: m.Msg, Err: m.Err}).Error()}},
			kit.After{Delay: watchAgain, Msg: watchDue(tag)},
		}
	}
	effects := s.watch(word.hash)
	if word.hash == s.Loaded && len(s.Refused) == 0 {
		return s, effects
	}
	s, more := s.wish(wish{caller: "file"}, now)
	return s, append(effects, more...)
}

// kept tells when the copy could not be written: nothing fails with it but the start that may need it.
func kept(m kit.Done) []kit.Effect {
	if m.Err == nil {
		return nil
	}
	return []kit.Effect{kit.Note{Level: zerolog.WarnLevel, Text: "the last good configuration is not kept", Fields: []any{"cause", m.Err.Error()}}}
}

// watcher waits for changes of the source; ctx ends with the process.
func (o Options) watcher() func(context.Context, string) (changed, error) {
	last := o.Known // there is one watch at a time
	w := watch.New(watch.Options{
		Sum: func() (string, []string) {
			last = config.Look(o.Source, o.Environ, last)
			return last.Hash(), last.Files()
		},
		Trouble: func(err error) {
			o.Log.Warn().Err(err).Msg("changes of the configuration are found by looking every few seconds only")
		},
	})
	return func(ctx context.Context, known string) (changed, error) {
		c, err := w.Next(ctx, known)
		return changed{c.Hash}, err
	}
}
