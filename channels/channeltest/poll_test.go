package channeltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/channels"
	"holdfast/config"
)

// flaw names the one thing that the polling network does wrong; empty for none. The contract is run with every
// flaw in a process of its own; see flaws_test.go.
var flaw = os.Getenv("CHANNELTEST_FLAW")

func TestTheContractAcceptsAGoodNetwork(t *testing.T) {
	Run(t, pollKind(), Fake{
		Peer: pollPeer, Environ: []string{"POLL_SECRET=sesame"},
		Requests: []Request{
			{Name: "a line", Form: "line", Body: `{"n":1,"text":"hi"}`, Arrivals: 1},
			{Name: "no line", Form: "line", Body: `"x"`, Arrivals: Unusable},
		},
	})
}

// pollSettings are of a network that is asked for its next lines again and again.
type pollSettings struct {
	channels.Common
	URL    string        `json:"url"`
	Secret config.Secret `json:"secret"`
	seen   int
}

func (s *pollSettings) Validate() []config.Problem {
	out := s.Common.Validate()
	if s.Secret.IsZero() {
		out = append(out, config.Problem{Path: "secret", Want: "a secret"})
	}
	if flaw == "Validate writes" {
		s.Name += "x"
	}
	if flaw == "Validate is unsteady" && s.Secret.IsZero() {
		s.seen++
		out = append(out, config.Problem{Path: strconv.Itoa(s.seen), Want: "x"})
	}
	return out
}

var sharedSettings = &pollSettings{Common: channels.DefaultCommon()}

var calls int

func pollKind() channels.Kind {
	sample := "url: http://127.0.0.1:1\nsecret: ${env:POLL_SECRET}\n"
	if flaw == "the sample has an unknown key" {
		sample += "colour: red\n"
	}
	if flaw == "the sample has a fault" {
		sample += "textChunkLimit: 0\n"
	}
	kind := channels.Kind{
		Name: "poll", Sample: []byte(sample), Routes: pollRoutes, Interpret: pollInterpret, Connect: pollConnect,
		Settings: func() channels.Settings {
			if flaw == "accounts share settings" {
				return sharedSettings
			}
			return &pollSettings{Common: channels.DefaultCommon()}
		},
		Limits: channels.Limits{Text: 100, RepeatWindow: time.Hour, Parallel: 1, SendWithin: time.Second},
	}
	if flaw == "a limit is missing" {
		kind.Limits.RepeatWindow = 0
	}
	return kind
}

func pollRoutes(a channels.Account, s channels.Settings) []channels.Route {
	p := s.(*pollSettings)
	r := channels.Route{
		Account: a, Path: "/poll", Methods: []string{"POST"}, Disabled: !p.On(),
		Auth: []channels.Auth{{
			Scheme: channels.SchemeSecret, Secrets: []config.Secret{p.Secret}, Places: []channels.Place{{In: "header", Name: "X-Token"}},
		}},
	}
	calls++
	switch flaw {
	case "a route has no auth":
		r.Auth = nil
	case "a route admits everybody":
		r.Auth[0].Scheme = channels.SchemeNone
	case "a route is reserved":
		r.Path = "/metrics"
	case "a route is unsteady":
		r.Path += strconv.Itoa(calls)
	case "a route cannot be screened":
		r.Auth[0].Places = nil
	case "a route shows the secret":
		r.Keep = []string{p.Secret.Reveal()}
	case "a route is of nobody":
		r.Account = "poll:other"
	case "a route does not switch off":
		r.Disabled = false
	case "Routes writes":
		p.Name += "x"
	}
	return []channels.Route{r}
}

func pollInterpret(s channels.Settings, r channels.Request) ([]channels.Arrival, error) {
	var line struct {
		N    int
		Text string
	}
	if err := json.Unmarshal(r.Body, &line); err != nil {
		if flaw == "nonsense panics" {
			panic(err)
		}
		return nil, err
	}
	a := channels.Arrival{ID: strconv.Itoa(line.N), Kind: channels.Message, Account: r.Account, Conversation: "c", Text: line.Text}
	calls++
	switch flaw {
	case "meaning is unsteady":
		a.ID += strconv.Itoa(calls)
	case "Interpret writes":
		s.Shared().Name = "x" + strconv.Itoa(calls)
	case "Interpret changes the body":
		copy(r.Body, "xx")
	case "an arrival has no id":
		a.ID = ""
	case "an arrival has no conversation":
		a.Conversation = ""
	case "two arrivals have one claim":
		return []channels.Arrival{a, a}, nil
	}
	return []channels.Arrival{a}, nil
}

// pollLink is one life of one account.
type pollLink struct {
	settings *pollSettings
	env      channels.Env
	client   *http.Client
	shown    string
}

func pollConnect(s channels.Settings, env channels.Env) channels.Channel {
	l := &pollLink{settings: s.(*pollSettings), env: env, client: &http.Client{Transport: &http.Transport{}}}
	switch flaw {
	case "Connect dials":
		_, _ = l.ask(context.Background(), http.MethodGet, "/poll?after=0", "")
	case "Connect starts something":
		go func() { select {} }()
	case "a connection shows the secret":
		l.shown = l.settings.Secret.Reveal()
	}
	return l
}

var (
	errRefused = errors.New("refused")
	errStatus  = errors.New("unexpected status")
)

func (l *pollLink) ask(ctx context.Context, method, path, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, l.settings.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", l.settings.Secret.Reveal())
	res, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	switch {
	case res.StatusCode == http.StatusUnauthorized:
		return nil, errRefused
	case res.StatusCode != http.StatusOK:
		return nil, errStatus
	}
	return data, err
}

func (l *pollLink) Run(ctx context.Context, in channels.Inbox) error {
	defer l.client.CloseIdleConnections()
	if flaw == "Run leaves something" {
		go func() { select {} }()
	}
	if flaw == "Run ignores its context" {
		in.Report(channels.Condition{Link: channels.Connected})
		select {}
	}
	after := 0
	for ctx.Err() == nil {
		asked := after
		if flaw == "acknowledges at once" {
			asked++
		}
		data, err := l.ask(ctx, http.MethodGet, "/poll?after="+strconv.Itoa(asked), "")
		if done, err := l.failed(ctx, in, err); done {
			return err
		} else if err != nil {
			continue
		}
		in.Report(l.condition())
		if len(data) == 0 {
			continue
		}
		err = in.Take(l.takeContext(ctx), []channels.Raw{{Form: "line", Body: data, Claims: claims(l.settings, data)}}, []byte("1"))
		if flaw == "a run stays when it is gone" && errors.Is(err, channels.ErrGone) {
			continue
		}
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return err
		}
		after++
	}
	if flaw == "a clean end is an error" {
		return ctx.Err()
	}
	return nil
}

// claims are those of what a line brings.
func claims(s *pollSettings, line []byte) []string {
	if arrivals, err := pollInterpret(s, channels.Request{Body: line}); err == nil && flaw != "an item is taken for another" {
		return []string{arrivals[0].Claim()}
	}
	return []string{"another"}
}

func (l *pollLink) takeContext(ctx context.Context) context.Context {
	if flaw == "Take outlives the run" {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (l *pollLink) condition() channels.Condition {
	c := channels.Condition{Link: channels.Connected}
	if flaw == "a report shows the secret" {
		c.Cause = l.settings.Secret.Reveal()
	}
	if flaw == "the log shows the secret" {
		l.env.Log.Debug().Msg(l.settings.Secret.Reveal())
	}
	return c
}

// failed says whether an error of the network ends the run, and with what.
func (l *pollLink) failed(ctx context.Context, in channels.Inbox, err error) (done bool, end error) {
	switch {
	case err == nil:
		return false, nil
	case ctx.Err() != nil:
		return true, nil
	case errors.Is(err, errRefused):
		switch flaw {
		case "a refusal is only an error":
			return true, err
		case "a refusal does not say what to do":
			return true, &channels.Refusal{Err: err}
		case "an error shows the secret":
			err = fmt.Errorf("%w: %s", err, l.settings.Secret.Reveal())
		}
		return true, &channels.Refusal{Err: err, Do: "set the right secret"}
	case flaw == "a network that is away is left":
		return true, nil
	case flaw == "a network that is away refuses":
		return true, &channels.Refusal{Err: err, Do: "x"}
	}
	in.Report(channels.Condition{Link: channels.Waiting, Cause: "away"})
	pause := time.NewTimer(5 * time.Millisecond)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
	return false, err
}

func (l *pollLink) Send(ctx context.Context, r channels.Reply) (channels.Receipt, error) {
	if flaw == "Send ignores its context" {
		ctx = context.WithoutCancel(ctx)
	}
	_, err := l.ask(ctx, http.MethodPost, "/send", r.Text)
	if flaw == "a reply goes out twice" {
		_, err = l.ask(ctx, http.MethodPost, "/send", r.Text)
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" && flaw != "an unreachable network is a riddle" {
		err = &channels.Failure{Outcome: channels.NotSent, Err: err}
	}
	if err != nil || flaw == "a receipt has no id" {
		return channels.Receipt{}, err
	}
	return channels.Receipt{ID: "1"}, nil
}
