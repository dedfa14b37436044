package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/tidwall/gjson"

	"holdfast/actors/agents/backend"
	"holdfast/config"
)

// Bounds of what is repeated of a server's own words, in bytes.
const (
	maxExcerpt = 300
	maxRead    = 8 << 10
)

// Peer is a server that an agent asks. It words every failure: what was under way, where, and what to do.
//
// Hold it by pointer: fmt looks into nested values but not behind nested pointers.
type Peer struct {
	Agent  string          // the agent's name in the configuration
	Place  string          // the address as people may see it
	Within config.Duration // the deadline of one turn
	Secret config.Secret   // never repeated, whoever says it
}

// Setting names one of the agent's settings as in the configuration.
func (p *Peer) Setting(key string) string { return "agents." + p.Agent + "." + key }

// Lost is the transient error for a server that did not answer, or not to the end: unreachable, cut, out of time.
func (p *Peer) Lost(ctx context.Context, err error) error {
	switch cause := ctx.Err(); {
	case errors.Is(cause, context.DeadlineExceeded):
		return fmt.Errorf("asking %s: no whole answer within the deadline; see whether the server is overloaded, or raise %s (now %s): %w",
			p.Place, p.Setting("timeout"), p.Within, cause)
	case cause != nil:
		return fmt.Errorf("asking %s: the turn was ended: %w", p.Place, cause)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return p.Failed("the connection was cut before the answer was whole", "see the server's own log")
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the address, whose query may hold a credential
	}
	return p.Failed(err.Error(), "see whether the server runs and is reachable from here")
}

// Failed is a transient error: what happened and what to do about it.
func (p *Peer) Failed(what, do string) error {
	return fmt.Errorf("asking %s: %s; %s", p.Place, p.Scrub(what), do)
}

// Nonsense is the transient error for an answer that makes no sense: a page of a proxy, half a document. It passes when
// the server is itself again.
func (p *Peer) Nonsense(format string, args ...any) error {
	return p.Failed(fmt.Sprintf(format, args...), "see whether this address is the right one and the server is well")
}

// Refused is a refusal that every message gets: what happened and what to do about it.
func (p *Peer) Refused(what, do string) error {
	return &backend.Refusal{Err: p.Failed(what, do)}
}

// Unanswerable is the refusal of one message.
func (p *Peer) Unanswerable(what, do string) error {
	return &backend.Refusal{Err: p.Failed(what, do), Message: true}
}

// ofMessage are the codes by which a server says that it does not like what it was asked, and not who asks or where.
var ofMessage = []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}

// Status turns an answer that is not a good one into an error and closes it. Whether it is a refusal is for the kind to
// say; do is what the operator can change. The server's words are repeated, except where it rejected the credential.
func (p *Peer) Status(res *http.Response, transient bool, do string) error {
	defer res.Body.Close()
	what := fmt.Sprintf("answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	if res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusForbidden {
		if said := p.excerpt(res.Body); said != "" {
			what += " (" + strconv.Quote(said) + ")"
		}
	}
	switch {
	case transient:
	case slices.Contains(ofMessage, res.StatusCode):
		return p.Unanswerable(what, do)
	default:
		return p.Refused(what, do)
	}
	err := p.Failed(what, do)
	if after := retryAfter(res.Header.Get("Retry-After"), time.Now()); after > 0 {
		return &backend.Busy{After: after, Err: err}
	}
	return err
}

// excerpt is the server's own explanation, short and harmless.
func (p *Peer) excerpt(body io.Reader) string {
	data, _ := io.ReadAll(io.LimitReader(body, maxRead)) // half an explanation is better than none
	if len(data) == maxRead {
		data = data[:maxRead-min(maxRead, len(p.Secret.Reveal()))] // a secret cut in two would not be found
	}
	said := string(data)
	if gjson.Valid(said) {
		for _, path := range []string{"error.message", "error", "message", "detail"} {
			if v := gjson.Get(said, path); v.Type == gjson.String {
				said = v.Str
				break
			}
		}
	}
	return p.Short(said)
}

// Scrub masks the secret in foreign text.
func (p *Peer) Scrub(text string) string {
	if p.Secret.IsZero() {
		return text
	}
	return strings.ReplaceAll(text, p.Secret.Reveal(), p.Secret.String())
}

// Short makes one short line of foreign text that may be shown: valid UTF-8, printable, no runs of blanks, no secret.
func (p *Peer) Short(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, p.Scrub(text))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxExcerpt {
		return text
	}
	return strings.ToValidUTF8(text[:maxExcerpt], "") + "…"
}

// retryAfter reads the header: seconds or a date. Nonsense and the past are 0; more than an hour counts as one.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		return time.Duration(min(max(seconds, 0), int(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
