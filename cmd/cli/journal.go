package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/channels"
	"holdfast/cmd/life"
	"holdfast/http/admin"
)

type journalCmd struct {
	Ls     lsCmd     `cmd:"" default:"withargs" help:"List items."`
	Show   showCmd   `cmd:"" help:"Show one item with its payload."`
	Stats  statsCmd  `cmd:"" help:"Show the counters."`
	Verify verifyCmd `cmd:"" help:"Compare the counters with the keys."`
	Resend resendCmd `cmd:"" help:"Make a dead item pending again."`
	Drop   dropCmd   `cmd:"" help:"End a pending item as dead, or forget a dead one."`
}

// inspect asks a running gateway by method, and reads the folder of one that does not run by read.
func inspect[R any](s *shell, method string, params any, read func(*journal.Reader) (R, error)) (R, error) {
	var result R
	_, err := s.call(method, params, &result)
	if !errors.Is(err, admin.ErrNotRunning) {
		return result, err
	}
	dir, err := s.stateDir()
	if err != nil {
		return result, err
	}
	reader, err := journal.OpenRead(dir)
	if err != nil {
		return result, err
	}
	defer reader.Close()
	fmt.Fprintf(s.Stderr, "no gateway runs on %s: reading the folder\n", dir)
	return read(reader)
}

type lsCmd struct {
	Kind    journal.Kind     `enum:"request,arrival,reply," default:"" help:"request, arrival or reply; default: all."`
	Account channels.Account `help:"Only this account."`
	State   journal.State    `enum:"pending,done,dead,expired" default:"pending" help:"pending, done, dead or expired."`
	After   uint64           `help:"Only numbers above this one."`
	Max     int              `default:"100" help:"At most so many; never more than 1000."`
}

// Run lists items.
func (c lsCmd) Run(s *shell) error {
	got, err := inspect(s, "journal.ls", control.ListParams(c), func(r *journal.Reader) (control.ListResult, error) {
		got := r.List(journal.List{Kind: c.Kind, Account: c.Account, State: c.State, After: c.After, Max: c.Max})
		return control.ListResult{Records: append([]journal.Record{}, got.Records...), More: got.More}, got.Err
	})
	if err != nil {
		return err
	}
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
		fmt.Fprintf(s.Stdout, "there is more: --after %d\n", got.Records[len(got.Records)-1].Seq)
	}
	return nil
}

type seqArg struct {
	Seq uint64 `arg:"" help:"Number of the item."`
}

type showCmd struct{ seqArg }

// Run shows one item.
func (c showCmd) Run(s *shell) error {
	got, err := inspect(s, "journal.show", control.ItemParams{Seq: c.Seq}, func(r *journal.Reader) (control.ShowResult, error) {
		got := r.Show(journal.Show{Seq: c.Seq})
		return control.ShowResult{Record: got.Record, Payload: got.Payload}, got.Err
	})
	if err != nil {
		return err
	}
	if s.JSON {
		return s.encode(got)
	}
	if err := s.encode(got.Record); err != nil {
		return err
	}
	return s.payload(got)
}

// payload prints what came or goes out. The body of a request is base64 in JSON, and stands below it as it came.
func (s *shell) payload(got control.ShowResult) error {
	var payload bytes.Buffer
	if json.Indent(&payload, got.Payload, "", "  ") != nil {
		fmt.Fprintln(s.Stdout, "the payload is kept no longer")
		return nil
	}
	fmt.Fprintln(s.Stdout, payload.String())
	var request channels.Request
	if got.Record.Kind != journal.Requests || json.Unmarshal(got.Payload, &request) != nil {
		return nil
	}
	fmt.Fprintln(s.Stdout, "body:")
	for line := range strings.Lines(string(request.Body)) {
		fmt.Fprintln(s.Stdout, printable(strings.TrimRight(line, "\r\n")))
	}
	return nil
}

type statsCmd struct{}

// Run shows the counters.
func (statsCmd) Run(s *shell) error {
	got, err := inspect(s, "journal.stats", nil, func(r *journal.Reader) (control.StatsResult, error) {
		stats, err := r.Stats()
		return control.StatsResult{Journal: control.JournalStatus{Why: stats.Why}, Queues: control.Books(stats)}, err
	})
	if err != nil {
		return err
	}
	if s.JSON {
		return s.encode(got)
	}
	return s.counters(got.Queues)
}

func (s *shell) counters(queues []control.QueueStatus) error {
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
	got, err := inspect(s, "journal.verify", nil, func(r *journal.Reader) (control.VerifyResult, error) {
		got := r.Verify()
		return control.VerifyResult{
			Balanced: len(got.Faults) == 0, Faults: append([]string{}, got.Faults...), Queues: control.Books(got.Statistics),
		}, got.Err
	})
	if err != nil {
		return err
	}
	return s.judge(got)
}

// judge shows the books and says whether they balance.
func (s *shell) judge(got control.VerifyResult) error {
	show := func() error { return s.counters(got.Queues) }
	if s.JSON {
		show = func() error { return s.encode(got) }
	}
	if err := show(); err != nil {
		return err
	}
	for _, fault := range got.Faults {
		fmt.Fprintln(s.Stderr, fault)
	}
	if !got.Balanced {
		return failure{life.ExitJournal, errors.New("the books do not balance; please report this with the lines above")}
	}
	if !s.JSON {
		fmt.Fprintln(s.Stdout, "balanced: created = done + dead + expired + pending, counted from the keys")
	}
	return nil
}

type resendCmd struct{ seqArg }

// Run makes a dead item pending again.
func (c resendCmd) Run(s *shell) error {
	return show(s, "journal.resend", control.ItemParams{Seq: c.Seq}, func(r *control.DoneResult) {
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
