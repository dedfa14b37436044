package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/channels/bluebubbles/bluebubblestest"
	"holdfast/tests/rig"
)

// times is how a run is divided: the store is filled, then a start, calm and edits in turn with a rest after each edits, and
// an end.
type times struct {
	fill, start, calm, edited, rest, end time.Duration
	turns                                int
}

// divide gives the start ten seconds, the end twenty, after which idle goroutines of the gateway are gone, and calm and edits
// five seconds a turn; all of them less where there are not as many. The filling comes on top: what the process needs grows
// with the first messages, whatever is done to it, until the journal's tables in memory and its cache have been full.
func divide(all time.Duration) times {
	t := times{start: min(10*time.Second, all*2/5), end: min(20*time.Second, all/3), rest: min(1500*time.Millisecond, all/12)}
	t.fill = min(20*time.Second, all/3)
	middle := all - t.start - t.end
	t.turns = max(1, int(middle/(10*time.Second+t.rest)))
	t.calm = (middle/time.Duration(t.turns) - t.rest) / 2
	t.edited = t.calm
	return t
}

// world is everything that a run has.
type world struct {
	dir      string
	load     *load
	sink     *sink
	accounts []*account
	spares   []*bluebubblestest.Server
	editor   *edits
	gateway  *rig.Gateway
}

// soak runs the whole and returns the result, and what else is wrong.
func (o options) soak(dir string) (result, []string, error) {
	w := &world{dir: dir, accounts: newAccounts()}
	defer w.close()
	if err := w.open(o); err != nil {
		return result{}, nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	began := time.Now()
	var sending sync.WaitGroup
	sending.Go(func() { w.load.run(ctx, o.rate) })
	before, after, err := w.phases(divide(o.duration))
	stop()
	sending.Wait()
	if err != nil {
		return result{}, nil, err
	}
	w.patience()
	r, faults := w.judge()
	r.Seconds = rounded(time.Since(began).Seconds())
	r.GoroutinesBefore, r.FDsBefore, r.RSSBefore = before.goroutines, before.fds, rounded(before.rss)
	r.GoroutinesAfter, r.FDsAfter, r.RSSAfter = after.goroutines, after.fds, rounded(after.rss)
	if code := w.gateway.Stop(); code != 0 {
		faults = append(faults, fmt.Sprintf("the gateway ended with code %d", code))
	}
	return r, faults, nil
}

// open starts the servers, the sink and the gateway, and tells the senders where it is.
func (w *world) open(o options) error {
	w.load = newLoad(w.accounts)
	var err error
	if w.sink, err = newSink(w.accounts); err != nil {
		return err
	}
	for _, a := range w.accounts {
		if a.kind != bubbles {
			continue
		}
		a.server = bluebubblestest.New(bluebubblestest.Options{Password: passwordOf(a.name), OnPost: w.load.posted})
		if err := a.server.Start(); err != nil {
			return err
		}
	}
	bases, err := freeAddresses()
	if err != nil {
		return err
	}
	s := &settings{
		sink: w.sink.url, listen: bases[0], level: "info", inFlight: 64, timeout: "30s", wait: "30s", helper: true,
		accounts: w.accounts, secrets: map[string]string{},
	}
	for _, a := range w.accounts {
		for i, file := range a.files {
			s.secrets[file] = a.secrets[i]
		}
	}
	for i, kind := range []string{webhooks, bubbles, webhooks} {
		one := &spare{kind: kind, name: fmt.Sprintf("s%d", i), there: true, enabled: true}
		server := bluebubblestest.New(bluebubblestest.Options{Password: passwordOf(one.name)})
		if err := server.Start(); err != nil {
			return err
		}
		one.server = server.URL()
		w.spares, s.spares = append(w.spares, server), append(s.spares, one)
	}
	if err := begin(w.dir, s); err != nil {
		return err
	}
	return w.start(o, s, bases)
}

// start starts the gateway.
func (w *world) start(o options, s *settings, bases []string) error {
	log, err := os.Create(filepath.Join(w.dir, "gateway.log"))
	if err != nil {
		return err
	}
	w.gateway, err = rig.Start(rig.Options{Command: []string{o.binary}, Dir: w.dir, Env: o.env, Log: log})
	if err != nil {
		return err
	}
	for _, a := range w.accounts {
		if a.server != nil {
			a.server.Register("http://nowhere.invalid/")
		}
		a.follow(func(t *target) { t.base, t.path, t.secret = w.gateway.URL, a.path, a.secrets[0] })
	}
	sorts := slices.DeleteFunc(slices.Clone(everySort), func(s sortOf) bool { return o.only != "" && s.name != o.only })
	if len(sorts) == 0 {
		return fmt.Errorf("there is no sort of edit called %q", o.only)
	}
	w.editor = &edits{sorts: sorts, bases: bases, levels: []string{"info", "warn"}, gap: 3 * time.Second}
	w.editor.editor = newEditor(context.Background(), w.dir, s, w.gateway)
	return nil
}

// phases go from calm to edits and back, and read what the process needs before the first edit and after the last.
func (w *world) phases(t times) (before, after need, err error) {
	stopped, stop := context.WithCancel(context.Background())
	defer stop()
	w.editor.editor = newEditor(stopped, w.dir, w.editor.settings, w.gateway)
	w.season(between, t.fill)
	w.progress("filled")
	if before, err = w.read(t.start); err != nil {
		return before, after, err
	}
	for range t.turns {
		w.season(calm, t.calm)
		w.progress("calm")
		w.edited(t.edited)
		w.progress("edited")
		w.season(between, t.rest)
	}
	after, err = w.read(t.end)
	stop()
	w.editor.pending.Wait()
	w.progress("end")
	return before, after, err
}

// season marks messages for a while.
func (w *world) season(what season, during time.Duration) {
	w.load.season.Store(uint32(what))
	time.Sleep(during)
	w.load.season.Store(uint32(between))
}

// edited changes the configuration for a while, and waits until all that was saved is live.
func (w *world) edited(during time.Duration) {
	ctx, end := context.WithTimeout(context.Background(), during)
	defer end()
	var both sync.WaitGroup
	both.Go(func() { w.editor.edit(ctx, w.editor.next) })
	both.Go(func() { w.editor.reload(ctx) })
	w.season(edited, during)
	both.Wait()
	w.editor.reloadOnce()
}

// read waits, and reads what the process needs in the last part of that time.
func (w *world) read(during time.Duration) (need, error) {
	const readings = 24
	part := min(6*time.Second, during/2)
	time.Sleep(during - part)
	var all []need
	for range readings {
		time.Sleep(part / readings)
		var s control.Status
		if err := w.gateway.Call("status", nil, &s); err != nil {
			return need{}, err
		}
		if s.Runtime == nil {
			return need{}, errors.New("the gateway does not say what it needs: build it anew")
		}
		h, err := holds(w.gateway.PID())
		if err != nil {
			return need{}, err
		}
		all = append(all, h.own(s.Runtime))
	}
	h, err := holds(w.gateway.PID())
	fmt.Println("open descriptors:", h)
	return least(all), err
}

// progress prints where it is.
func (w *world) progress(what string) {
	e := w.editor
	e.books.Lock()
	reloads, refused := e.reloads, e.refused
	e.books.Unlock()
	got, _ := w.received()
	r := w.load.ledger.count(got)
	fmt.Printf("%s  %-6s  sent %d  accepted %d  non2xx %d  answered %d  edits %d  reloads %d, of them %d of a file that was not whole\n",
		time.Now().Format(clock), what, r.Sent, r.Accepted, r.Non2xx, r.Answered, e.count(), reloads, refused)
}

// received is what the sink and the servers got, and what they complain of.
func (w *world) received() (answers, []string) {
	got, faults := w.sink.received()
	for _, a := range w.accounts {
		if a.server == nil {
			continue
		}
		for _, sent := range a.server.Sent() {
			number, known := numberOf(sent.Text)
			if !known {
				faults = append(faults, fmt.Sprintf("%s was made to send %q", a.id(), sent.Text))
				continue
			}
			got[a] = append(got[a], number)
		}
	}
	return got, faults
}

// patience waits for the last answers, as long as there are any more.
func (w *world) patience() {
	const enough = 30 * time.Second
	most, end := -1, time.Now().Add(enough)
	for time.Now().Before(end) {
		got, _ := w.received()
		r := w.load.ledger.count(got)
		if r.Lost == 0 && w.load.ledger.waiting() == 0 {
			return
		}
		if r.Answered > most {
			most, end = r.Answered, time.Now().Add(enough)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// judge counts, and asks the journal.
func (w *world) judge() (result, []string) {
	e := w.editor
	got, faults := w.received()
	r := w.load.ledger.count(got)
	r.Edits, r.Reloads = e.count(), e.reloads
	for _, said := range w.load.ledger.said() {
		fmt.Println("answers:", said)
	}
	for _, sort := range slices.Sorted(maps.Keys(e.saved)) {
		fmt.Printf("edits: %d × %s\n", e.saved[sort], sort)
	}
	faults = append(faults, e.faults...)
	for _, one := range w.load.ledger.stalls(edited, time.Duration(2*r.P99Steady*float64(time.Millisecond))) {
		fmt.Println("slow:", one.tell(e.done))
	}
	for _, a := range w.accounts {
		if a.server == nil {
			continue
		}
		for _, f := range a.server.Faults() {
			faults = append(faults, fmt.Sprintf("the server of %s says: %s", a.id(), f))
		}
	}
	for _, one := range w.load.ledger.missing(got, 10) {
		faults = append(faults, "never answered: "+one)
	}
	if w.load.ledger.waiting() > 0 {
		faults = append(faults, fmt.Sprintf("%d messages were never answered by the gateway itself", w.load.ledger.waiting()))
	}
	var books control.VerifyResult
	if err := w.gateway.Call("journal.verify", nil, &books); err != nil {
		return r, append(faults, "journal.verify: "+err.Error())
	}
	if !books.Balanced {
		faults = append(faults, fmt.Sprintf("the books do not balance: %v", books.Faults))
	}
	created := map[journal.Kind]uint64{}
	for _, q := range books.Queues {
		r.Dead += int(q.Dead)
		created[q.Kind] += q.Created
		if q.Pending > 0 {
			faults = append(faults, fmt.Sprintf("%d of %s %s are pending in the journal", q.Pending, q.Account, q.Kind))
		}
	}
	fmt.Println("the journal counts, what came twice included:", created)
	return r, faults
}

// close ends everything that runs.
func (w *world) close() {
	if w.gateway != nil {
		w.gateway.Kill()
	}
	if w.sink != nil {
		_ = w.sink.server.Close()
	}
	for _, a := range w.accounts {
		if a.server != nil {
			a.server.Close()
		}
	}
	for _, s := range w.spares {
		s.Close()
	}
}

// freeAddresses are three to listen on: two of one port, and another port.
func freeAddresses() ([]string, error) {
	for range 100 {
		port := 20000 + rand.IntN(10000) // below those that the system gives to others
		all := []string{fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("127.0.0.2:%d", port), fmt.Sprintf("127.0.0.1:%d", port+1)}
		if free(all) {
			return all, nil
		}
	}
	return nil, fmt.Errorf("no port is free")
}

func free(addresses []string) bool {
	for _, at := range addresses {
		l, err := net.Listen("tcp", at)
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	return true
}
