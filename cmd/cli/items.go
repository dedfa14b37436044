package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/channels"
	"holdfast/http/admin"
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

type journalCmd struct {
	Ls     lsCmd     `cmd:"" default:"withargs" help:"List items."`
	Show   showCmd   `cmd:"" help:"Show one item with its payload."`
	Stats  statsCmd  `cmd:"" help:"Show the counters."`
	Verify verifyCmd `cmd:"" help:"Compare the counters with the keys."`
	Resend resendCmd `cmd:"" help:"Make a dead item pending again."`
	Drop   dropCmd   `cmd:"" help:"End a pending item as dead, or forget a dead one."`
}

// stopped runs f on the folder of a gateway that does not run; others are asked over the socket.
func (s *shell) stopped(f func(*journal.Reader) error) (done bool, err error) {
	dir, err := s.stateDir()
	if err != nil {
		return true, err
	}
	client, err := admin.Dial(dir)
	if err == nil {
		return false, client.Close()
	}
	if !errors.Is(err, admin.ErrNotRunning) {
		return true, err
	}
	reader, err := journal.OpenRead(dir)
	if err != nil {
		return true, err
	}
	defer reader.Close()
	fmt.Fprintf(s.Stderr, "no gateway runs on %s: reading the folder\n", dir)
	return true, f(reader)
}

type lsCmd struct {
	Kind    journal.Kind     `enum:"request,arrival,reply," default:"" help:"request, arrival or reply."`
	Account channels.Account `help:"Only this account."`
	State   journal.State    `enum:"pending,done,dead,expired" default:"pending" help:"pending, done, dead or expired."`
	After   uint64           `help:"Only numbers above this one."`
	Max     int              `default:"100" help:"At most so many."`
}

// Run lists items.
func (c lsCmd) Run(s *shell) error {
	done, err := s.stopped(func(r *journal.Reader) error {
		got := r.List(journal.List{Kind: c.Kind, Account: c.Account, State: c.State, After: c.After, Max: c.Max})
		if got.Err != nil {
			return got.Err
		}
		return s.items(control.ListResult{Records: got.Records, More: got.More})
	})
	if done || err != nil {
		return err
	}
	var got control.ListResult
	if _, err := s.call("journal.ls", control.ListParams(c), &got); err != nil {
		return err
	}
	return s.items(got)
}

func (s *shell) items(got control.ListResult) error {
	if s.JSON {
		return s.encode(got)
	}
	rows := [][]string{{"SEQ", "KIND", "ACCOUNT", "CONVERSATION", "STATE", "OUTCOME", "AGE", "REASON"}}
	for _, r := range got.Records {
		rows = append(rows, []string{
			fmt.Sprint(r.Seq), string(r.Kind), string(r.Account), r.Conversation, string(r.State), r.Outcome,
			time.Since(r.At).Truncate(time.Second).String(), r.Reason,
		})
	}
	s.table(rows)
	if got.More {
		fmt.Fprintln(s.Stdout, "there is more: --after, --max")
	}
	return nil
}

func (s *shell) encode(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.print(raw)
}

type seqArg struct {
	Seq uint64 `arg:"" help:"Number of the item."`
}

type showCmd struct{ seqArg }

// Run shows one item.
func (c showCmd) Run(s *shell) error {
	done, err := s.stopped(func(r *journal.Reader) error {
		got := r.Show(journal.Show{Seq: c.Seq})
		if got.Err != nil {
			return got.Err
		}
		return s.item(control.ShowResult{Record: got.Record, Payload: got.Payload})
	})
	if done || err != nil {
		return err
	}
	var got control.ShowResult
	if _, err := s.call("journal.show", control.SeqParams{Seq: c.Seq}, &got); err != nil {
		return err
	}
	return s.item(got)
}

// item prints a record and its payload; the body of a request is JSON in base64 on the wire and JSON here.
func (s *shell) item(got control.ShowResult) error {
	if s.JSON {
		return s.encode(got)
	}
	record, err := json.MarshalIndent(got.Record, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "%s\n", record)
	var payload bytes.Buffer
	if json.Indent(&payload, got.Payload, "", "  ") == nil {
		fmt.Fprintln(s.Stdout, payload.String())
	}
	var request channels.Request
	if got.Record.Kind == journal.Requests && json.Unmarshal(got.Payload, &request) == nil {
		fmt.Fprintf(s.Stdout, "body: %s\n", request.Body)
	}
	return nil
}

type statsCmd struct{}

// Run shows the counters.
func (statsCmd) Run(s *shell) error {
	done, err := s.stopped(func(r *journal.Reader) error {
		stats, err := r.Stats()
		if err != nil {
			return err
		}
		return s.counters(control.Books(stats))
	})
	if done || err != nil {
		return err
	}
	var got control.StatsResult
	if _, err := s.call("journal.stats", nil, &got); err != nil {
		return err
	}
	return s.counters(got.Queues)
}

func (s *shell) counters(queues []control.QueueStatus) error {
	if s.JSON {
		return s.encode(queues)
	}
	rows := [][]string{{"ACCOUNT", "KIND", "CREATED", "DONE", "DEAD", "EXPIRED", "PENDING", "OUTCOMES"}}
	for _, q := range queues {
		outcomes, err := json.Marshal(q.Outcomes)
		if err != nil {
			return err
		}
		rows = append(rows, []string{
			string(q.Account), string(q.Kind), fmt.Sprint(q.Created), fmt.Sprint(q.Done), fmt.Sprint(q.Dead), fmt.Sprint(q.Expired),
			fmt.Sprint(q.Pending), string(outcomes),
		})
	}
	s.table(rows)
	return nil
}

type verifyCmd struct{}

// Run compares counters and keys; exit code 74 when they differ.
func (verifyCmd) Run(s *shell) error {
	judge := func(got control.VerifyResult) error {
		if s.JSON {
			if err := s.encode(got); err != nil {
				return err
			}
		} else if err := s.counters(got.Queues); err != nil {
			return err
		}
		for _, fault := range got.Faults {
			fmt.Fprintln(s.Stderr, fault)
		}
		if !got.Balanced {
			return failure{74, errors.New("the books do not balance; please report this with the lines above")}
		}
		if !s.JSON {
			fmt.Fprintln(s.Stdout, "balanced: created = done + dead + expired + pending, counted from the keys")
		}
		return nil
	}
	done, err := s.stopped(func(r *journal.Reader) error {
		got := r.Verify()
		if got.Err != nil {
			return got.Err
		}
		return judge(control.VerifyResult{Balanced: len(got.Faults) == 0, Faults: got.Faults, Queues: control.Books(got.Statistics)})
	})
	if done || err != nil {
		return err
	}
	var got control.VerifyResult
	if _, err := s.call("journal.verify", nil, &got); err != nil {
		return err
	}
	return judge(got)
}

type resendCmd struct{ seqArg }

// Run makes a dead item pending again.
func (c resendCmd) Run(s *shell) error {
	return show(s, "journal.resend", control.SeqParams{Seq: c.Seq}, func(r *control.DoneResult) {
		fmt.Fprintf(s.Stdout, "pending again as %v\n", r.Seqs)
	})
}

type dropCmd struct {
	seqArg
	Reason string `help:"Kept with the item."`
}

// Run ends an item.
func (c dropCmd) Run(s *shell) error {
	return show(s, "journal.drop", control.SeqParams{Seq: c.Seq, Reason: c.Reason}, func(*control.DoneResult) {
		fmt.Fprintf(s.Stdout, "item %d is dropped\n", c.Seq)
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
	return show(s, "pairing.list", control.PairingParams{Account: c.Account}, func(l *access.PairingList) {
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
	return show(s, "pairing.approve", control.PairingParams{Account: c.Account, Code: c.Code}, func(r *access.Settled) {
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
	return show(s, "pairing.deny", control.PairingParams{Account: c.Account, Code: c.Code, Sender: c.Sender}, func(r *access.Settled) {
		fmt.Fprintf(s.Stdout, "%s may not write to %s\n", r.Sender, r.Account)
	})
}
