package explore

import (
	"slices"
	"strings"

	"holdfast/channels"
)

// file writes one version of a file: lines of accounts, and of the top level.
func file(lines ...string) string {
	var top string
	accounts := map[string]string{}
	for _, line := range lines {
		channel, account, is := strings.Cut(line, " ")
		if !is || channel != double && channel != single {
			top += line + "\n"
			continue
		}
		accounts[channel] += "      " + account + "\n"
	}
	text := top + "agents: {default: {kind: echo}}\nchannels:\n"
	for _, channel := range []string{double, single} {
		if accounts[channel] != "" {
			text += "  " + channel + ":\n    accounts:\n" + accounts[channel]
		}
	}
	return text
}

// Lines of files.
const (
	homeOne   = double + " home: {path: /home, secret: one}"
	homeTwo   = double + " home: {path: /home, secret: two}"
	homeAway  = double + " home: {path: /away, secret: one}"
	homeOff   = double + " home: {path: /home, secret: one, enabled: false}"
	workOne   = double + " work: {path: /work, secret: three}"
	workTwo   = double + " work: {path: /work, secret: four}"
	backOne   = double + " back: {path: /back, secret: two}"
	soleOne   = single + " sole: {path: /sole, secret: one}"
	soleTwo   = single + " sole: {path: /sole, secret: two}"
	broken    = double + " home: {path: 7}"
	edition   = "plugins: {entries: {double: {config: {edition: 1}}}}"
	elsewhere = "gateway: {listen: \"127.0.0.1:18790\"}"
)

// toTwo has the gateway write another secret.
var toTwo = change{path: "channels.double.accounts.home.secret", value: `"two"`}

const (
	home = channels.Account("double:home")
	sole = channels.Account("single:sole")
)

var (
	// ends are the faults of runs.
	ends = []string{crash, panicky, refusal, hang}
	// waits are the faults of everybody else.
	waits = []string{slow, late, disk}
	all   = []string{crash, panicky, refusal, hang, slow, late, disk, plugin}
)

// Plans are the small worlds, smallest first.
func Plans() []Plan { return slices.Concat(oneReload(), severalReloads(), otherUnits()) }

// oneReload are worlds of one account and one reload, or an order by hand.
func oneReload() []Plan {
	return []Plan{
		{
			Name: "boot", Quick: true, Title: "one account, the boot, any one fault",
			Files: []string{file(homeOne)}, Faults: all, Promise: true,
		},
		{
			Name: "reload", Quick: true, Title: "one account and a reload at any time",
			Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}}, Promise: true,
		},
		{
			Name: "boot-orders", Quick: true, Title: "one account, stopped and started while it boots, and somebody who is late",
			Files: []string{file(homeOne)}, Steps: []Step{{Account: home, Do: "stop"}, {Account: home, Do: "start"}}, Faults: []string{late},
		},
		{
			Name: "reload-ends", Quick: true, Title: "one account, a reload, and a run that ends or hangs",
			Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}}, Faults: ends, Booted: true,
		},
		{
			Name: "reload-waits", Quick: true, Title: "one account, a reload, and somebody who is late, or cannot",
			Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}}, Faults: waits, Booted: true,
		},
		{
			Name: "stop-start", Quick: true, Title: "one account, stopped and started by hand, and any one fault",
			Files: []string{file(homeOne)}, Steps: []Step{{Account: home, Do: "stop"}, {Account: home, Do: "start"}}, Faults: all, Booted: true,
		},
		{
			Name: "restart", Quick: true, Title: "one account, restarted by hand, and any one fault",
			Files: []string{file(homeOne)}, Steps: []Step{{Target: "all"}, {Look: true}}, Faults: all, Booted: true,
		},
		{
			Name: "stop-reload", Title: "one account, stopped by hand before, during or after a reload",
			Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}, {Account: home, Do: "stop"}}, Booted: true, Faults: []string{crash},
		},
		{
			Name: "reload-start", Quick: true, Title: "one account, stopped by hand, a reload and a start at any time",
			Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{Account: home, Do: "stop"}, {File: 1}, {Account: home, Do: "start"}}, Booted: true,
		},
	}
}

// severalReloads are worlds of several reloads or accounts.
func severalReloads() []Plan {
	return []Plan{
		{
			Name: "two-reloads", Quick: true, Title: "one account and two reloads, one of which moves its path",
			Files: []string{file(homeOne), file(homeTwo), file(homeAway)}, Steps: []Step{{File: 1}, {File: 2}}, Booted: true,
		},
		{
			Name: "moved-back", Quick: true, Title: "a path moves away and back, and its grace ends at any time",
			Files: []string{file(homeOne), file(homeAway), file(homeTwo)}, Steps: []Step{{File: 1}, {File: 2}}, Booted: true,
		},
		{
			Name: "merged", Quick: true, Title: "one account and three orders to reload, of which the later ones wait and are one",
			Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}, {File: 1}, {File: 1}}, Booted: true,
		},
		{
			Name: "taken-back", Title: "a change that may be refused, and is taken back",
			Files: []string{file(homeOne), file(homeTwo), file(homeOne)}, Steps: []Step{{File: 1}, {File: 2}}, Booted: true, Faults: []string{refusal},
		},
		{
			Name: "two-reloads-late", Title: "one account, two reloads, and one fault",
			Files: []string{file(homeOne), file(homeTwo), file(homeAway)}, Steps: []Step{{File: 1}, {File: 2}}, Booted: true, Faults: []string{crash, late},
		},
		{
			Name: "two-reloads-hang", Title: "one account, two reloads, and a hang or a refusal",
			Files: []string{file(homeOne), file(homeTwo), file(homeAway)}, Steps: []Step{{File: 1}, {File: 2}}, Booted: true, Faults: []string{hang, refusal},
		},
		{
			Name: "two-accounts", Title: "two accounts, a reload that changes both, and one fault",
			Files: []string{file(homeOne, workOne), file(homeTwo, workTwo)}, Steps: []Step{{File: 1}}, Booted: true, Faults: ends,
		},
		{
			Name: "removed", Title: "an account is removed and comes back",
			Files: []string{file(homeOne, workOne), file(homeOne), file(homeOne, workTwo)}, Steps: []Step{{File: 1}, {File: 2}}, Booted: true, Faults: ends,
		},
		{
			Name: "disabled", Quick: true, Title: "an account is disabled and enabled",
			Files: []string{file(homeOne), file(homeOff), file(homeOne)}, Steps: []Step{{File: 1}, {File: 2}}, Booted: true, Faults: ends,
		},
		{
			Name: "broken-file", Title: "a file that is refused and one that is not",
			Files: []string{file(homeOne), file(broken), file(homeTwo)}, Steps: []Step{{File: 1}, {File: 2}}, Booted: true, Faults: waits,
		},
	}
}

// otherUnits are worlds of what else a reload changes, and of what goes on meanwhile.
func otherUnits() []Plan {
	return []Plan{
		{
			Name: "handover", Quick: true, Title: "an account of which only one run may be connected, a reload, and any one fault",
			Files: []string{file(soleOne), file(soleTwo)}, Steps: []Step{{File: 1}}, Booted: true, Faults: all,
		},
		{
			Name: "plugins", Quick: true, Title: "two plugins, of which one gets other settings while a call is under way",
			Files: []string{file(homeOne, soleOne), file(edition, homeOne, soleOne)}, Steps: []Step{{Call: home}, {File: 1}}, Booted: true, Faults: []string{hang, slow, late},
		},
		{
			Name: "plugins-again", Title: "a plugin gets other settings, and the same file is read once more",
			Files: []string{file(homeOne), file(edition, homeOne)}, Steps: []Step{{File: 1}, {File: 1}}, Booted: true, Faults: []string{refusal, crash, late},
		},
		{
			Name: "again", Title: "a file that is read twice, and one fault",
			Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}, {File: 1}}, Booted: true, Faults: all,
		},
		{
			Name: "watch", Title: "the file is written twice and watched, somebody plans, and one fault",
			Files: []string{file(homeOne), file(homeTwo), file(homeAway)}, Steps: []Step{{Save: 1}, {Save: 2}}, Booted: true, Watch: true, Faults: []string{disk, late},
		},
		{
			Name: "edit", Quick: true, Title: "the gateway writes to its file while somebody else does, and a disk that cannot",
			Files: []string{file(homeOne), file(homeAway), file(homeTwo)}, Booted: true, Faults: []string{disk},
			Steps: []Step{{Edit: toTwo}, {File: 1}},
		},
		{
			Name: "all-or-nothing", Title: "two accounts, all or nothing, and a run that ends or is refused",
			Files: []string{file(homeOne, soleOne), file(homeTwo, soleTwo)}, Steps: []Step{{File: 1, All: true}}, Booted: true, Faults: ends,
		},
		{
			Name: "three-accounts", Title: "three accounts, a reload that changes one, removes one and adds one",
			Files: []string{file(homeOne, workOne), file(homeTwo, backOne)}, Steps: []Step{{File: 1}}, Booted: true, Faults: ends,
		},
		{
			Name: "listener", Quick: true, Title: "the listener moves together with a secret, and one fault",
			Files: []string{file(homeOne), file(elsewhere, homeTwo)}, Steps: []Step{{File: 1}}, Booted: true, Faults: waits,
		},
		{
			Name: "request", Quick: true, Title: "a request, a reload, and code that panics or a commit that fails",
			Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}}, Booted: true, Posts: 1, Faults: []string{plugin, disk, slow, late},
		},
		{
			Name: "missed", Quick: true, Title: "something may be missed before, during or after a reload, and one fault of a run",
			Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{Missed: home}, {File: 1}}, Booted: true, Faults: []string{crash},
		},
		{
			Name: "killed", Quick: true, Title: "a supervisor ends during a reload: who asked is answered, and nobody else is touched", Killed: double,
			Files: []string{file(homeOne, soleOne), file(homeTwo, soleTwo)}, Steps: []Step{{File: 1}, {Kill: double}}, Booted: true,
		},
		{
			Name: "drain", Quick: true, Title: "a channel with a request and a call is drained, and one fault",
			Files: []string{file(homeOne)}, Steps: []Step{{Call: home}, {Drain: double}}, Booted: true, Posts: 1, Faults: []string{hang, slow, crash},
		},
	}
}

// Larger are worlds that are too large to be exhausted. They are walked through at random.
func Larger() []Plan {
	return []Plan{
		{
			Name: "crowd", Title: "three accounts on two channels, three reloads, orders, requests, and three faults",
			Files: []string{
				file(homeOne, workOne, soleOne), file(homeAway, workTwo, soleTwo), file(edition, homeOff, workOne, soleOne), file(homeTwo, backOne, soleTwo),
			},
			Steps: []Step{
				{File: 1}, {Account: home, Do: "stop"}, {File: 2}, {Call: sole}, {Target: "single"}, {Account: home, Do: "start"}, {File: 3}, {Dry: 3},
			},
			Faults: all, Most: 3, Posts: 2, Watch: true, Booted: true,
		},
		{
			Name: "storm", Title: "two accounts, a listener that moves, and four faults",
			Files:  []string{file(homeOne, soleOne), file(elsewhere, homeTwo, soleTwo), file(broken), file(homeAway, soleTwo)},
			Steps:  []Step{{File: 1}, {File: 2}, {Account: sole, Do: "restart"}, {File: 3, All: true}, {File: 3}},
			Faults: all, Most: 4, Posts: 1, Booted: true,
		},
	}
}
