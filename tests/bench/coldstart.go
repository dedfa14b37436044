package main

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"holdfast/actors/control"
	"holdfast/tests/rig"
)

// lookAgain is how often a gateway that starts is asked. Its answer may come so much earlier than it is measured.
const lookAgain = 500 * time.Microsecond

// starts measures cold starts: from exec to the 200 of a signed webhook, with a state folder that has been used.
func (b *bench) starts() error {
	t := b.out.table("Cold start: from exec to the 200 of a signed webhook, the state folder kept", "accounts", "waiting in the journal",
		"ms, median (least-most)")
	for _, c := range []struct {
		accounts int
		backlog  uint64
		key      string
	}{
		{1, 0, "cold_start_ms"},
		{100, 0, "cold_start_ms_100"},
		{1000, 0, "cold_start_ms_1000"},
		{1, 100_000, "cold_start_ms_backlog"},
	} {
		if b.Quick && c.key != "cold_start_ms" {
			continue
		}
		began := time.Now()
		list, waiting, err := b.coldStarts(c.accounts, c.backlog)
		if err != nil {
			return fmt.Errorf("with %d accounts and a backlog of %d: %w", c.accounts, c.backlog, err)
		}
		t.row(fmt.Sprint(c.accounts), fmt.Sprint(waiting), spreadOf(list).with("%.1f"))
		fmt.Printf("%d starts with %d accounts and %d items took %.1f s\n", len(list), c.accounts, waiting, time.Since(began).Seconds())
		if c.key == "cold_start_ms" {
			b.out.target(c.key, spreadOf(list).median, atMost, 60)
			continue
		}
		b.out.figure(c.key, spreadOf(list).median)
	}
	t.note("the median of ten, or of fewer where ten take longer than 10 s")
	t.note("what waits is worked on from the start on, and most of it still waits at the end: nobody takes the answers")
	return nil
}

// coldStarts starts a gateway again and again on one folder, and ends it as asked in between.
func (b *bench) coldStarts(accounts int, backlog uint64) (list []float64, waiting uint64, err error) {
	listen, err := freePort()
	if err != nil {
		return nil, 0, err
	}
	s := settings{listen: listen, webhooks: accounts, standard: true}
	if backlog > 0 {
		s.callback = "http://127.0.0.1:9/" // nobody is there, so what is answered waits
		s.standard = false
	}
	g, dir, end, err := b.start(s)
	if err != nil {
		return nil, 0, err
	}
	defer end()
	if backlog > 0 {
		if waiting, err = b.fill(g, backlog); err != nil {
			return nil, 0, err
		}
	}
	if code := g.Stop(); code != 0 {
		return nil, 0, fmt.Errorf("the gateway ended with code %d\n%s", code, g.Log())
	}
	if backlog > 0 {
		s.standard = true
		if err := s.write(dir); err != nil {
			return nil, 0, err
		}
	}
	const few, enough = 3, 10 * time.Second
	for n, until := 0, time.Now().Add(enough); n < pick(b, few, 10) && (n < few || time.Now().Before(until)); n++ {
		began := time.Now()
		next, took, err := b.untilAnswered(dir, func() bool { return signedPost("http://"+listen+"/hook/a0", n) })
		if err != nil {
			return nil, 0, err
		}
		list = append(list, float64(took.Sub(began).Microseconds())/1000)
		if code := next.Stop(); code != 0 {
			return nil, 0, fmt.Errorf("the gateway ended with code %d\n%s", code, next.Log())
		}
	}
	return list, waiting, nil
}

// fill posts to the first account, whose answers nobody takes, and tells how many items wait in the journal then: some are to
// be interpreted, some to be answered, and some to be sent.
func (b *bench) fill(g *rig.Gateway, n uint64) (waiting uint64, err error) {
	if _, err := b.load(g, webhookPost("c{c}"), pressure{connections: 1024, during: 5 * time.Minute, requests: n}); err != nil {
		return 0, err
	}
	var s control.Status
	if err := g.Call("status", nil, &s); err != nil {
		return 0, fmt.Errorf("ask for the status: %w", err)
	}
	return pending(s), nil
}

// errSlow: a gateway did not come up as long as it was waited for.
var errSlow = fmt.Errorf("the gateway did not answer within %s", rig.StartWithin)

// untilAnswered starts a gateway in a folder and asks until the answer is yes.
func (b *bench) untilAnswered(dir string, yes func() bool) (g *rig.Gateway, at time.Time, err error) {
	type started struct {
		g   *rig.Gateway
		err error
	}
	up := make(chan started, 1)
	go func() {
		g, err := b.run(rig.Options{Command: b.command, Dir: dir})
		up <- started{g, err}
	}()
	for end := time.Now().Add(rig.StartWithin); time.Now().Before(end); time.Sleep(lookAgain) {
		if yes() {
			at = time.Now()
			s := <-up
			return s.g, at, s.err
		}
		select {
		case s := <-up:
			if s.err != nil && time.Until(end) > time.Second { // else it was not waited for any longer
				return nil, at, s.err
			}
			up <- s
		default:
		}
	}
	if s := <-up; s.err == nil {
		s.g.Kill()
	}
	return nil, at, errSlow
}

// once is a client that makes a connection for each request, as nobody is there for a while.
var once = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// signedPost posts a message signed by Standard Webhooks and tells whether it was accepted.
func signedPost(url string, n int) bool {
	now := time.Now()
	id := fmt.Sprintf("start-%d-%d", n, now.UnixNano())
	body := fmt.Sprintf(`{"id":%q,"conversation":"start","sender":"somebody","text":"hello"}`, id)
	key, err := standardwebhooks.NewWebhook(callbackKey)
	if err != nil {
		return false
	}
	signature, err := key.Sign(id, now, []byte(body))
	if err != nil {
		return false
	}
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	return accepted(req)
}

// ready tells whether a gateway says that it can take messages in.
func ready(listen string) bool {
	req, err := http.NewRequest(http.MethodGet, "http://"+listen+"/readyz", nil)
	return err == nil && accepted(req)
}

func accepted(req *http.Request) bool {
	res, err := once.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// freePort is an address that nobody listens at.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
