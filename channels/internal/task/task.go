// Package task starts the goroutines that a network needs inside its Run.
//
// A Group belongs to one call. Its goroutines share a context that ends with the caller's, or as soon as one of them
// fails; a panic is such a failure and never ends the process. Wait returns when all of them are gone, so that a Run
// whose last statement is Wait leaves nothing behind.
package task

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// Group is a set of goroutines with one end. Make it with New.
type Group struct {
	ctx    context.Context //nolint:containedctx // the group is a context with what runs under it
	cancel context.CancelFunc
	wg     sync.WaitGroup
	once   sync.Once
	err    error
}

// Panic is the error of a goroutine that panicked. The stack is for a log; Error does not show it.
type Panic struct {
	Task  string
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("%s panicked: %v", p.Task, p.Value) }

// Unwrap gives the value itself where it was an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// New begins a group whose context ends with ctx.
func New(ctx context.Context) *Group {
	inner, cancel := context.WithCancel(ctx)
	return &Group{ctx: inner, cancel: cancel}
}

// Context is what the goroutines are given: for work of the caller's own that should end with them.
func (g *Group) Context() context.Context { return g.ctx }

// Go runs f. An error of f ends the others; nil ends only f. It must not be called after Wait has returned.
func (g *Group) Go(name string, f func(ctx context.Context) error) {
	g.wg.Go(func() {
		if err := call(g.ctx, name, f); err != nil {
			g.once.Do(func() { g.err = err })
			g.cancel()
		}
	})
}

// Wait returns when every goroutine has ended, with the first error.
func (g *Group) Wait() error {
	g.wg.Wait()
	g.cancel()
	return g.err
}

func call(ctx context.Context, name string, f func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Panic{Task: name, Value: v, Stack: debug.Stack()}
		}
	}()
	return f(ctx)
}
