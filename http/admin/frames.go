package admin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/creachadair/jrpc2/channel"
)

// frameMax is the longest line that is read, in bytes.
const frameMax = 4 << 20

var errFrame = fmt.Errorf("a line is longer than %d bytes", frameMax)

// frames is a connection as lines of JSON. When the client closes its half, Recv waits until every call has been
// answered before it says so: the library would otherwise drop the answers.
type frames struct {
	conn net.Conn
	in   *bufio.Reader

	mu   sync.Mutex
	idle *sync.Cond
	owed int  // answers that are not out yet
	gone bool // nothing can be sent any more
}

var _ channel.Channel = (*frames)(nil)

func newFrames(c net.Conn) *frames {
	f := &frames{conn: c, in: bufio.NewReaderSize(c, 64<<10)}
	f.idle = sync.NewCond(&f.mu)
	return f
}

// Send writes one line.
func (f *frames) Send(line []byte) error {
	_, err := f.conn.Write(append(bytes.Clone(line), '\n'))
	f.mu.Lock()
	f.owed--
	f.gone = f.gone || err != nil
	f.mu.Unlock()
	f.idle.Broadcast()
	return err
}

// Recv reads one line; empty ones are passed over.
func (f *frames) Recv() ([]byte, error) {
	for {
		line, err := f.line()
		if line = bytes.TrimSpace(line); len(line) > 0 && err == nil {
			if wantsAnswer(line) {
				f.mu.Lock()
				f.owed++
				f.mu.Unlock()
			}
			return line, nil
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				f.settle()
			}
			return nil, err
		}
	}
}

func (f *frames) line() ([]byte, error) {
	var line []byte
	for {
		part, err := f.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > frameMax:
			return nil, errFrame
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(bytes.TrimSpace(line)) > 0:
			return line, nil // the last line needs no newline
		}
		return line, err
	}
}

// settle waits until nothing is owed or nothing can be sent.
func (f *frames) settle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.owed > 0 && !f.gone {
		f.idle.Wait()
	}
}

// Close ends the connection and everybody who waits on it.
func (f *frames) Close() error {
	f.mu.Lock()
	f.gone = true
	f.mu.Unlock()
	f.idle.Broadcast()
	return f.conn.Close()
}

// wantsAnswer tells whether the library will send exactly one line for this one: not for notifications. What is no JSON
// gets an error, which is a line as well.
func wantsAnswer(line []byte) bool {
	type call struct {
		ID json.RawMessage `json:"id"`
	}
	if line[0] == '[' {
		var batch []call
		if json.Unmarshal(line, &batch) != nil || len(batch) == 0 {
			return true
		}
		for _, c := range batch {
			if len(c.ID) > 0 {
				return true
			}
		}
		return false
	}
	var one call
	return json.Unmarshal(line, &one) != nil || len(one.ID) > 0
}
