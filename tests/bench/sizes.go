package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"holdfast/actors/registry"
	"holdfast/channels"
	"holdfast/tests/rig"
)

// size is what a gateway with so many accounts costs.
type size struct {
	accounts           int
	ready              float64 // ms from exec to the 200 of /readyz
	idle               memory
	plan, live, reload spread  // ms
	lookup             float64 // ns
	refused            error   // why its reloads could not be measured
}

// sizes measures starts, memory, reloads and the look-up of a route with more and more accounts.
func (b *bench) sizes() error {
	t := b.out.table("By accounts", "accounts", "ready ms", "RssAnon MiB", "RSS MiB", "plan ms", "new settings live ms", "reload answered ms", "look-up ns")
	for _, n := range pick(b, []int{1, 1000}, []int{1, 10, 100, 1000, 10_000}) {
		z, err := b.size(n)
		if errors.Is(err, errSlow) {
			t.row(fmt.Sprint(n), "more than "+fmt.Sprint(rig.StartWithin.Milliseconds()), "", "", "", "", "", fmt.Sprintf("%.0f", z.lookup))
			continue
		}
		if err != nil {
			return fmt.Errorf("with %d accounts: %w", n, err)
		}
		reloads := []string{z.plan.with("%.1f"), z.live.with("%.1f"), z.reload.with("%.1f")}
		if z.refused != nil {
			reloads = []string{"-", "-", "-"}
			t.note("with %d accounts: %v", n, z.refused)
		}
		t.row(slices.Concat([]string{fmt.Sprint(n), fmt.Sprintf("%.1f", z.ready), fmt.Sprintf("%.1f", z.idle.anon), fmt.Sprintf("%.1f", z.idle.rss)},
			reloads, []string{fmt.Sprintf("%.0f", z.lookup)})...)
		b.figuresOf(z)
	}
	t.note("ready: from exec to the 200 of /readyz, the state folder new. Memory: %s after that, without any load", b.rest())
	t.note("a reload gives one account another secret; live: from the call to the first 200 for the new secret")
	return nil
}

func (b *bench) rest() time.Duration { return pick(b, time.Second, 10*time.Second) }

// figuresOf are the keys of one size.
func (b *bench) figuresOf(z size) {
	switch z.accounts {
	case 1:
		b.out.target("rss_idle_anon_mb", z.idle.anon, atMost, 15)
		b.out.target("rss_idle_mb", z.idle.rss, atMost, 45)
	case 1000:
		b.out.target("accounts1000_ready_ms", z.ready, atMost, 1000)
		b.out.target("accounts1000_anon_mb", z.idle.anon, atMost, 60)
		b.out.figure("accounts1000_mb", z.idle.rss)
	}
	for key, value := range map[string]float64{
		"ready_ms": z.ready, "anon_mb": z.idle.anon, "plan_ms": z.plan.median, "live_ms": z.live.median, "reload_ms": z.reload.median, "lookup_ns": z.lookup,
	} {
		if value != 0 { // what could not be measured has no key
			b.out.figure(fmt.Sprintf("%s_%d", key, z.accounts), value)
		}
	}
}

// size measures one.
func (b *bench) size(n int) (z size, err error) {
	z.accounts, z.lookup = n, lookup(n)
	listen, err := freePort()
	if err != nil {
		return z, err
	}
	s := settings{listen: listen, webhooks: n}
	dir, drop, err := b.folder()
	if err != nil {
		return z, err
	}
	defer drop()
	if err := s.write(dir); err != nil {
		return z, err
	}
	began := time.Now()
	g, at, err := b.untilAnswered(dir, func() bool { return ready(listen) })
	if err != nil {
		return z, err
	}
	defer g.Kill()
	z.ready = float64(at.Sub(began).Microseconds()) / 1000
	time.Sleep(b.rest())
	if z.idle, err = memoryOf(g.PID()); err != nil {
		return z, err
	}
	// A gateway with so many accounts that a reload takes too long says so, and that is a result as well.
	z.refused = b.reloadsOf(g, dir, s, &z)
	return z, nil
}

// reloadsOf gives the last account one secret after the other.
func (b *bench) reloadsOf(g *rig.Gateway, dir string, s settings, z *size) error {
	var plan, live, whole []float64
	for range pick(b, 1, 9) {
		s.moved++
		if err := s.write(dir); err != nil {
			return err
		}
		began := time.Now()
		if err := g.Call("plan", nil, nil); err != nil {
			return fmt.Errorf("plan: %w", err)
		}
		plan = append(plan, since(began))
		known := make(chan float64, 1)
		began = time.Now()
		go func() { known <- untilKnown(s, began) }()
		r, err := reloaded(g, dir, s)
		if err != nil {
			return err
		}
		if v := r.Units[fmt.Sprintf("webhook:a%d", s.webhooks-1)]; v.Result != "applied" {
			return fmt.Errorf("the reload did not change the account: %+v", v)
		}
		whole = append(whole, since(began))
		live = append(live, <-known)
	}
	z.plan, z.live, z.reload = spreadOf(plan), spreadOf(live), spreadOf(whole)
	return nil
}

// since is in milliseconds.
func since(t time.Time) float64 { return float64(time.Since(t).Microseconds()) / 1000 }

// untilKnown posts to the last account with its new secret until that is taken, and tells how long that took.
func untilKnown(s settings, began time.Time) float64 {
	client := &http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	last := s.webhooks - 1
	for end := began.Add(time.Minute); time.Now().Before(end); time.Sleep(lookAgain) {
		body := fmt.Sprintf(`{"id":"moved-%d","text":"hello"}`, s.moved)
		req, err := http.NewRequest(http.MethodPost, fmt.Sprintf("http://%s/hook/a%d", s.listen, last), strings.NewReader(body))
		if err != nil {
			return 0
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+s.secret(last))
		res, err := client.Do(req)
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return since(began)
		}
	}
	return 0
}

// lookup is how long it takes to find a route among those of so many accounts.
func lookup(accounts int) float64 {
	var (
		all   []*registry.Endpoint
		paths []string
	)
	for i := range accounts {
		raw := fmt.Sprintf("/hook/a%d", i)
		path, err := channels.Canonical(raw)
		if err != nil {
			panic(err) // of our own paths
		}
		all, paths = append(all, &registry.Endpoint{Path: path}, &registry.Endpoint{Path: path + "/replies", Under: true}), append(paths, path)
	}
	routes := registry.NewRoutes(all)
	const batch, during = 1000, 100 * time.Millisecond
	n, began := 0, time.Now()
	for time.Since(began) < during {
		for range batch {
			if _, _, found := routes.Find(paths[n%len(paths)]); !found {
				panic("a path is not in its table")
			}
			n++
		}
	}
	return float64(time.Since(began).Nanoseconds()) / float64(n)
}
