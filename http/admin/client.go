package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"

	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/channel"
	"golang.org/x/sys/unix"
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
	real := filepath.Join(dir, SocketName)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED):
		return nil, fmt.Errorf("%s: %w: start it with gateway run, or name its configuration with -c", real, ErrNotRunning)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: you may not connect: use the gateway's own user, root, or gateway.adminGroup", real)
	case err != nil:
		return nil, fmt.Errorf("connect to %s: %w", real, err)
	}
	return &Client{rpc: jrpc2.NewClient(channel.Line(c, c), nil)}, nil
}

// Call calls a method; params may be nil. The result is decoded into result unless that is nil.
func (c *Client) Call(ctx context.Context, method string, params, result any) error {
	res, err := c.rpc.Call(ctx, method, params)
	if err != nil {
		var failed *jrpc2.Error
		if errors.As(err, &failed) {
			return errors.New(failed.Message)
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
