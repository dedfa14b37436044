package bluebubbles

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"holdfast/channels"
)

// Bounds of what the server may answer.
const (
	maxAnswer  = 32 << 20 // bytes of one JSON document; a page of rows is well below
	maxFault   = 64 << 10 // bytes of an answer that is no success
	maxHeader  = 64 << 10
	maxQuoted  = 300 // characters of the server's words in an error
	idleFor    = 90 * time.Second
	idleConns  = 8
	dialWithin = 10 * time.Second
	quickCall  = 15 * time.Second // ping, information, typing
	lookUpCall = time.Minute      // queries of the database
)

// client speaks the server's REST interface. It follows no redirect: the password would go along.
type client struct {
	settings *Settings
	account  channels.Account
	base     *url.URL
	fault    error // why base is nil
	http     *http.Client
	alone    *http.Client // for sends: each on a connection of its own
	ahead    atomic.Int64 // nanoseconds that the server's clock is ahead of ours
	now      func() time.Time
}

func newClient(account channels.Account, s *Settings) *client {
	c := &client{settings: s, account: account, now: time.Now}
	c.base, c.fault = s.server()
	c.http, c.alone = newHTTP(true), newHTTP(false)
	return c
}

// newHTTP makes one that keeps connections, or not. On a kept connection that the server has just closed nobody can
// tell whether a request arrived; a new one that is refused proves that it did not.
func newHTTP(keep bool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: dialWithin}).DialContext,
			TLSHandshakeTimeout: dialWithin,
			MaxIdleConnsPerHost: idleConns, IdleConnTimeout: idleFor,
			MaxResponseHeaderBytes: maxHeader,
			DisableKeepAlives:      !keep,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// call is one request. Path segments are given as they are; call escapes them.
type call struct {
	method string
	path   []string
	query  url.Values
	body   io.Reader
	length int64 // of body; -1 if unknown
	kind   string
	send   bool // the outcome matters: see newHTTP
}

func (r call) String() string { return r.method + " " + strings.Join(r.path, "/") }

func get(path ...string) call { return call{method: http.MethodGet, path: path} }

func post(in any, path ...string) (call, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return call{}, fmt.Errorf("write the request: %w", err)
	}
	return call{method: http.MethodPost, path: path, body: bytes.NewReader(body), length: int64(len(body)), kind: "application/json"}, nil
}

// answer is the envelope of every answer.
type answer struct {
	Message  string          `json:"message"`
	Data     json.RawMessage `json:"data"`
	Metadata struct {
		Total int `json:"total"`
	} `json:"metadata"`
	Error struct {
		Message string `json:"message"`
	} `json:"error"`
}

// do asks and decodes the data of the answer into out, unless that is nil. Errors are *channels.Refusal, *noAnswer or
// *badAnswer.
func (c *client) do(ctx context.Context, r call, within time.Duration, out any) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	res, err := c.open(ctx, r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := readAll(res.Body, maxAnswer)
	if err != nil {
		return answer{}, &noAnswer{step: r.String(), reached: true, err: fmt.Errorf("read the answer: %w", err)}
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return answer{}, &noAnswer{step: r.String(), reached: true, err: errors.New("the answer is not that of a BlueBubbles server; check serverUrl")}
	}
	if out != nil && len(a.Data) > 0 {
		if err := json.Unmarshal(a.Data, out); err != nil {
			return answer{}, &noAnswer{step: r.String(), reached: true, err: fmt.Errorf("decode the answer: %w", err)}
		}
	}
	return a, nil
}

// open asks and returns the answer of a success with its body unread.
func (c *client) open(ctx context.Context, r call) (*http.Response, error) {
	if c.base == nil {
		return nil, c.refusal(r, "the address is not usable: want "+c.fault.Error(), "serverUrl", "mend it")
	}
	reached := false
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { reached = true }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), r.method, c.address(r), r.body)
	if err != nil {
		return nil, &noAnswer{step: r.String(), err: c.strip(err)}
	}
	if r.body != nil {
		req.Header.Set("Content-Type", r.kind)
		req.ContentLength = r.length
	}
	req.Header.Set("Accept", "application/json")
	through := c.http
	if r.send {
		through = c.alone
	}
	res, err := through.Do(req)
	if err != nil {
		return nil, &noAnswer{step: r.String(), reached: reached, err: c.strip(err)}
	}
	c.compareClocks(res.Header.Get("Date"))
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	return nil, c.badAnswer(r, res)
}

// address has the password in the query: the server reads no header.
func (c *client) address(r call) string {
	u := *c.base
	path, raw := u.Path+"/api/v1", u.EscapedPath()+"/api/v1"
	for _, segment := range r.path {
		path += "/" + segment
		raw += "/" + strings.ReplaceAll(url.PathEscape(segment), "+", "%2B")
	}
	u.Path, u.RawPath = path, raw
	query := url.Values{"password": {c.settings.password().Reveal()}}
	for key, values := range r.query {
		query[key] = values
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// badAnswer reads what the server says instead of success. Where that is no envelope, something else answered.
func (c *client) badAnswer(r call, res *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxFault)) // what can be read is better than nothing
	bad := &badAnswer{step: r.String(), status: res.StatusCode}
	var a answer
	if json.Unmarshal(body, &a) == nil && (a.Message != "" || a.Error.Message != "") {
		bad.enveloped, bad.message, bad.detail = true, c.quote(a.Message), c.quote(a.Error.Message)
		_ = json.Unmarshal(a.Data, &bad.sent) // absent or null as a rule
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		bad.after = time.Duration(min(seconds, 3600)) * time.Second
	}
	switch {
	case res.StatusCode == http.StatusUnauthorized:
		return c.refusal(r, "the server refuses the password", "password", "set it to the one that the BlueBubbles app shows")
	case res.StatusCode >= 300 && res.StatusCode < 400:
		bad.message = "redirects are not followed; the server at serverUrl points to " + c.quote(hostOf(res.Header.Get("Location")))
	}
	return bad
}

// refusal names the key to change, in full, so that it can be found in the file.
func (c *client) refusal(r call, what, key, do string) error {
	return &channels.Refusal{
		Err: fmt.Errorf("%s: %s", r, what),
		Do:  fmt.Sprintf("channels.bluebubbles.accounts.%s.%s: %s and reload", c.account.Name(), key, do),
	}
}

// strip takes the address, and with it the password, out of an error of net/http.
func (c *client) strip(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	if text := err.Error(); c.quote(text) != text && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return errors.New(c.quote(text))
	}
	return err
}

// quote makes foreign words fit to be shown: short, and without any of the passwords.
func (c *client) quote(text string) string {
	for _, p := range c.settings.Password {
		for _, form := range []string{p.Reveal(), url.QueryEscape(p.Reveal()), url.PathEscape(p.Reveal())} {
			if form != "" {
				text = strings.ReplaceAll(text, form, p.String())
			}
		}
	}
	if runes := []rune(text); len(runes) > maxQuoted {
		text = string(runes[:maxQuoted]) + "…"
	}
	return text
}

// compareClocks remembers how far the Mac's clock is off: it dates the rows.
func (c *client) compareClocks(date string) {
	if at, err := http.ParseTime(date); err == nil {
		c.ahead.Store(int64(at.Sub(c.now())))
	}
}

// theirs is a time of ours on the server's clock.
func (c *client) theirs(t time.Time) time.Time { return t.Add(time.Duration(c.ahead.Load())) }

func (c *client) close() { c.http.CloseIdleConnections() }

func readAll(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(body)) > limit {
		return nil, fmt.Errorf("it is longer than %d bytes", limit)
	}
	return body, err
}

func hostOf(location string) string {
	if u, err := url.Parse(location); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host
	}
	return "another path"
}
