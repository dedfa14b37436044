package control

import (
	"encoding/json"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/journal"
	"holdfast/actors/reload"
	"holdfast/actors/router"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

// Params of the methods.
type (
	// None is for methods without params.
	None struct{}
	// ReloadParams of reload.
	ReloadParams struct {
		Target       string `json:"target,omitempty" jsonschema:"description=an account such as bluebubbles:home or a channel or all: restart it; empty: read the configuration again"`
		DryRun       bool   `json:"dryRun,omitempty" jsonschema:"description=only plan: say what would change and how"`
		AllOrNothing bool   `json:"allOrNothing,omitempty" jsonschema:"description=change nothing if one unit cannot be prepared; default: only that one stays as it is"`
	}
	// ConfigGetParams of config.get and config.schema.lookup.
	ConfigGetParams struct {
		Path string `json:"path,omitempty" jsonschema:"description=keys joined by dots and items by their number such as bindings[0].match.channel; a key with dots as [\"a.b\"]; default: the whole"`
	}
	// ConfigSetParams of config.set. Path is empty for the whole file, and must be given.
	ConfigSetParams struct {
		Path   *string         `json:"path" jsonschema:"description=as for config.get; what is missing on the way is made; [n] with n the length of a list appends"`
		Value  json.RawMessage `json:"value" jsonschema:"description=replaces what stands there; null removes it; *** is a secret as it is"`
		Base   string          `json:"base" jsonschema:"description=the hash that config.get gave: nothing is written if the file is another one by now"`
		Force  bool            `json:"force,omitempty" jsonschema:"description=also if most of the file would be lost"`
		DryRun bool            `json:"dryRun,omitempty" jsonschema:"description=write nothing: judge the change and say what it would do"`
	}
	// ConfigPatchParams of config.patch.
	ConfigPatchParams struct {
		Patch  json.RawMessage `json:"patch" jsonschema:"description=an object that is merged into the file as RFC 7396 has it: null removes and lists are replaced; *** is a secret as it is"`
		Base   string          `json:"base" jsonschema:"description=the hash that config.get gave: nothing is written if the file is another one by now"`
		Force  bool            `json:"force,omitempty" jsonschema:"description=also if most of the file would be lost"`
		DryRun bool            `json:"dryRun,omitempty" jsonschema:"description=write nothing: judge the change and say what it would do"`
	}
	// PlanParams of plan.
	PlanParams struct {
		File string `json:"file,omitempty" jsonschema:"description=another configuration file to plan for as an absolute path; default: the gateway's own"`
	}
	// ChannelParams of channels.start, stop and restart.
	ChannelParams struct {
		Target string `json:"target" jsonschema:"description=an account such as bluebubbles:home or a channel"`
	}
	// SendParams of send.
	SendParams struct {
		Account channels.Account `json:"account"`
		Target  string           `json:"target" jsonschema:"description=a conversation or a handle that the network can resolve"`
		Text    string           `json:"text"`
		Key     string           `json:"key,omitempty" jsonschema:"description=idempotency key: the same one sends once"`
	}
	// ListParams of journal.ls.
	ListParams struct {
		Kind    journal.Kind     `json:"kind,omitempty" jsonschema:"enum=request,enum=arrival,enum=reply,description=default: all"`
		Account channels.Account `json:"account,omitempty" jsonschema:"description=default: all"`
		State   journal.State    `json:"state,omitempty" jsonschema:"enum=pending,enum=done,enum=dead,enum=expired,description=default: pending"`
		After   uint64           `json:"after,omitempty" jsonschema:"description=only numbers above this one"`
		Max     int              `json:"max,omitempty" jsonschema:"description=at most so many; default 100; never more than 1000"`
	}
	// ItemParams of journal.show and journal.resend.
	ItemParams struct {
		Seq uint64 `json:"seq"`
	}
	// SeqParams of journal.drop.
	SeqParams struct {
		Seq    uint64 `json:"seq"`
		Reason string `json:"reason,omitempty" jsonschema:"description=kept with the item"`
	}
	// PairingListParams of pairing.list.
	PairingListParams struct {
		Account channels.Account `json:"account,omitempty" jsonschema:"description=default: all"`
	}
	// ApproveParams of pairing.approve.
	ApproveParams struct {
		Account channels.Account `json:"account,omitempty" jsonschema:"description=may be left out where the code is unique"`
		Code    string           `json:"code"`
	}
	// PairingParams of pairing.deny: a code or a sender.
	PairingParams struct {
		Account channels.Account `json:"account,omitempty" jsonschema:"description=may be left out where the rest is unique"`
		Code    string           `json:"code,omitempty"`
		Sender  string           `json:"sender,omitempty"`
	}
)

// Results of the methods that are not an actor's own answer. Lists and maps are never null.
type (
	// SchemaResult of config.schema: the JSON Schema of the configuration file.
	SchemaResult struct {
		Schema json.RawMessage `json:"schema"`
	}
	// ConfigWriteResult of config.set and config.patch.
	ConfigWriteResult struct {
		Hash     string         `json:"hash"`    // of the file as it is now, or would be: the base of the next change
		Changed  []string       `json:"changed"` // paths; none: the file said so already, and nothing was written
		Warnings []string       `json:"warnings"`
		DryRun   bool           `json:"dryRun,omitempty"`
		Plan     *reload.Plan   `json:"plan,omitempty"`   // of a dry run
		Report   *reload.Report `json:"report,omitempty"` // of the reload that took the change in; none: nothing was written
	}
	// SentResult of send: the numbers of the parts.
	SentResult struct {
		Seqs      []uint64 `json:"seqs"`
		Duplicate bool     `json:"duplicate"`
	}
	// ListResult of journal.ls.
	ListResult struct {
		Records []journal.Record `json:"records"`
		More    bool             `json:"more"`
	}
	// ShowResult of journal.show.
	ShowResult struct {
		Record  journal.Record  `json:"record"`
		Payload json.RawMessage `json:"payload,omitempty"` // none: the item has ended and keeps it no longer
	}
	// VerifyResult of journal.verify.
	VerifyResult struct {
		Balanced bool          `json:"balanced"`
		Faults   []string      `json:"faults"`
		Queues   []QueueStatus `json:"queues"`
	}
	// StatsResult of journal.stats.
	StatsResult struct {
		Journal JournalStatus `json:"journal"`
		Queues  []QueueStatus `json:"queues"`
	}
	// DoneResult of journal.resend and journal.drop: the new numbers, if there are any.
	DoneResult struct {
		Seqs []uint64 `json:"seqs,omitempty"`
	}
	// VerdictsResult of channels.start, stop and restart.
	VerdictsResult struct {
		Verdicts map[channels.Account]supervisor.Verdict `json:"verdicts"`
	}
	// PairingResult of pairing.list.
	PairingResult struct {
		Requests []access.PairingRequest `json:"requests"`
		Approved []access.Approved       `json:"approved"`
	}
	// SettledResult of pairing.approve and pairing.deny.
	SettledResult struct {
		Account channels.Account `json:"account"`
		Sender  string           `json:"sender"`
	}
	// StopResult of shutdown.
	StopResult struct {
		Stopping bool `json:"stopping"`
	}
	// RouteResult is one path of the live table with what it has seen.
	RouteResult struct {
		router.Path
		Methods  []string  `json:"methods"`
		Accepted uint64    `json:"accepted"`
		Skipped  uint64    `json:"skipped"`
		Refused  uint64    `json:"refused"`
		Missed   uint64    `json:"missed"` // not accepted although it could have been an account's
		Last     time.Time `json:"lastAccepted,omitzero"`
	}
	// Discovery is the method table as an OpenRPC document has it, as far as it says something.
	Discovery struct {
		OpenRPC string             `json:"openrpc"`
		Info    DiscoveryInfo      `json:"info"`
		Methods []DiscoveredMethod `json:"methods"`
	}
	// DiscoveryInfo says whose methods they are.
	DiscoveryInfo struct {
		Title   string `json:"title"`
		Version string `json:"version"`
	}
	// DiscoveredMethod is one method with its schemas.
	DiscoveredMethod struct {
		Name   string          `json:"name"`
		Help   string          `json:"summary"`
		Reads  bool            `json:"reads"`
		Params json.RawMessage `json:"params,omitempty"`
		Result json.RawMessage `json:"result,omitempty"`
	}
)
