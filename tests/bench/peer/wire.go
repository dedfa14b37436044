package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// What stands for numbers, and how many digits they have.
const (
	numberMark, numberDigits = "{n}", 12
	connMark, connDigits     = "{c}", 5
	timeMark, timeDigits     = "{t}", 16
)

// wire is where requests go and the bytes of one of them. It is never changed.
type wire struct {
	address string
	tls     *tls.Config // nil: plain
	raw     []byte      // with zeros in the place of numbers
	numbers []int       // where the number of the request stands in it
	conns   []int       // where the number of the connection stands in it
	times   []int       // where the planned instant stands in it
	head    bool        // the answer has no body, whatever its headers say
}

// newWire writes the request once and for all.
func newWire(address, method string, headers []string, body []byte, anyCertificate bool) (*wire, error) {
	// Marks are no characters of an address: they are put back after it was read.
	u, err := url.Parse(strings.NewReplacer(numberMark, "-n-", connMark, "-c-", timeMark, "-t-").Replace(address))
	if err != nil {
		return nil, fmt.Errorf("read the address: %w", err)
	}
	w := &wire{address: u.Host, head: method == fasthttp.MethodHead}
	port := "80"
	switch u.Scheme {
	case "http":
	case "https":
		port = "443"
		w.tls = &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: anyCertificate}
	default:
		return nil, fmt.Errorf("read the address %s: its scheme is %q, want http or https", address, u.Scheme)
	}
	if u.Port() == "" {
		w.address = net.JoinHostPort(u.Hostname(), port)
	}
	_, after, _ := strings.Cut(address, "://")
	target := "/"
	if at := strings.IndexAny(after, "/?"); at >= 0 {
		target = "/" + strings.TrimPrefix(after[at:], "/")
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, u.Host)
	for _, h := range headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok || name == "" || strings.ContainsAny(h, "\r\n") {
			return nil, fmt.Errorf("read the header %q: want NAME: VALUE", name)
		}
		fmt.Fprintf(&b, "%s: %s\r\n", name, strings.TrimSpace(value))
	}
	if len(body) > 0 || method != fasthttp.MethodGet && method != fasthttp.MethodHead {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(numbered(body)))
	}
	b.WriteString("\r\n")
	w.place(append(b.Bytes(), body...))
	return w, nil
}

// marks are what stands for numbers.
var marks = []struct {
	text   []byte
	digits int
	places func(*wire) *[]int
}{
	{[]byte(numberMark), numberDigits, func(w *wire) *[]int { return &w.numbers }},
	{[]byte(connMark), connDigits, func(w *wire) *[]int { return &w.conns }},
	{[]byte(timeMark), timeDigits, func(w *wire) *[]int { return &w.times }},
}

// numbered has zeros in the place of marks.
func numbered(text []byte) []byte {
	for _, m := range marks {
		text = bytes.ReplaceAll(text, m.text, bytes.Repeat([]byte{'0'}, m.digits))
	}
	return text
}

// place finds the marks and puts zeros there.
func (w *wire) place(text []byte) {
next:
	for len(text) > 0 {
		for _, m := range marks {
			if bytes.HasPrefix(text, m.text) {
				at := m.places(w)
				*at = append(*at, len(w.raw))
				w.raw, text = append(w.raw, numbered(m.text)...), text[len(m.text):]
				continue next
			}
		}
		w.raw, text = append(w.raw, text[0]), text[1:]
	}
}

// put writes a number into so many digits; what does not fit is cut off in front.
func put(into []byte, number uint64) {
	for i := len(into) - 1; i >= 0; i-- {
		into[i], number = byte('0'+number%10), number/10
	}
}

// conn is one connection. It is its worker's.
type conn struct {
	*wire
	request []byte
	timeout time.Duration
	net     net.Conn // nil: to be made
	in      *bufio.Reader
	answer  fasthttp.Response
	renew   time.Time // when the deadline is set again
}

func newConn(w *wire, number int, timeout time.Duration) *conn {
	c := &conn{wire: w, request: bytes.Clone(w.raw), timeout: timeout, in: bufio.NewReaderSize(nil, 4<<10)}
	for _, at := range w.conns {
		put(c.request[at:at+connDigits], uint64(number))
	}
	c.answer.SkipBody = w.head
	return c
}

// dial makes the connection if there is none.
func (c *conn) dial() error {
	if c.net != nil {
		return nil
	}
	d := net.Dialer{Timeout: c.timeout}
	made, err := d.Dial("tcp", c.address)
	if err != nil {
		return err
	}
	if c.tls != nil {
		made = tls.Client(made, c.tls)
	}
	c.net, c.renew = made, time.Time{}
	c.in.Reset(made)
	return nil
}

// exchange sends the request with that number and reads the answer. After an error the connection is gone.
func (c *conn) exchange(number uint64, planned, now time.Time) (status int, err error) {
	if err := c.dial(); err != nil {
		return 0, err
	}
	// A deadline costs as much as a part of a send, so it is set four times in its length.
	if now.After(c.renew) {
		c.renew = now.Add(c.timeout / 4)
		if err := c.net.SetDeadline(now.Add(c.timeout)); err != nil {
			return 0, errors.Join(err, c.close())
		}
	}
	for _, at := range c.numbers {
		put(c.request[at:at+numberDigits], number)
	}
	for _, at := range c.times {
		put(c.request[at:at+timeDigits], uint64(planned.UnixMicro()))
	}
	if _, err := c.net.Write(c.request); err != nil {
		return 0, errors.Join(err, c.close())
	}
	if err := c.answer.Read(c.in); err != nil {
		return 0, errors.Join(err, c.close())
	}
	status = c.answer.StatusCode()
	if c.answer.ConnectionClose() {
		return status, c.close()
	}
	return status, nil
}

func (c *conn) close() error {
	if c.net == nil {
		return nil
	}
	_ = c.net.Close() // whatever was wrong with it is over
	c.net = nil
	return nil
}

// sortOf is an error in a word or two, without addresses.
func sortOf(err error) string {
	var (
		op   *net.OpError
		late interface{ Timeout() bool } // of the network, or of the library
	)
	switch {
	case errors.As(err, &late) && late.Timeout():
		return "no answer in time"
	case errors.As(err, &op):
		return op.Op + ": " + rootOf(op.Err).Error()
	}
	return "read: " + strconv.Quote(rootOf(err).Error())
}

func rootOf(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}
