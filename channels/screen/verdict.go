package screen

import (
	"net/http"
	"strings"
	"time"

	"holdfast/channels"
)

// Head is what is known of a request before its body is read. The strings that its lookups return need to stay valid
// only during the call.
type Head struct {
	Method string
	Header Lookup // by name, in any case
	Query  Lookup // by name, exact; decoded
}

// Lookup returns the first value under a name, and how many there are. A nil Lookup finds nothing. The value is valid while
// the request is: who keeps it clones it.
type Lookup func(name string) (value string, count int)

func (h Head) header(name string) (string, int) {
	if h.Header == nil {
		return "", 0
	}
	return h.Header(name)
}

func (h Head) query(name string) (string, int) {
	if h.Query == nil {
		return "", 0
	}
	return h.Query(name)
}

// Action is what to do with a request.
type Action uint8

const (
	// Refuse: answer Code; nothing is kept.
	Refuse Action = iota
	// Read: nothing speaks against the request so far; read the body and ask Check. Only Head says so.
	Read
	// Accept: hand it to whatever Ack names, and answer when that is done.
	Accept
	// Skip: answer 200, count it, keep nothing.
	Skip
)

func (a Action) String() string {
	switch a {
	case Read:
		return "read"
	case Accept:
		return "accept"
	case Skip:
		return "skip"
	default:
		return "refuse"
	}
}

// Verdict says what becomes of a request. All it holds is a copy, but for Body.
type Verdict struct {
	Action  Action
	Code    int              // HTTP status of a refusal; 200 for Accept and Skip; 0 for Read
	Reason  string           // of a refusal: one of few fixed texts, for logs and counters
	Account channels.Account // whom the credential proves; empty while that is not known
	Ack     channels.Ack
	ID      string            // the platform's id of the request, at most MaxID bytes; empty if there is none
	Body    []byte            // the JSON document, perhaps a part of what was given; empty for channels.AckAnswers, which reads
	Keep    map[string]string // the headers that the route keeps, names in lower case
}

// Reasons of refusals. They are fixed, so that a stranger cannot fill a table of counters.
const (
	ReasonMethod     = "method not taken here"
	ReasonTooLarge   = "body too large"
	ReasonCredential = "no credential fits" //nolint:gosec // a reason, no credential
	ReasonAmbiguous  = "credentials of more than one account"
	ReasonDisabled   = "account disabled by the operator"
	ReasonEmpty      = "empty body"
	ReasonNotJSON    = "body is not a JSON object or array"
	ReasonNotUTF8    = "body is not valid UTF-8"
	ReasonTooDeep    = "body is nested too deeply"
)

func refuse(code int, account channels.Account, reason string) Verdict {
	return Verdict{Code: code, Account: account, Reason: reason}
}

// Head judges what can be judged without the body: Refuse with 405, 401 or 503, else Read. On a Screen that is Early,
// Read means that the sender is authenticated.
func (s *Screen) Head(h Head, now time.Time) Verdict {
	t := s.byMethod[h.Method]
	if t == nil {
		return refuse(http.StatusMethodNotAllowed, "", ReasonMethod)
	}
	if t.early {
		return t.admit(h, now)
	}
	possible := false
	for _, r := range t.routes {
		for _, w := range r.ways {
			possible = w.plausible(h, now) || possible
		}
	}
	if !possible {
		return refuse(http.StatusUnauthorized, "", ReasonCredential)
	}
	return Verdict{Action: Read}
}

// admit is Head where every way in is early.
func (t *table) admit(h Head, now time.Time) Verdict {
	r, v := t.prove(h, nil, now)
	switch {
	case r == nil:
		return v
	case r.disabled:
		return refuse(http.StatusServiceUnavailable, r.account, ReasonDisabled)
	default:
		return Verdict{Action: Read, Account: r.account, Ack: r.ack}
	}
}

// Check judges the whole request. It does not rely on Head having been asked: Accept and Skip are only ever given to
// a request that itself proves exactly one account.
func (s *Screen) Check(h Head, body []byte, now time.Time) Verdict {
	t := s.byMethod[h.Method]
	if t == nil {
		return refuse(http.StatusMethodNotAllowed, "", ReasonMethod)
	}
	if int64(len(body)) > s.maxBody {
		return refuse(http.StatusRequestEntityTooLarge, "", ReasonTooLarge)
	}
	r, v := t.prove(h, body, now)
	if r == nil {
		return v
	}
	if int64(len(body)) > r.maxBody {
		return refuse(http.StatusRequestEntityTooLarge, r.account, ReasonTooLarge)
	}
	if r.disabled {
		return refuse(http.StatusServiceUnavailable, r.account, ReasonDisabled)
	}
	return r.judge(h, body)
}

// prove finds the one route whose account the request proves; nil and a refusal if it is not exactly one.
func (t *table) prove(h Head, body []byte, now time.Time) (*route, Verdict) {
	var found *route
	proven := 0
	for _, r := range t.routes {
		admitted := false
		for _, w := range r.ways {
			admitted = w.admits(h, body, now) || admitted
		}
		if admitted {
			found = r
			proven++
		}
	}
	switch proven {
	case 1:
		return found, Verdict{}
	case 0:
		return nil, refuse(http.StatusUnauthorized, "", ReasonCredential)
	default:
		return nil, refuse(http.StatusUnauthorized, "", ReasonAmbiguous)
	}
}

// judge looks at the content of an authenticated request.
func (r *route) judge(h Head, body []byte) Verdict {
	v := Verdict{Action: Accept, Code: http.StatusOK, Account: r.account, Ack: r.ack, Keep: r.kept(h)}
	if r.ack == channels.AckAnswers {
		return v
	}
	contentType, _ := h.header("Content-Type")
	doc, reason := r.forms.document(body, contentType)
	if reason != "" {
		return refuse(http.StatusBadRequest, r.account, reason)
	}
	if skipped(r.skip, doc) {
		return Verdict{Action: Skip, Code: http.StatusOK, Account: r.account, Ack: r.ack}
	}
	v.Body, v.ID = doc, selectID(r.id, h, doc)
	return v
}

// kept copies the headers that the route keeps; nil if there are none.
func (r *route) kept(h Head) map[string]string {
	var out map[string]string
	for _, name := range r.keep {
		value, n := h.header(name)
		if n == 0 {
			continue
		}
		if out == nil {
			out = make(map[string]string, len(r.keep))
		}
		out[name] = strings.Clone(value)
	}
	return out
}
