package explore

import "holdfast/channels"

// file writes one version of a file: accounts of the channel double.
func file(accounts ...string) string {
	text := "channels:\n  double:\n    accounts:\n"
	for _, a := range accounts {
		text += "      " + a + "\n"
	}
	return text + "agents: {default: {kind: echo}}\n"
}

// Lines of files.
const (
	homeOne  = "home: {path: /home, secret: one}"
	homeTwo  = "home: {path: /home, secret: two}"
	homeAway = "home: {path: /away, secret: one}"
	homeOff  = "home: {path: /home, secret: one, enabled: false}"
	workOne  = "work: {path: /work, secret: three}"
	workTwo  = "work: {path: /work, secret: four}"
	broken   = "home: {path: 7}"
)

const (
	home = channels.Account("double:home")
	work = channels.Account("double:work")
)

var ends = []string{crash, panicky, refusal, hang}

// Plans are the small worlds, smallest first.
func Plans() []Plan {
	return []Plan{
		{Name: "boot", Title: "one account, the boot, any one fault", Files: []string{file(homeOne)}, Faults: []string{crash, panicky, refusal, hang, late, disk}},
		{Name: "reload", Title: "one account and a reload", Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}}},
		{Name: "reload-ends", Title: "one account, a reload, and a run that ends or hangs", Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}}, Faults: ends},
		{Name: "reload-late", Title: "one account, a reload, and a question that is not answered in time", Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}}, Faults: []string{late}},
		{Name: "reload-disk", Title: "one account, a reload, and a journal that cannot", Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}}, Faults: []string{disk}},
		{Name: "stop-start", Booted: true, Title: "one account, stopped and started by hand, and a run that ends or hangs", Files: []string{file(homeOne)}, Steps: []Step{{Account: home, Do: "stop"}, {Account: home, Do: "start"}}, Faults: ends},
		{Name: "restart", Booted: true, Title: "one account, restarted by hand", Files: []string{file(homeOne)}, Steps: []Step{{Target: "all"}}, Faults: ends},
		{Name: "stop-reload", Title: "one account, stopped by hand during a reload", Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}, {Account: home, Do: "stop"}}},
		{Name: "two-reloads", Title: "one account and two reloads", Files: []string{file(homeOne), file(homeTwo), file(homeAway)}, Steps: []Step{{File: 1}, {File: 2}}},
		{Name: "two-accounts", Booted: true, Title: "two accounts and a reload that changes one", Files: []string{file(homeOne, workOne), file(homeOne, workTwo)}, Steps: []Step{{File: 1}}},
		{Name: "removed", Booted: true, Title: "an account is removed and comes back", Files: []string{file(homeOne, workOne), file(homeOne), file(homeOne, workTwo)}, Steps: []Step{{File: 1}, {File: 2}}},
		{Name: "disabled", Booted: true, Title: "an account is disabled and enabled", Files: []string{file(homeOne), file(homeOff), file(homeOne)}, Steps: []Step{{File: 1}, {File: 2}}},
		{Name: "broken-file", Booted: true, Title: "a file that is refused and one that is not", Files: []string{file(homeOne), file(broken), file(homeTwo)}, Steps: []Step{{File: 1}, {File: 2}}},
		{Name: "request", Booted: true, Title: "a request, a reload, and code that panics", Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}}, Posts: 1, Faults: []string{plugin}},
	}
}
