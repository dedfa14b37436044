package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"sync"

	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/channel"
	"golang.org/x/sys/unix"

	"holdfast/channels"
)

// ErrNotRunning: no gateway listens in that state folder.
var ErrNotRunning = errors.New("no gateway is running there")

// Client is the other end, for the command line and tests.
type Client struct{ rpc *jrpc2.Client }

// Dial connects to the gateway whose state folder is dir. The error says what to do; ErrNotRunning is wrapped where it
// applies.
func Dial(dir string) (*Client, error) {
	path, done, err := through(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOENT) {
		return nil, fmt.Errorf("state folder %s does not exist: %w", dir, ErrNotRunning)
	}
	if err != nil {
		return nil, err
	}
	defer done()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	place := filepath.Join(dir, SocketName)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED):
		return nil, fmt.Errorf("%s: %w: start it with gateway run, or name its configuration with -c", place, ErrNotRunning)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: you may not connect: use the gateway's own user, root, or gateway.adminGroup", place)
	case err != nil:
		return nil, fmt.Errorf("connect to %s: %w", place, err)
	}
	return &Client{rpc: jrpc2.NewClient(newAnswers(channel.Line(c, c)), nil)}, nil
}

// answers ends the connection with the reason when the gateway refuses it: that is an error without an id, which the
// library drops. And it keeps the end of the connection to itself while nothing is owed: the library delivers an answer
// beside its reading, and an end that it reads right after it would overtake the answer.
type answers struct {
	channel.Channel
	mu     sync.Mutex
	change *sync.Cond
	owed   int
	closed bool
}

func newAnswers(c channel.Channel) *answers {
	a := &answers{Channel: c}
	a.change = sync.NewCond(&a.mu)
	return a
}

func (a *answers) book(calls int, closed bool) {
	a.mu.Lock()
	a.owed += calls
	a.closed = a.closed || closed
	a.mu.Unlock()
	a.change.Broadcast()
}

// Send writes one line. That the gateway has hung up is no error here: the reason is there to be read.
func (a *answers) Send(line []byte) error {
	a.book(1, false)
	if err := a.Channel.Send(line); !errors.Is(err, unix.EPIPE) {
		return err
	}
	return nil
}

// Close ends the connection.
func (a *answers) Close() error {
	a.book(0, true)
	return a.Channel.Close()
}

// Recv reads one line.
func (a *answers) Recv() ([]byte, error) {
	line, err := a.Channel.Recv()
	if err != nil {
		a.mu.Lock()
		for a.owed == 0 && !a.closed {
			a.change.Wait()
		}
		a.mu.Unlock()
		return nil, err
	}
	a.book(-1, false)
	var refusal struct {
		ID    json.RawMessage `json:"id"`
		Error *jrpc2.Error    `json:"error"`
	}
	if json.Unmarshal(line, &refusal) == nil && refusal.Error != nil && string(refusal.ID) == "null" {
		return nil, errors.New(refusal.Error.Message)
	}
	return line, nil
}

// Call calls a method; params may be nil. The result is decoded into result unless that is nil. An error of the method is a
// *channels.CallError.
func (c *Client) Call(ctx context.Context, method string, params, result any) error {
	res, err := c.rpc.Call(ctx, method, params)
	if err != nil {
		var failed *jrpc2.Error
		switch {
		case errors.As(err, &failed):
			return &channels.CallError{Code: int(failed.Code), Message: failed.Message, Data: failed.Data}
		case ctx.Err() == nil && (errors.Is(err, context.Canceled) || errors.Is(err, io.EOF)):
			return fmt.Errorf("%s: the gateway ended the connection before it answered: see its log", method)
		}
		return fmt.Errorf("%s: %w", method, err)
	}
	if result == nil {
		return nil
	}
	return res.UnmarshalResult(result)
}

// Close ends the connection.
func (c *Client) Close() error { return c.rpc.Close() }
