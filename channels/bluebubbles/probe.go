package bluebubbles

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/channels"
)

// clockOff is how far the Mac's clock may be off before it is worth a word.
const clockOff = 30 * time.Second

// serverInfo is what the server says about itself.
type serverInfo struct {
	Version    string `json:"server_version"`
	PrivateAPI bool   `json:"private_api"`      // switched on
	Helper     bool   `json:"helper_connected"` // usable now
}

// private tells whether the Private API works: both are needed.
func (i serverInfo) private() bool { return i.PrivateAPI && i.Helper }

// endsTyping tells whether the server can be told to stop typing. Up to 1.9.9 that call starts it.
func (i serverInfo) endsTyping() bool {
	fixed := []int{1, 9, 9}
	for n, part := range strings.SplitN(i.Version, ".", 3) {
		number, err := strconv.Atoi(part)
		if err != nil {
			return false
		}
		if number != fixed[n] {
			return number > fixed[n]
		}
	}
	return false
}

// probe asks whether the server is there, takes the password, and what it can do.
func (c *channel) probe(ctx context.Context) error {
	if _, err := c.api.do(ctx, get("ping"), quickCall, nil); err != nil {
		return err
	}
	_, err := c.ask(ctx)
	return err
}

func (c *channel) ask(ctx context.Context) (serverInfo, error) {
	var info serverInfo
	if _, err := c.api.do(ctx, get("server", "info"), quickCall, &info); err != nil {
		return serverInfo{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.info = &info
	return info, nil
}

// known is what the last probe found, or a probe if there was none.
func (c *channel) known(ctx context.Context) (serverInfo, error) {
	c.mu.Lock()
	info := c.info
	c.mu.Unlock()
	if info != nil {
		return *info, nil
	}
	return c.ask(ctx)
}

func (c *channel) facts() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.info == nil {
		return nil
	}
	facts := map[string]string{
		"privateApi":      choose(c.info.PrivateAPI, "on", "off"),
		"helperConnected": choose(c.info.Helper, "yes", "no"),
		"serverVersion":   c.api.quote(c.info.Version),
	}
	if off := time.Duration(c.api.ahead.Load()); off.Abs() > clockOff {
		facts["clockOff"] = off.Round(time.Minute).String()
	}
	return facts
}

// hookState tells whether the server knows our webhook.
type hookState string

const (
	hookYes     hookState = "yes"
	hookNo      hookState = "no"
	hookUnknown hookState = "unknown" // our address is not known, or one like it is registered under another host
)

func (s hookState) orUnknown() hookState {
	if s == "" {
		return hookUnknown
	}
	return s
}

// advice is what to do about a missing webhook; messages come late without it.
func (s hookState) advice(webhook string) string {
	if s != hookNo {
		return ""
	}
	return fmt.Sprintf("the server has no webhook for %s with new-message, so messages come only with the query every ten minutes: "+
		"add it in the BlueBubbles app with ?password=<password> at its end", webhook)
}

// findHook looks for our address among the webhooks. Their queries hold the password and are not looked at.
func (c *channel) findHook(ctx context.Context, webhook string) (hookState, error) {
	var hooks []struct {
		URL    string   `json:"url"`
		Events []string `json:"events"`
	}
	if _, err := c.api.do(ctx, get("webhook"), quickCall, &hooks); err != nil {
		return "", err
	}
	ours, err := url.Parse(webhook)
	if webhook == "" || err != nil {
		return hookUnknown, nil
	}
	state := hookNo
	for _, hook := range hooks {
		theirs, err := url.Parse(hook.URL)
		if err != nil || !samePath(ours, theirs) || !slices.Contains(hook.Events, "*") && !slices.Contains(hook.Events, "new-message") {
			continue
		}
		if strings.EqualFold(hostPort(ours), hostPort(theirs)) {
			return hookYes, nil
		}
		state = hookUnknown // a name that leads here, perhaps
	}
	return state, nil
}

func samePath(a, b *url.URL) bool {
	one, err := channels.Canonical("/" + strings.TrimPrefix(a.EscapedPath(), "/"))
	other, err2 := channels.Canonical("/" + strings.TrimPrefix(b.EscapedPath(), "/"))
	return err == nil && err2 == nil && one == other
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = choose(u.Scheme == "https", "443", "80")
	}
	return u.Hostname() + ":" + port
}

func choose(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}
