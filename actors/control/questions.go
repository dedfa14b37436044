package control

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"holdfast/actors/access"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/outbox"
	"holdfast/actors/reload"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

// Lists of items that one call gives.
const (
	listDefault = 100
	listMost    = 1000
)

func askReload(p Places, m ReloadParams) (kit.Addr, any, error) {
	if m.Target != "" && (m.DryRun || m.AllOrNothing) {
		return kit.Addr{}, nil, errors.New("dryRun and allOrNothing are for the configuration: a target is only restarted")
	}
	return p.Reload, reload.Reload{Target: m.Target, DryRun: m.DryRun, AllOrNothing: m.AllOrNothing}, nil
}

func askPlan(p Places, m PlanParams) (kit.Addr, any, error) {
	if m.File != "" && !filepath.IsAbs(m.File) {
		return kit.Addr{}, nil, fmt.Errorf("file: got %q, want an absolute path", m.File)
	}
	return p.Reload, reload.Reload{DryRun: true, File: m.File}, nil
}

// order is start, stop and restart: the channel's supervisor is asked, for one account or for all.
func order(do string) func(Places, ChannelParams) (kit.Addr, any, error) {
	return func(_ Places, m ChannelParams) (kit.Addr, any, error) {
		channel, name, one := strings.Cut(m.Target, ":")
		if channel == "" || one && name == "" || strings.Contains(channel, "/") {
			return kit.Addr{}, nil, fmt.Errorf("target: got %q, want an account such as bluebubbles:home, or a channel", m.Target)
		}
		account := channels.Account("")
		if one {
			account = channels.NewAccount(channel, name)
		}
		return kit.Named("channels/" + channel), supervisor.Order{Account: account, Do: do}, nil
	}
}

func askSend(p Places, m SendParams) (kit.Addr, any, error) {
	switch {
	case m.Account.Channel() == "" || m.Account.Name() == "":
		return kit.Addr{}, nil, fmt.Errorf("account: got %q, want channel:name such as bluebubbles:home", m.Account)
	case m.Target == "":
		return kit.Addr{}, nil, errors.New("target: want a conversation or a handle")
	case strings.TrimSpace(m.Text) == "":
		return kit.Addr{}, nil, errors.New("text: want something to say")
	}
	return p.Outbox, outbox.Post{Account: m.Account, Target: m.Target, Text: m.Text, Key: m.Key}, nil
}

func askList(p Places, m ListParams) (kit.Addr, any, error) {
	kinds := []journal.Kind{"", journal.Requests, journal.Arrivals, journal.Replies}
	states := []journal.State{"", journal.Pending, journal.Done, journal.Dead, journal.Expired}
	switch {
	case !slices.Contains(kinds, m.Kind):
		return kit.Addr{}, nil, fmt.Errorf("kind: got %q, want request, arrival or reply", m.Kind)
	case !slices.Contains(states, m.State):
		return kit.Addr{}, nil, fmt.Errorf("state: got %q, want pending, done, dead or expired", m.State)
	case m.Max < 0:
		return kit.Addr{}, nil, fmt.Errorf("max: got %d, want a number from 1 to %d", m.Max, listMost)
	}
	return p.Journal, journal.List{
		Kind: m.Kind, Account: m.Account, State: m.State, After: m.After,
		Max: min(cmp.Or(m.Max, listDefault), listMost),
	}, nil
}

var errSeq = errors.New("seq: want the number of an item, as journal.ls shows it")

func askItem(question func(seq uint64) any) func(Places, ItemParams) (kit.Addr, any, error) {
	return func(p Places, m ItemParams) (kit.Addr, any, error) {
		if m.Seq == 0 {
			return kit.Addr{}, nil, errSeq
		}
		return p.Journal, question(m.Seq), nil
	}
}

func askDrop(p Places, m SeqParams) (kit.Addr, any, error) {
	if m.Seq == 0 {
		return kit.Addr{}, nil, errSeq
	}
	return p.Journal, journal.Drop{Seq: m.Seq, Reason: cmp.Or(m.Reason, "dropped by the operator")}, nil
}

func askVerify(p Places, _ None) (kit.Addr, any, error) { return p.Journal, journal.Verify{}, nil }

func askApprove(p Places, m ApproveParams) (kit.Addr, any, error) {
	if m.Code == "" {
		return kit.Addr{}, nil, errors.New("code: want the code that the sender was given; pairing.list shows them")
	}
	return p.Access, access.Approve{Account: m.Account, Code: m.Code}, nil
}

func askDeny(p Places, m PairingParams) (kit.Addr, any, error) {
	if (m.Code == "") == (m.Sender == "") {
		return kit.Addr{}, nil, errors.New("params: want either a code to forget or a sender whose approval is taken back")
	}
	return p.Access, access.Deny{Account: m.Account, Code: m.Code, Sender: m.Sender}, nil
}
