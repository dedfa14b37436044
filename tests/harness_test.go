package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/actors/reload"
	"holdfast/channels"
	"holdfast/channels/bluebubbles/bluebubblestest"
	"holdfast/http/admin"
	"holdfast/tests/rig"
)

// canary is part of every secret of these tests, and of nothing else: where it shows, a secret does.
const canary = "c4nary"

// patience is how long something may take that has to happen. It is never waited for in full when things are well.
const patience = time.Minute

// eventually polls until ok, and fails the test when patience is over. why says how it stands.
func eventually(t testing.TB, what string, ok func() (bool, string)) {
	t.Helper()
	var why string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		done, now := ok()
		if done {
			return
		}
		why = now
	}
	t.Fatalf("%s: not within %s: %s", what, patience, why)
}

// gate is a gateway process under test, with its folder, over all its lives.
type gate struct {
	*rig.Gateway
	t      *testing.T
	dir    string
	env    []string
	before []string // log and output of earlier lives
	admin  *admin.Client
}

// open starts a gateway with a configuration. When the test ends, the process must be alive, its books must balance, it must
// end with code 0, and no secret may have shown anywhere.
func open(t *testing.T, config string, env ...string) *gate {
	t.Helper()
	g := &gate{t: t, dir: t.TempDir(), env: append([]string{asGateway + "="}, env...)}
	g.write(config)
	g.begin()
	t.Cleanup(g.close)
	return g
}

func (g *gate) file() string { return filepath.Join(g.dir, "holdfast.yaml") }

// write replaces the configuration file.
func (g *gate) write(config string) {
	g.t.Helper()
	if err := os.WriteFile(g.file(), []byte(config), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// edit replaces a part of the configuration file that must be there.
func (g *gate) edit(old, new string) {
	g.t.Helper()
	text, err := os.ReadFile(g.file())
	if err != nil {
		g.t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		g.t.Fatalf("the configuration has no %q", old)
	}
	g.write(strings.Replace(string(text), old, new, 1))
}

// byHand leaves reloads to the test; one that is about the watch sets it to true.
const byHand = "HOLDFAST_GATEWAY__WATCH=false"

// launch starts a process on what is there, and tells why it does not listen.
func (g *gate) launch(env ...string) error {
	g.t.Helper()
	self, err := os.Executable()
	if err != nil {
		g.t.Fatal(err)
	}
	g.Gateway, err = rig.Start(rig.Options{Command: []string{self}, Dir: g.dir, Env: append(append(env, byHand), g.env...)})
	return err
}

// begin starts a life on what is there.
func (g *gate) begin(env ...string) {
	g.t.Helper()
	err := g.launch(env...)
	if err != nil {
		g.t.Fatal(err)
	}
	if g.admin, err = admin.Dial(g.State); err != nil {
		g.t.Fatal(err)
	}
	g.status() // whoever says nothing at first is cut off
}

// crash ends the process as SIGKILL does.
func (g *gate) crash() {
	g.Kill()
	_ = g.admin.Close()
	g.before = append(g.before, g.Log(), g.Output())
}

// stop ends the process as an operator does.
func (g *gate) stop() {
	g.t.Helper()
	g.Signal(syscall.SIGTERM)
	g.ends(0)
}

// ends waits for the end of the process.
func (g *gate) ends(code int) {
	g.t.Helper()
	_ = g.admin.Close()
	if got := g.Wait(); got != code {
		g.t.Errorf("the gateway ended with code %d, want %d:\n%s", got, code, tail(g.Log()))
	}
	g.before = append(g.before, g.Log(), g.Output())
}

func (g *gate) close() {
	g.t.Helper()
	defer g.Kill()
	if g.Ended() {
		g.t.Errorf("the gateway is gone:\n%s", tail(g.Log()))
		return
	}
	g.balanced()
	status, err := json.Marshal(g.status())
	if err != nil {
		g.t.Error(err)
	}
	seen := append(g.before, string(status))
	for _, method := range []string{"tree", "routes", "plugins.list", "channels.list", "rpc.discover", "config.get"} {
		var raw json.RawMessage
		err := g.Call(method, nil, &raw) // a test may leave a file that cannot be read
		seen = append(seen, fmt.Sprint(string(raw), err))
	}
	g.stop()
	for _, text := range append(seen, g.Log(), g.Output()) {
		if at := strings.Index(text, canary); at >= 0 {
			g.t.Errorf("a secret shows: …%s…", text[max(0, at-300):min(len(text), at+40)])
		}
	}
	if g.t.Failed() {
		g.t.Logf("the status was:\n%s", status)
		g.t.Logf("the log ends with:\n%s", tail(g.Log()))
	}
}

// balanced fails the test unless the counters agree with the keys.
func (g *gate) balanced() {
	g.t.Helper()
	var books control.VerifyResult
	g.call("journal.verify", nil, &books)
	if !books.Balanced {
		g.t.Errorf("the books do not balance: %v", books.Faults)
	}
	for _, q := range books.Queues {
		if q.Created != q.Done+q.Dead+q.Expired+q.Pending {
			g.t.Errorf("%s %s: created is not the sum of the others: %+v", q.Account, q.Kind, q.Counters)
		}
	}
}

// tail is the end of a log.
func tail(log string) string { return log[max(0, len(log)-6000):] }

// call calls a method of the admin socket that must succeed.
func (g *gate) call(method string, params, result any) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := g.admin.Call(ctx, method, params, result); err != nil {
		g.t.Fatalf("%s: %v\n%s", method, err, tail(g.Log()))
	}
}

func (g *gate) status() (s control.Status) {
	g.t.Helper()
	g.call("status", nil, &s)
	return s
}

// account is one account's part of the status.
func (g *gate) account(id channels.Account) control.AccountStatus {
	g.t.Helper()
	for _, a := range g.status().Accounts {
		if a.Account == id {
			return a
		}
	}
	g.t.Fatalf("%s is not in the status", id)
	return control.AccountStatus{}
}

// until waits for an account to be as wanted.
func (g *gate) until(id channels.Account, what string, ok func(control.AccountStatus) bool) (a control.AccountStatus) {
	g.t.Helper()
	eventually(g.t, string(id)+" "+what, func() (bool, string) {
		a = g.account(id)
		return ok(a), fmt.Sprintf("%+v", a)
	})
	return a
}

func green(a control.AccountStatus) bool { return a.Health == "green" }

// queue is the counters of one queue.
func (g *gate) queue(id channels.Account, kind journal.Kind) journal.Counters {
	g.t.Helper()
	for _, q := range g.status().Queues {
		if q.Account == id && q.Kind == kind {
			return q.Counters
		}
	}
	return journal.Counters{}
}

// reload reads the configuration again; no unit may fail.
func (g *gate) reload() (r reload.Report) {
	g.t.Helper()
	g.call("reload", nil, &r)
	if r.Err != "" || len(r.Problems) > 0 {
		g.t.Fatalf("reload: %s %v", r.Err, r.Problems)
	}
	for unit, v := range r.Units {
		if v.Result == "failed" {
			g.t.Fatalf("reload: %s failed: %s", unit, v.Reason)
		}
	}
	return r
}

// run is a command line against this gateway.
func (g *gate) run(args ...string) (stdout, stderr string, code int) {
	g.t.Helper()
	self, err := os.Executable()
	if err != nil {
		g.t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(self, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = g.dir, rig.Env(g.env...), &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		g.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// answer is what a sender heard.
type answer struct {
	code   int
	header http.Header
	body   string
}

// post sends JSON with a bearer secret, if there is one; code 0 means that no answer came.
func (g *gate) post(path, secret, body string) answer {
	return request(g.URL+path, secret, body)
}

func request(address, secret, body string) answer {
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return answer{body: err.Error()}
	}
	req.Header.Set("Content-Type", "application/json")
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	res, err := sender.Do(req)
	if err != nil {
		return answer{body: err.Error()}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{body: err.Error()}
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

// sender opens a connection for each request, as senders that seldom have something to say do.
var sender = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// freePort is a port that a gateway keeps over its lives. It lies below those that the system gives to others.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(10000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// mac starts a BlueBubbles double. It must have been treated as a right client would.
func mac(t *testing.T, o bluebubblestest.Options) *bluebubblestest.Server {
	t.Helper()
	s := bluebubblestest.New(o)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		for _, f := range s.Faults() {
			t.Errorf("the BlueBubbles server says: %s", f)
		}
	})
	return s
}
