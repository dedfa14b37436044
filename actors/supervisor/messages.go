package supervisor

import (
	"time"

	"holdfast/actors/run"
	"holdfast/channels"
)

// Begin is the first message of every supervisor, from its own shell.
type Begin struct{}

// Account is what the operator wants of one account. Settings are immutable once sent.
type Account struct {
	ID       channels.Account
	Settings channels.Settings
	Webhook  string // where the outside reaches it; without credentials
	Masked   string // the same as shown to people: with the credential's place, masked
	Server   string // where the network's own server is, for people; empty if it has none
	// Digest is a fingerprint of the resolved settings: another one means changed.
	Digest string
}

type (
	// Prepare has changed settings proven beside the current runs: each gets a run of its own, which connects and whose
	// items wait. Sent by reload before it publishes. An account without a run, or whose network allows only one, has nothing
	// to prove. What was prepared ends with Apply or Discard. Answer: Prepared.
	Prepare struct{ Accounts []Account }
	// Prepared answers Prepare: why settings are not fit to be applied, by account. None: they are.
	Prepared struct{ Faults map[channels.Account]string }
	// Hold keeps the requests of accounts from being interpreted, from just before a publication to the Apply that follows
	// it: what comes in by new routes must not be read by old settings. Answer: Held.
	Hold struct{ Accounts []channels.Account }
	// Held answers Hold.
	Held struct{}
	// Discard ends what was prepared and held: it is not published. Sent by reload. No answer.
	Discard struct{}
	// Apply says which accounts the channel has from now on and how. Unchanged ones are not touched. Sent by reload, once
	// per revision, after the publication. Answer: Applied.
	Apply struct {
		Revision uint64
		Accounts []Account
	}
	// Applied answers Apply: one verdict per account that was or is there.
	Applied struct{ Verdicts map[channels.Account]Verdict }
	// Order is an operator's: start, stop or restart one account, or all of the channel with Account "". A stop is kept,
	// also over restarts of the process, until a start. Answer: Ordered, when the state it names is reached or a deadline
	// of ours is over.
	Order struct {
		Account channels.Account
		Do      string // start, stop, restart
	}
	// Ordered answers Order.
	Ordered struct{ Verdicts map[channels.Account]Verdict }
	// Call hands an op to the account's current run: from outbox and lanes, as a question. While no run is up the answer
	// is at once a Result whose error is a channels.Failure with outcome NotSent. Answer: run.Result.
	Call struct {
		Account channels.Account
		Op      run.Op
		Within  time.Duration
	}
	// Connected says that an account can send: a run's connection is up that was not. Told to the outbox, which begins nothing
	// for an account before, and need not wait out its pauses after.
	Connected struct{ Account channels.Account }
	// Disconnected says that an account cannot send for now: it has no run, or its network does not answer. Told to the outbox.
	Disconnected struct{ Account channels.Account }
	// Missed says that requests came which could have been the account's and were not accepted; its network looks for
	// what it missed. From the edge's interval. No answer.
	Missed struct{ Account channels.Account }
	// Drain is the stop of the process: first consumption (runs stay up for sends), then with Runs the runs themselves.
	// Answer: Drained.
	Drain struct {
		Runs bool
		By   time.Time
	}
	// Drained answers Drain. Left names what did not end in time.
	Drained struct{ Left []string }
)

// Verdict is what became of one account.
type Verdict struct {
	Result string `json:"result"` // applied, unchanged, failed, removed, deferred
	Reason string `json:"reason,omitempty"`
	Run    uint64 `json:"run,omitempty"`
}

// Phase of an account. Each has exactly one way of being left for the better.
type Phase string

const (
	Off      Phase = "off"      // not enabled, or stopped by hand
	Leasing  Phase = "leasing"  // the registry owes us a lease
	Running  Phase = "running"  // a run is current
	Draining Phase = "draining" // the run finishes what it holds
	Pausing  Phase = "pausing"  // between a failure and the next attempt
	Blocked  Phase = "blocked"  // a run before it has not ended, and only one may hold the connection
	Refused  Phase = "refused"  // waits for the operator: wrong password, account closed
	Failed   Phase = "failed"   // a bug of ours; waits for the operator
)

// Status of one account: what status, tree, health and logs show, from this one place. It is never changed.
type Status struct {
	Account   channels.Account  `json:"account"`
	Name      string            `json:"name,omitempty"`
	Phase     Phase             `json:"phase"`
	Since     time.Time         `json:"since"`
	Stopped   bool              `json:"stoppedByHand,omitempty"`
	Disabled  bool              `json:"disabled,omitempty"`
	Run       uint64            `json:"run"`
	Candidate uint64            `json:"candidate,omitempty"` // a run that is being proven beside the current one
	Leaving   []uint64          `json:"leaving,omitempty"`   // runs that were replaced and finish their calls
	Abandoned []uint64          `json:"abandoned,omitempty"` // fenced runs whose goroutine is not gone
	Link      channels.Link     `json:"link,omitempty"`
	Cause     string            `json:"cause,omitempty"` // what is wrong and what to do
	Facts     map[string]string `json:"facts,omitempty"`
	Restarts  uint64            `json:"restarts"` // since the account was last started on purpose
	Failures  int               `json:"failures"` // in a row
	NextTry   time.Time         `json:"nextTry,omitzero"`
	LastIn    time.Time         `json:"lastIn,omitzero"`   // last request interpreted
	LastOut   time.Time         `json:"lastOut,omitzero"`  // last reply with a receipt
	Webhook   string            `json:"webhook,omitempty"` // masked
}

// Snapshot is what the supervisor publishes: its accounts by name.
type Snapshot struct {
	Channel  string
	Revision uint64
	Accounts []Status
}
