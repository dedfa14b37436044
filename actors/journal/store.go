package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/rs/zerolog"
)

// ExitCode is what the process ends with when the journal cannot go on.
const ExitCode = 74

// Sizes of Pebble's memory, in bytes. It fills up as items come and has at most three tables at a time, which it counts into
// the cache: of a cache that is no larger than they are nothing is left, and each read is one of the disk. With these it is
// full after seconds of load, so that a process which grows later has a leak; larger ones accept no more requests a second.
const (
	memTableSize = 8 << 20
	cacheSize    = 3*memTableSize + readSize
	readSize     = 8 << 20 // of what was read, at least
)

// levelsUnsorted is how many tables may overlap before Pebble sorts them into others. Most of what is written is deleted soon,
// so what is sorted later is less; each of them makes a look for something old a little longer. Twice Pebble's default takes
// a tenth off the processor's time for one accepted request.
const levelsUnsorted = 8

// Options of a Store.
type Options struct {
	Dir string // the state folder; made with mode 0700 if it is missing
	FS  vfs.FS // default vfs.Default
	Log zerolog.Logger

	// MinFree is how many bytes the disk must have free for the journal to take anything new. Default DefaultMinFree.
	MinFree uint64
	// Free tells how many bytes of the disk of dir we may still use. Default: what the file system says. While it fails,
	// the last answer stands.
	Free func(dir string) (uint64, error)
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// OnFatal ends the process with ExitCode: what is on the disk is not what the journal said. It is called once; should
	// it return, nobody who waits for the journal ever hears from it again. Default: log and exit.
	OnFatal func(error)
	// BlobDir holds attachments. Default: blobs in the state folder.
	BlobDir string
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.MinFree == 0 {
		o.MinFree = DefaultMinFree
	}
	if o.Free == nil {
		o.Free = freeOn(o.FS)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnFatal == nil {
		log := o.Log
		o.OnFatal = func(err error) {
			log.Error().Err(err).Msg("the journal cannot go on; the process ends")
			os.Exit(ExitCode)
		}
	}
	if o.BlobDir == "" {
		o.BlobDir = o.FS.PathJoin(o.Dir, "blobs")
	}
	return o
}

// Store is the journal on its disk. It belongs to one actor; only Blobs and Close are for others, Close for a start that
// failed before there was an actor.
type Store struct {
	o       Options
	db      *pebble.DB
	lock    io.Closer
	blobs   *Blobs
	ballast *ballast

	last   uint64 // the last number given
	queues map[Queue]*books
	moved  map[Queue]bool // those that were changed in this turn
	names  names
	swept  int64 // nothing is to be forgotten before this time

	water water // as it was at the start

	armed atomic.Bool // a failing log is final
	died  sync.Once
	over  atomic.Bool // the journal cannot go on
}

// Open takes the state folder for this process and reads where the journal stood. Errors are ErrLocked, ErrVersion, or say
// what could not be done with which folder.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	if o.Dir == "" {
		return nil, errors.New("open the journal: no state folder is set (gateway.stateDir)")
	}
	// Each of them is for us alone, also where the state folder is the operator's and open to others.
	for _, dir := range []string{o.Dir, o.FS.PathJoin(o.Dir, storeName), o.BlobDir} {
		if err := makeDir(o.FS, dir); err != nil {
			return nil, fmt.Errorf("open the journal: make the folder %s: %w (set gateway.stateDir to a folder that can be written)", dir, err)
		}
	}
	lock, err := lockFolder(o.FS, o.Dir, o.Now())
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	s := &Store{o: o, lock: lock, queues: map[Queue]*books{}, ballast: &ballast{fs: o.FS, dir: o.Dir, size: ballastSize}}
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the journal in %s: %w", o.Dir, err), s.Close())
	}
	return s, nil
}

func (s *Store) open() error {
	db, err := pebble.Open(s.o.FS.PathJoin(s.o.Dir, storeName), s.pebbleOptions())
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	s.db = db
	if err := s.checkFormat(); err != nil {
		return err
	}
	if s.last, s.queues, err = load(s.db); err != nil {
		return err
	}
	s.moved = map[Queue]bool{}
	for q := range s.queues {
		s.moved[q] = true // nothing is published yet
	}
	if s.names, err = readNames(s.db); err != nil {
		return err
	}
	if s.blobs, err = openBlobs(s.o.FS, s.o.BlobDir); err != nil {
		return err
	}
	if err := s.blobs.removeUnpinned(s.pinned); err != nil {
		return err
	}
	if err := syncDir(s.o.FS, s.o.Dir); err != nil {
		return err
	}
	s.measure()
	s.armed.Store(true)
	return nil
}

// measure looks at the disk for the first time, so that the first request already meets the watermark.
func (s *Store) measure() {
	s.water = water{dir: s.o.Dir, min: s.o.MinFree, ballast: s.ballast.there()}
	free, err := s.o.Free(s.o.Dir)
	if err != nil {
		s.o.Log.Warn().Err(err).Msg("the free space is not known; the watermark is off until it is")
		return
	}
	next, todo := s.water.look(free)
	s.water = next
	if todo == makeBallast {
		if err := s.ballast.make(); err != nil {
			s.o.Log.Warn().Err(err).Msg("no ballast for now")
		}
		s.water.ballast = s.ballast.there()
	}
}

// freshen finds the oldest pending item of queues that have lost theirs. What is read must be in order already.
func (s *Store) freshen() error {
	for q := range s.moved {
		b := s.queues[q]
		if b == nil || !b.stale {
			continue
		}
		if b.Pending == 0 { // as it is nearly always
			b.floor, b.Oldest, b.stale = s.last+1, time.Time{}, false
			continue
		}
		seq, at, found, err := oldest(s.db, q, b.floor)
		if err != nil {
			return fmt.Errorf("find the oldest %s of %s: %w", q.Kind, q.Account, err)
		}
		if !found {
			seq = s.last + 1
		}
		b.floor, b.Oldest, b.stale = seq, at, false
	}
	return nil
}

// checkFormat reads the version, or writes it into a journal that is new or of the older one.
func (s *Store) checkFormat() error {
	found, err := formatOf(s.db)
	if err != nil || found == formatVersion {
		return err
	}
	if err := s.db.Set([]byte{spaceFormat}, []byte(formatVersion), pebble.Sync); err != nil {
		return fmt.Errorf("write the format version: %w", err)
	}
	return nil
}

// formatOf is the version of a journal that can be read, empty for one that is new, or ErrVersion.
func formatOf(r pebble.Reader) (string, error) {
	version, found, err := fetch(r, []byte{spaceFormat})
	if err != nil {
		return "", err
	}
	if found && string(version) != formatVersion && string(version) != formatOlder {
		return "", fmt.Errorf("%w: it has format %s, this gateway knows %s: use the gateway that wrote it, or a newer one",
			ErrVersion, strconv.Quote(string(version)), formatVersion)
	}
	if found {
		return string(version), nil
	}
	it, err := r.NewIter(nil)
	if err != nil {
		return "", fmt.Errorf("look for the format version: %w", err)
	}
	empty := !it.First()
	if err := it.Close(); err != nil {
		return "", fmt.Errorf("look for the format version: %w", err)
	}
	if !empty {
		return "", fmt.Errorf("%w: it names no format: the folder belongs to something else", ErrVersion)
	}
	return "", nil
}

// load reads the last number and the counters, and finds where each queue begins.
func load(r pebble.Reader) (uint64, map[Queue]*books, error) {
	var last uint64
	value, found, err := fetch(r, []byte{spaceLast})
	if err == nil && found {
		last, err = seqAt(value)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("read the last number: %w", err)
	}
	counters, err := readBooks(r)
	if err != nil {
		return 0, nil, err
	}
	queues := make(map[Queue]*books, len(counters))
	for q, c := range counters {
		b := &books{Counters: c, floor: last + 1}
		if seq, at, found, err := oldest(r, q, 0); err != nil {
			return 0, nil, fmt.Errorf("find the oldest %s of %s: %w", q.Kind, q.Account, err)
		} else if found {
			b.floor, b.Oldest = seq, at
		}
		queues[q] = b
	}
	return last, queues, nil
}

func (s *Store) pebbleOptions() *pebble.Options {
	log := pebbleLog{log: s.o.Log, fatal: s.fatal, block: func() { select {} }}
	full := vfs.OnDiskFull(s.o.FS, func() {
		err := s.ballast.give()
		s.o.Log.Error().Err(err).Msg("the disk is full; the ballast is given")
	})
	return &pebble.Options{
		FS:                    guard{FS: full, armed: &s.armed, fail: func(err error) { s.fatal(err); log.block() }},
		FormatMajorVersion:    pebble.FormatValueSeparation,
		Logger:                log,
		MemTableSize:          memTableSize,
		CacheSize:             cacheSize,
		L0CompactionThreshold: levelsUnsorted,
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) { s.o.Log.Error().Err(err).Msg("the store could not tidy up; it tries again") },
			WriteStallBegin: func(i pebble.WriteStallBeginInfo) {
				s.o.Log.Warn().Str("reason", i.Reason).Msg("the store is slower than what comes in")
			},
		},
	}
}

// Blobs is where attachments lie.
func (s *Store) Blobs() *Blobs { return s.blobs }

// Close lets go of the folder. The actor closes its store itself, on the message Close.
func (s *Store) Close() error {
	s.armed.Store(false)
	var errs []error
	if s.db != nil {
		if err := s.db.Close(); err != nil {
			errs = append(errs, fmt.Errorf("close the store: %w", err))
		}
		s.db = nil
	}
	if s.lock != nil {
		if err := s.lock.Close(); err != nil {
			errs = append(errs, fmt.Errorf("let go of the state folder: %w", err))
		}
		s.lock = nil
	}
	return errors.Join(errs...)
}

// books of a queue, which it gets when it is first used, to be changed.
func (s *Store) books(q Queue) *books {
	s.moved[q] = true
	b := s.queues[q]
	if b == nil {
		b = &books{floor: s.last + 1}
		s.queues[q] = b
	}
	return b
}

// fatal reports that the journal cannot go on, once.
func (s *Store) fatal(err error) {
	s.over.Store(true)
	s.died.Do(func() { s.o.OnFatal(fmt.Errorf("the journal in %s cannot go on: %w", s.o.Dir, err)) })
}

// apply puts the batch in order: from now on it is read, and it will be on the disk before whatever comes later. With sync,
// wait returns when it is on the disk, or why it is not; it must be called once, by anybody.
func (s *Store) apply(b *pebble.Batch, sync bool) (wait func() error, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("write a batch: %v", cause) // Pebble panics when its log has failed before
		}
	}()
	if !sync {
		if err := s.db.Apply(b, pebble.NoSync); err != nil {
			return nil, fmt.Errorf("write a batch: %w", err)
		}
		return nil, b.Close()
	}
	if b.Empty() {
		if err := b.LogData([]byte{spaceFormat}, nil); err != nil {
			return nil, fmt.Errorf("write a mark: %w", err)
		}
	}
	if err := s.db.ApplyNoSyncWait(b, pebble.Sync); err != nil {
		return nil, fmt.Errorf("write a batch: %w", err)
	}
	return func() error {
		if err := b.SyncWait(); err != nil {
			return fmt.Errorf("sync: %w", err)
		}
		return b.Close()
	}, nil
}

// pebbleLog is Pebble's logger. Fatalf must not return: Pebble would go on and report success.
type pebbleLog struct {
	log   zerolog.Logger
	fatal func(error)
	block func() // never returns
}

func (p pebbleLog) Infof(format string, args ...any)  { p.log.Debug().Msgf(format, args...) }
func (p pebbleLog) Errorf(format string, args ...any) { p.log.Error().Msgf(format, args...) }
func (p pebbleLog) Fatalf(format string, args ...any) {
	p.fatal(fmt.Errorf(format, args...))
	p.block()
}
