package registry

import (
	"errors"
	"time"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// Offer is what one plugin brings: a set of kinds of channels and methods, with one set of settings of its own.
// Compiled-in plugins offer at boot; a process plugin will offer by its manifest. An Offer is never changed after it was
// sent.
type Offer struct {
	Plugin   string // name
	Version  string
	Settings string // fingerprint of the plugin's own settings; another one makes another instance
	Kinds    []channels.Kind
	Methods  []channels.Method
}

// OfferOf has a compiled-in plugin make an instance. Settings are nil for one that takes none. fingerprint is another text
// whenever the settings are others, and has nothing of a secret in it; two offers of one plugin and version with one
// fingerprint count as the same instance, and the one that came first is kept.
func OfferOf(p channels.Plugin, settings channels.PluginSettings, fingerprint string) Offer {
	made := p.Offer(settings)
	return Offer{Plugin: p.Name, Version: p.Version, Settings: fingerprint, Kinds: made.Kinds, Methods: made.Methods}
}

// Table is the offer's part of the method table; owner gets the calls.
func (o Offer) Table(owner kit.Addr) []Method {
	var out []Method
	for _, m := range o.Methods {
		out = append(out, Method{Name: m.Name, Help: m.Help, Params: m.Params, Result: m.Result, Reads: m.Reads, Owner: owner})
	}
	return out
}

// InstanceID names one version of a plugin with one set of settings: sms@4. The number is the generation that made it.
type InstanceID struct {
	Plugin string `json:"plugin"`
	Number uint64 `json:"number"`
}

// LeaseID names a lease; numbers are never used twice.
type LeaseID uint64

// Generations.
type (
	// Install makes the next generation from these offers and no others: an offer equal to that of a present instance
	// carries the instance over; two instances of one plugin are up at once while the old one drains. Sent by reload.
	// Answer: Installed. Nothing is visible before Publish.
	Install struct{ Offers []Offer }
	// Installed answers Install.
	Installed struct {
		Generation uint64
		Instances  []InstanceID
		Err        error
	}
	// StageRoutes hands in the route table of a revision to come, from the router. Answer: Staged.
	StageRoutes struct {
		Routes Routes
		Number uint64 // of the table, by which an Amend names it
	}
	// StageMethods hands in the method table of a revision to come, from methods. Answer: Staged.
	StageMethods struct{ Methods Methods }
	// Staged answers both.
	Staged struct{}
	// Publish makes what is staged live in one swap and retires the instances that no generation lists. Sent by reload
	// with a higher revision. Answer: Published.
	Publish struct {
		Revision uint64
		Edge     *Edge // of this revision; nil: as they are
	}
	// Discard drops what is staged: the transaction that it was meant for is not published. Sent by reload. No answer.
	Discard struct{}
	// Amend replaces the live route table at once, and nothing else: a grace has ended. It is for the table of that number: if
	// another one is live by now, it comes too late and does nothing. Sent by the router. No answer.
	Amend struct {
		Routes Routes
		Number uint64
	}
	// Published answers Publish.
	Published struct {
		Revision   uint64
		Generation uint64
		Err        error
	}
)

// Leases.
type (
	// Lease asks for the right to use the instance that offers a channel, or a method, now; exactly one of the two is set.
	// Whoever runs plugin code holds one: a run to its end, a call to its answer. Sent by supervisors before every start, and
	// by plugins before every call. A holder who asks again has lost what it was given before. Answer: Leased.
	Lease struct {
		Channel string
		Method  string
		Holder  string // for people: bluebubbles:home run.7
		Staged  bool   // of the generation that is prepared, for a run that is proven before the publication
	}
	// Leased answers Lease. Kind or Method, whichever was asked for, is immutable and used no longer than the lease.
	Leased struct {
		Lease      LeaseID
		Instance   InstanceID
		Generation uint64
		Revision   uint64
		Kind       channels.Kind
		Method     channels.Method
		Err        error // ErrNoChannel, ErrNoMethod
	}
	// Release gives a lease back; giving it back twice does nothing. No answer.
	Release struct{ Lease LeaseID }
	// Forget gives back whatever a holder was given, for one that asked, heard nothing in time and asks no more. No answer.
	Forget struct{ Holder string }
)

// Describe asks for generations, instances and leases. Answer: Description, which is also the actor's snapshot.
type Describe struct{}

// Description is what plugins.list shows. It is never changed.
type Description struct {
	Revision   uint64     `json:"revision"`
	Generation uint64     `json:"generation"`
	Published  time.Time  `json:"published,omitzero"`
	Instances  []Instance `json:"instances"`
}

// Instance is one line of a Description.
type Instance struct {
	ID       InstanceID `json:"id"`
	Version  string     `json:"version"`
	Channels []string   `json:"channels,omitempty"`
	Methods  []string   `json:"methods,omitempty"`
	State    string     `json:"state"` // active, staged, draining, freed
	Holders  []string   `json:"holders,omitempty"`
}

// Method is one entry of the method table: who answers a call of the admin socket and in time of other faces.
type Method struct {
	Name   string   `json:"name"`
	Help   string   `json:"help"`
	Params []byte   `json:"-"`     // JSON Schema; nil takes none
	Result []byte   `json:"-"`     // JSON Schema
	Reads  bool     `json:"reads"` // changes nothing (law 2)
	Owner  kit.Addr `json:"-"`     // gets Call
}

// Call is a call of a method, told to its owner as a question. Answer: Called.
type Call struct {
	Method string
	Params []byte // JSON; empty for none
	Caller string // for the log: admin.4 uid=1000
}

// Called answers Call.
type Called struct {
	Result []byte // JSON
	Err    *CallError
}

// CallError is an error of a method as JSON-RPC has it: a value, where channels.CallError is an error.
type CallError struct {
	Code    int
	Message string
	Data    []byte // JSON
}

var (
	// ErrNoChannel: no plugin of the present generation offers the channel.
	ErrNoChannel = errors.New("no plugin offers this channel")
	// ErrNoMethod: no plugin of the present generation offers the method.
	ErrNoMethod = errors.New("no plugin offers this method")
)
