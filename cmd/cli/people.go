package cli

import (
	"fmt"
	"time"

	"holdfast/actors/control"
	"holdfast/channels"
)

type sendCmd struct {
	Account channels.Account `arg:"" help:"Such as bluebubbles:home."`
	Target  string           `arg:"" help:"A conversation, or a handle that the network can resolve."`
	Text    string           `arg:""`
	Key     string           `help:"Idempotency key: the same one sends once."`
}

// Run starts a message.
func (c sendCmd) Run(s *shell) error {
	return show(s, "send", control.SendParams{Account: c.Account, Target: c.Target, Text: c.Text, Key: c.Key}, func(r *control.SentResult) {
		if r.Duplicate && len(r.Seqs) == 0 {
			fmt.Fprintln(s.Stdout, "this key was used before: nothing is sent again")
			return
		}
		fmt.Fprintf(s.Stdout, "safe in the journal as reply %v\n", r.Seqs)
	})
}

type pairingCmd struct {
	List    pairingListCmd `cmd:"" default:"withargs" help:"Who waits, and who was approved."`
	Approve approveCmd     `cmd:"" help:"Let a sender in by the code."`
	Deny    denyCmd        `cmd:"" help:"Forget a code, or take an approval back."`
}

type pairingListCmd struct {
	Account channels.Account `arg:"" optional:"" help:"Such as bluebubbles:home; default: all."`
}

// Run lists requests and approvals.
func (c pairingListCmd) Run(s *shell) error {
	return show(s, "pairing.list", control.PairingListParams{Account: c.Account}, func(l *control.PairingResult) {
		rows := [][]string{{"ACCOUNT", "SENDER", "NAME", "CODE", "STATE"}}
		for _, r := range l.Requests {
			rows = append(rows, []string{string(r.Account), r.Sender, r.Name, r.Code, "waits, valid until " + r.Expires.Format(time.TimeOnly)})
		}
		for _, a := range l.Approved {
			rows = append(rows, []string{string(a.Account), a.Sender, "", "", "approved " + ago(a.Since)})
		}
		s.table(rows)
	})
}

type approveCmd struct {
	Account channels.Account `arg:"" help:"Such as bluebubbles:home."`
	Code    string           `arg:""`
}

// Run approves.
func (c approveCmd) Run(s *shell) error {
	return show(s, "pairing.approve", control.ApproveParams{Account: c.Account, Code: c.Code}, func(r *control.SettledResult) {
		fmt.Fprintf(s.Stdout, "%s may write to %s\n", r.Sender, r.Account)
	})
}

type denyCmd struct {
	Account channels.Account `arg:"" help:"Such as bluebubbles:home."`
	Code    string           `arg:"" optional:""`
	Sender  string           `help:"Take back this sender's approval."`
}

// Run denies.
func (c denyCmd) Run(s *shell) error {
	return show(s, "pairing.deny", control.PairingParams{Account: c.Account, Code: c.Code, Sender: c.Sender}, func(r *control.SettledResult) {
		fmt.Fprintf(s.Stdout, "%s may not write to %s\n", r.Sender, r.Account)
	})
}
