package life

import (
	"sync/atomic"

	"github.com/rs/zerolog"
)

// Level is from which level on a logger writes. It may change at any time, for the logger and for all that were made from
// it: the logger asks for every line, before the line is put together. It is given to a logger as its sampler.
type Level struct{ from atomic.Int32 }

// NewLevel is a Level of that name.
func NewLevel(name string) *Level {
	l := &Level{}
	l.Set(name)
	return l
}

// Set changes the level from the next line on. A name that is none, or empty, stands for info: config has validated it.
func (l *Level) Set(name string) {
	level, err := zerolog.ParseLevel(name)
	if err != nil || name == "" {
		level = zerolog.InfoLevel
	}
	l.from.Store(int32(level))
}

// Sample is called by the logger.
func (l *Level) Sample(level zerolog.Level) bool { return level >= zerolog.Level(l.from.Load()) }
