package registry

import (
	"net/netip"
	"sync/atomic"
	"time"

	"holdfast/channels"
	"holdfast/channels/screen"
)

// Live is the one immutable value that the edge reads: routes, methods and its own settings of one revision, published
// together.
type Live struct {
	Revision   uint64
	Generation uint64
	Routes     Routes
	Methods    Methods
	Edge       Edge
}

// Edge is how the edge treats every request, whoever owns its path. A zero value stands for the default that http/server
// names. A published Edge is never changed, the list neither.
type Edge struct {
	TrustedProxies []netip.Prefix // whose X-Forwarded-For counts; none: the peer is the peer
	RequestWithin  time.Duration  // for a whole request to come in; else 408
	JournalWithin  time.Duration  // for the journal to take it, and for a proven sender to get room; else 503
	InFlight       int64          // bytes of bodies in memory; a single longer body is let in alone
}

// Cell holds the pointer to what is live. The registry actor alone stores; everybody else loads once per operation and
// forgets.
type Cell struct{ p atomic.Pointer[Live] }

// Load is what is live now; before the first publication an empty value of revision 0.
func (c *Cell) Load() *Live {
	if l := c.p.Load(); l != nil {
		return l
	}
	return &Live{}
}

func (c *Cell) store(l *Live) { c.p.Store(l) }

// Endpoint is who owns a path and how it is screened.
type Endpoint struct {
	Path     string // canonical
	Under    bool
	Accounts []channels.Account
	Screen   *screen.Screen
	Held     time.Time // zero, or: moved away, held until then
	Counts   *Counts   // carried over from table to table while the path is owned
}

// Counts of one path. They only grow; the edge adds, everybody may read.
type Counts struct {
	Accepted, Skipped, Refused atomic.Uint64
	LastAccepted               atomic.Int64 // Unix milliseconds; 0: nothing ever received
	// Missed grows with every request that could have been the account's and was not accepted (408, 413, 503, …).
	Missed atomic.Uint64
}

// Routes is the route table: who answers which path. A published table is never changed.
type Routes struct {
	exact map[string]*Endpoint
	under map[string]*Endpoint
}

// NewRoutes makes a table; the endpoints belong to it from now on. Who owns what was decided by the router.
func NewRoutes(endpoints []*Endpoint) Routes {
	r := Routes{exact: map[string]*Endpoint{}, under: map[string]*Endpoint{}}
	for _, e := range endpoints {
		if e.Under {
			r.under[e.Path] = e
		} else {
			r.exact[e.Path] = e
		}
	}
	return r
}

// Find looks a canonical path up. rest is the last segment where the endpoint owns what is under its path.
func (r Routes) Find(canonical string) (e *Endpoint, rest string, found bool) {
	if e, found = r.exact[canonical]; found {
		return e, "", true
	}
	for i := len(canonical) - 1; i > 0; i-- {
		if canonical[i] == '/' {
			e, found = r.under[canonical[:i]]
			return e, canonical[i+1:], found
		}
	}
	return nil, "", false
}

// All is every endpoint, in no order.
func (r Routes) All() []*Endpoint {
	out := make([]*Endpoint, 0, len(r.exact)+len(r.under))
	for _, e := range r.exact {
		out = append(out, e)
	}
	for _, e := range r.under {
		out = append(out, e)
	}
	return out
}

// Methods is the method table. A published table is never changed.
type Methods struct{ byName map[string]Method }

// NewMethods makes a table.
func NewMethods(list []Method) Methods {
	m := Methods{byName: make(map[string]Method, len(list))}
	for _, one := range list {
		m.byName[one.Name] = one
	}
	return m
}

// Find looks a method up.
func (m Methods) Find(name string) (Method, bool) { one, ok := m.byName[name]; return one, ok }

// All is every method, in no order.
func (m Methods) All() []Method {
	out := make([]Method, 0, len(m.byName))
	for _, one := range m.byName {
		out = append(out, one)
	}
	return out
}
