package life

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"holdfast/actors/control"
	"holdfast/actors/reload"
	"holdfast/channels"
)

// greet tells people what listens where, what each account's webhook is, what failed, and a line to try.
func (g *gateway) greet(report reload.Report, first *reload.Candidate) {
	out, listen := g.o.Stdout, g.edge.Addr()
	fmt.Fprintf(out, "holdfast %s listens on http://%s, state in %s\n", g.o.Version, listen, g.settings.StateDir)
	for _, a := range g.world().Look(time.Now()).Accounts {
		fmt.Fprintln(out, greeting(a))
	}
	for _, unit := range slices.Sorted(maps.Keys(report.Units)) {
		if v := report.Units[unit]; v.Result == "failed" {
			fmt.Fprintf(out, "  %s FAILED: %s\n", unit, v.Reason)
		}
	}
	if path := openToAll(first); path != "" {
		hook := url.URL{Scheme: "http", Host: listen, Path: path}
		fmt.Fprint(out, tryLine(hook.String()))
	}
}

// greeting is the line of one account.
func greeting(a control.AccountStatus) string {
	line := "  " + string(a.Account)
	if a.Webhook != "" {
		line += "  " + a.Webhook
	}
	switch {
	case a.Disabled:
		line += "  (disabled)"
	case a.Stopped:
		line += "  (stopped by hand: gateway channels start " + string(a.Account) + ")"
	case a.Hint != "":
		line += "  (" + a.Hint + ")"
	}
	return line
}

// tryLine sends a message to an open webhook and fetches the reply.
func tryLine(hook string) string {
	return fmt.Sprintf("try:\n  curl -s -H 'Content-Type: application/json' -d '{\"text\":\"hello\"}' '%s' | tr -dc 0-9 | xargs -I ID curl -s '%s/replies/ID?wait=10s'\n", hook, hook)
}

// openToAll is the path of an account that takes requests without a credential and keeps its replies; empty if there is none.
func openToAll(candidate *reload.Candidate) string {
	for _, a := range candidate.Accounts {
		for _, r := range a.Routes {
			if r.Ack == channels.AckTicket && len(r.Auth) == 1 && r.Auth[0].Scheme == channels.SchemeNone && !r.Disabled {
				return r.Path
			}
		}
	}
	return ""
}
