// Command demo is the show: it starts the gateway, two simulated BlueBubbles servers and senders, pushes messages through
// while it restarts accounts, and prints the ledger as it goes. Its last line is one JSON object.
//
// Lost, duplicated and answered are set differences between what the simulated servers say they announced and what they
// were made to send; the gateway's own counters are not believed.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"

	"holdfast/channels/bluebubbles/bluebubblestest"
	"holdfast/tests/rig"
)

// Shape of the show.
const (
	spread       = 12 * time.Second // over which the messages are sent
	restartEvery = 700 * time.Millisecond
	patience     = time.Minute // for the last answers
	chats        = 12          // per account
)

// result is the last line.
type result struct {
	Sent       int     `json:"sent"`
	Accepted   int     `json:"accepted"`
	Non2xx     int     `json:"non2xx"`
	Answered   int     `json:"answered"`
	Lost       int     `json:"lost"`
	Duplicated int     `json:"duplicated"`
	Restarts   int     `json:"restarts"`
	Seconds    float64 `json:"seconds"`
}

func main() {
	binary := flag.String("gateway", "bin/gateway", "the gateway's binary")
	n := flag.Int("n", 600, "messages")
	keep := flag.Bool("keep", false, "keep the folder with state and log")
	flag.Parse()
	r, err := show(*binary, *n, *keep)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
	line, err := json.Marshal(r)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
	fmt.Println(string(line))
	if r.Lost+r.Duplicated+r.Non2xx > 0 || r.Answered != r.Sent {
		os.Exit(1)
	}
}

const settings = `gateway: {listen: "127.0.0.1:0", stateDir: ./state}
channels:
  bluebubbles:
    accounts:
      home: {serverUrl: %q, password: "demo-home", dmPolicy: open, allowFrom: ["*"]}
      work: {serverUrl: %q, password: "demo-work", dmPolicy: open, allowFrom: ["*"]}
agents:
  default: {kind: echo}
`

// show runs the demonstration in a temporary folder.
func show(binary string, n int, keep bool) (result, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return result{}, err
	}
	dir, err := os.MkdirTemp("", "holdfast-demo-")
	if err != nil {
		return result{}, err
	}
	log, err := os.Create(filepath.Join(dir, "gateway.log"))
	if err != nil {
		return result{}, err
	}
	defer log.Close()
	if keep {
		fmt.Println("state and log are in", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	s := &stage{names: []string{"home", "work"}}
	for _, name := range s.names {
		server := bluebubblestest.New(bluebubblestest.Options{Password: "demo-" + name, PrivateAPI: true, Helper: true})
		if err := server.Start(); err != nil {
			return result{}, err
		}
		defer server.Close()
		s.servers = append(s.servers, server)
	}
	s.gateway, err = rig.Start(rig.Options{
		Command: []string{binary}, Dir: dir, Log: log,
		Config: fmt.Sprintf(settings, s.servers[0].URL(), s.servers[1].URL()),
	})
	if err != nil {
		return result{}, err
	}
	defer s.gateway.Kill()
	for i, server := range s.servers {
		server.Register(s.gateway.URL + "/bluebubbles-webhook?password=demo-" + s.names[i])
	}
	fmt.Print(s.gateway.Output())
	r := s.play(n)
	if code := s.gateway.Stop(); code != 0 {
		return r, fmt.Errorf("the gateway ended with code %d; see %s", code, log.Name())
	}
	return r, nil
}

// stage is everything on it.
type stage struct {
	names    []string
	servers  []*bluebubblestest.Server
	gateway  *rig.Gateway
	restarts atomic.Int64
}

// play sends, restarts, and counts until everything is answered or patience is over.
func (s *stage) play(n int) result {
	began := time.Now()
	gap := spread / time.Duration(max(n, 1))
	progress := newProgress(n)
	nextLine := began.Add(time.Second)
	stop := make(chan struct{})
	defer s.restarting(stop).Wait()
	defer close(stop)
	for sent := 0; sent < n; {
		now := time.Now()
		for ; sent < n && now.Sub(began) >= time.Duration(sent)*gap; sent++ {
			server := s.servers[sent%len(s.servers)]
			chat := sent / len(s.servers) % chats
			server.Receive(fmt.Sprintf("iMessage;-;+1555000%04d", chat), fmt.Sprintf("+1555000%04d", chat), fmt.Sprintf("message %06d", sent))
		}
		if now.After(nextLine) {
			progress.line(s.count(began))
			nextLine = now.Add(time.Second)
		}
		time.Sleep(2 * time.Millisecond)
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		r := s.count(began)
		if time.Now().After(nextLine) {
			progress.line(r)
			nextLine = time.Now().Add(time.Second)
		}
		if r.Answered == n && r.Accepted+r.Non2xx >= n {
			break
		}
	}
	r := s.count(began)
	r.Lost = r.Sent - r.Answered
	progress.end(r)
	for i, server := range s.servers {
		for _, fault := range server.Faults() {
			fmt.Fprintf(os.Stderr, "the server of %s says: %s\n", s.names[i], fault)
		}
	}
	return r
}

// restarting restarts one account after the other, in turn, while messages come in, until stop is closed.
func (s *stage) restarting(stop <-chan struct{}) *sync.WaitGroup {
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(restartEvery)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			target := "bluebubbles:" + s.names[i%len(s.names)]
			if err := s.gateway.Call("channels.restart", map[string]string{"target": target}, nil); err != nil {
				fmt.Fprintln(os.Stderr, "restart:", err)
				continue
			}
			s.restarts.Add(1)
		}
	})
	return &done
}

// count compares the servers' own records.
func (s *stage) count(began time.Time) result {
	r := result{Restarts: int(s.restarts.Load()), Seconds: time.Since(began).Round(10 * time.Millisecond).Seconds()}
	for _, server := range s.servers {
		answers := map[string]int{}
		for _, one := range server.Sent() {
			answers[one.Text]++
		}
		for _, one := range server.Received() {
			r.Sent++
			switch n := answers[one.Text]; {
			case n == 1:
				r.Answered++
			case n > 1:
				r.Answered++
				r.Duplicated += n - 1
			}
		}
		guids := map[string]bool{}
		for _, one := range server.Received() {
			guids[one.GUID] = true
		}
		for _, post := range server.Posts() {
			switch {
			case !guids[post.GUID] || post.Type != "new-message":
			case post.Status >= 200 && post.Status < 300:
				r.Accepted++
			default:
				r.Non2xx++
			}
		}
	}
	return r
}

// progress shows how far it is: a bar on a terminal, lines elsewhere.
type progress struct{ bar *progressbar.ProgressBar }

func newProgress(n int) progress {
	if !isatty.IsTerminal(os.Stdout.Fd()) {
		return progress{}
	}
	return progress{bar: progressbar.NewOptions(n, progressbar.OptionSetDescription("answered"), progressbar.OptionShowCount(), progressbar.OptionFullWidth())}
}

func (p progress) line(r result) {
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("answered (%d sent, %d restarts)", r.Sent, r.Restarts))
		_ = p.bar.Set(r.Answered)
		return
	}
	fmt.Printf("%5.1fs  sent %d  accepted %d  non2xx %d  answered %d  duplicated %d  restarts %d\n", r.Seconds, r.Sent, r.Accepted, r.Non2xx,
		r.Answered, r.Duplicated, r.Restarts)
}

func (p progress) end(r result) {
	if p.bar != nil {
		_ = p.bar.Set(r.Answered)
		_ = p.bar.Finish()
		fmt.Println()
	}
}
