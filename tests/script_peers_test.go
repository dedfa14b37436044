package tests

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/rogpeppe/go-internal/testscript"

	"holdfast/channels/bluebubbles/bluebubblestest"
	"holdfast/http/admin"
)

// The commands of scripts that speak for others than the operator:
//
//	post CODE PATH BODY|@FILE [HEADER…]  sends JSON; stdout is the answer
//	get CODE PATH [HEADER…]
//	trickle CODE PATH         sends half a request and waits for the answer
//	load PATH, loaded VAR     many senders, each until it is refused; then VAR is how many requests were accepted
//	raw FILE                  writes a file to the admin socket, half-closes, and prints what comes back
//	peer VAR silent|nonsense|nobody|used  an address where somebody hears and says nothing, answers with a page, does not
//	                          listen; used is host:port of somebody else
//	mac VAR PASSWORD          a BlueBubbles server
//	public VAR                a folder that every user can read, with the gateway's binary in it
//	journal-format DIR TEXT   makes the journal of a stopped gateway one of another format

// send sends one request and prints the answer.
func send(ts *testscript.TestScript, method, code, path string, body io.Reader, headers []string) {
	req, err := http.NewRequest(method, running(ts).URL+path, body)
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := sender.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s", answer)
	if strconv.Itoa(res.StatusCode) != code {
		ts.Fatalf("%s %s: %d, want %s", method, path, res.StatusCode, code)
	}
}

func postCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) >= 3, "post CODE PATH BODY|@FILE [HEADER…]")
	body := args[2]
	if file, ok := strings.CutPrefix(body, "@"); ok {
		body = ts.ReadFile(file)
	}
	send(ts, http.MethodPost, args[0], args[1], strings.NewReader(body), args[3:])
}

func getCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) >= 2, "get CODE PATH [HEADER…]")
	send(ts, http.MethodGet, args[0], args[1], nil, args[2:])
}

func trickleCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "trickle CODE PATH")
	host := strings.TrimPrefix(running(ts).URL, "http://")
	c, err := net.Dial("tcp", host)
	ts.Check(err)
	defer c.Close()
	ts.Check(c.SetDeadline(time.Now().Add(patience)))
	_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"text\":", args[1], host)
	ts.Check(err)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	ts.Check(err)
	defer res.Body.Close()
	if strconv.Itoa(res.StatusCode) != args[0] {
		ts.Fatalf("POST %s: %d, want %s", args[1], res.StatusCode, args[0])
	}
}

// load is senders at work.
type load struct {
	done     sync.WaitGroup
	mu       sync.Mutex
	accepted int
}

func loadCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "load PATH")
	l, g := &load{}, running(ts)
	sessionOf(ts).load = l
	for range 4 {
		l.done.Go(func() {
			for answer := (answer{code: http.StatusOK}); answer.code == http.StatusOK; {
				answer = request(g.URL+args[0], "", `{"text":"hello"}`)
				if answer.code == http.StatusOK {
					l.mu.Lock()
					l.accepted++
					l.mu.Unlock()
				}
			}
		})
	}
	until(ts, "the first are accepted", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.accepted >= 20 })
}

func loadedCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "loaded VAR")
	l := sessionOf(ts).load
	l.done.Wait()
	ts.Setenv(args[0], strconv.Itoa(l.accepted))
}

func rawCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "raw FILE")
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(running(ts).State, admin.SocketName), Net: "unix"})
	ts.Check(err)
	defer c.Close()
	ts.Check(c.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(c, ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Check(c.CloseWrite())
	_, err = io.Copy(ts.Stdout(), c)
	ts.Check(err)
}

func peerCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "peer VAR silent|nonsense|nobody|used")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	address := "http://" + l.Addr().String()
	switch args[1] {
	case "silent":
	case "nobody":
		l.Close()
	case "used":
		address = l.Addr().String()
	case "nonsense":
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<html>welcome to nginx</html>")
		})}
		go s.Serve(l) //nolint:errcheck // it is closed at the end
		ts.Defer(func() { s.Close() })
	default:
		ts.Fatalf("there is no peer that is %s", args[1])
	}
	ts.Setenv(args[0], address)
}

func macCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "mac VAR PASSWORD")
	s := bluebubblestest.New(bluebubblestest.Options{Password: args[1]})
	ts.Check(s.Start())
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL())
}

// publicCmd makes the folder outside $WORK, which only we can enter.
func publicCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "public VAR")
	dir, err := os.MkdirTemp("", "holdfast-public-")
	ts.Check(err)
	ts.Defer(func() { os.RemoveAll(dir) })
	ts.Check(os.Chmod(dir, 0o755))
	binary, err := os.Open(ts.Getenv("GATEWAY"))
	ts.Check(err)
	defer binary.Close()
	out, err := os.OpenFile(filepath.Join(dir, "gateway"), os.O_CREATE|os.O_WRONLY, 0o755)
	ts.Check(err)
	_, err = io.Copy(out, binary)
	ts.Check(err)
	ts.Check(out.Close())
	ts.Setenv(args[0], dir)
}

// journalFormatCmd finds the version where the journal keeps it: under the only key of one byte that holds it.
func journalFormatCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "journal-format DIR TEXT")
	db, err := pebble.Open(filepath.Join(ts.MkAbs(args[0]), "journal"), &pebble.Options{FormatMajorVersion: pebble.FormatValueSeparation, Logger: quiet{}})
	ts.Check(err)
	defer db.Close()
	ts.Check(db.Set(formatKey(ts, db), []byte(args[1]), pebble.Sync))
}

// quiet drops what the store has to say.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}

func formatKey(ts *testscript.TestScript, db *pebble.DB) []byte {
	it, err := db.NewIter(nil)
	ts.Check(err)
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		if len(it.Key()) == 1 && len(it.Value()) == 1 {
			return bytes.Clone(it.Key())
		}
	}
	ts.Fatalf("the journal has no format version")
	return nil
}

// describe is one line of a listing.
func describe(path string, d os.DirEntry) (string, error) {
	info, err := d.Info()
	if err != nil {
		return "", err
	}
	line := fmt.Sprintf("%s %s %d %s", path, info.Mode(), info.Size(), info.ModTime().Format(time.RFC3339Nano))
	if !info.Mode().IsRegular() {
		return line, nil
	}
	content, err := os.ReadFile(path)
	return fmt.Sprintf("%s %x", line, sha256.Sum256(content)), err
}
