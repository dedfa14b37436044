package watch

import (
	"cmp"
	"context"
	"time"
)

// Defaults of Options.
const (
	DefaultQuiet = 200 * time.Millisecond
	DefaultMost  = 2 * time.Second
	DefaultEvery = 5 * time.Second
)

// When writers never pause, a look that meets no half-written file is worth a few tries.
const (
	rushTries = 20
	rushPause = 5 * time.Millisecond
)

// Options say what to watch and how patiently.
type Options struct {
	// Sum reads everything and returns its hash, and the paths of the files and folders that the hash depends on, there or
	// not. Next calls it, and waits for it.
	Sum func() (hash string, paths []string)
	// Trouble is called by Next when notices fail and changes are found by looking only: once, and again when it happens
	// after notices worked again. The error says what to do. Nil: nobody wants to know.
	Trouble func(error)
	// Quiet is how long nothing may change before a change is reported. 0: DefaultQuiet.
	Quiet time.Duration
	// Most is how long changes may go on before one is reported all the same, give or take Quiet. 0: DefaultMost.
	Most time.Duration
	// Every is how often to look where no notice came. 0: DefaultEvery.
	Every time.Duration
}

// Change is another content than the one known.
type Change struct {
	Hash    string // as Sum gave it
	Settled bool   // false: after Options.Most it was still being written, so there may be more to come
}

// Watcher waits for changes. Its methods must not be called at the same time. The zero value is of no use; make it with
// New.
type Watcher struct {
	o       Options
	folders folders
}

// New assigns fields. Watching begins with the first Next.
func New(o Options) *Watcher {
	o.Quiet = cmp.Or(o.Quiet, DefaultQuiet)
	o.Most = cmp.Or(o.Most, DefaultMost)
	o.Every = cmp.Or(o.Every, DefaultEvery)
	return &Watcher{o: o, folders: folders{open: openNotices, trouble: o.Trouble, every: o.Every}}
}

// Close ends the watching. Next may be called afterwards and begins it again.
func (w *Watcher) Close() { w.folders.close() }

// Next waits until there is another content than the known one, and it has settled. What changed before Next was called
// counts too. The error is that of ctx; watching has then ended as with Close.
func (w *Watcher) Next(ctx context.Context, known string) (Change, error) {
	c, err := w.next(ctx, known)
	if err != nil {
		w.Close()
	}
	return c, err
}

func (w *Watcher) next(ctx context.Context, known string) (Change, error) {
	for {
		if hash := w.look(); hash != known {
			c, err := w.settle(ctx, hash)
			if err != nil || c.Hash != known {
				return c, err
			}
		}
		if w.folders.none() {
			<-ctx.Done()
			return Change{}, ctx.Err()
		}
		noticed, err := w.listen(ctx, w.o.Quiet, false) // so long at least from look to look, whatever happens
		if err == nil && !noticed {
			_, err = w.listen(ctx, w.o.Every-w.o.Quiet, true)
		}
		if err != nil {
			return Change{}, err
		}
	}
}

// look returns the hash. What has changed before a folder was watched gave no notice, so it is read again after that.
func (w *Watcher) look() string {
	const tries = 3 // the rest is for the next look
	var hash string
	for range tries {
		var paths []string
		hash, paths = w.o.Sum()
		if !w.folders.watch(paths) {
			break
		}
	}
	return hash
}

// settle waits from a look that found hash until another finds the same after a quiet time.
func (w *Watcher) settle(ctx context.Context, hash string) (Change, error) {
	end := time.Now().Add(w.o.Most)
	for {
		quiet := false
		for !quiet && time.Now().Before(end) {
			noticed, err := w.listen(ctx, w.o.Quiet, true)
			if err != nil {
				return Change{}, err
			}
			quiet = !noticed
		}
		again := w.look()
		switch {
		case quiet && again == hash:
			return Change{Hash: hash, Settled: true}, nil
		case !time.Now().Before(end):
			return w.rush(ctx, again)
		}
		hash = again
	}
}

// rush takes what two looks shortly after each other agree on: while files are written all the time, most of the time
// they are whole.
func (w *Watcher) rush(ctx context.Context, hash string) (Change, error) {
	for range rushTries {
		if _, err := w.listen(ctx, rushPause, false); err != nil {
			return Change{}, err
		}
		again := w.look()
		if again == hash {
			break
		}
		hash = again
	}
	return Change{Hash: hash}, nil
}

// listen takes notices for a time, or until the first that matters, and tells whether there was one.
func (w *Watcher) listen(ctx context.Context, within time.Duration, first bool) (noticed bool, err error) {
	over := time.NewTimer(within)
	defer over.Stop()
	for !noticed || !first {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-over.C:
			return noticed, nil
		case n, ok := <-w.folders.notices():
			noticed = w.folders.matters(n, ok) || noticed
		case err := <-w.folders.faults():
			w.folders.lost(err)
			noticed = true
		}
	}
	return true, nil
}
