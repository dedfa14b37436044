package life

import (
	"fmt"
	"strings"
	"time"

	"holdfast/actors/reload"
	"holdfast/channels"
)

// greet tells people what listens where, what each account's webhook is, and a line to try.
func (g *gateway) greet(report reload.Report) {
	listen := g.listener.Addr().String()
	fmt.Fprintf(g.o.Stdout, "holdfast %s listens on http://%s, state in %s\n", g.o.Version, listen, g.cfg.Gateway.StateDir)
	for _, a := range g.world().Look(time.Now()).Accounts {
		line := fmt.Sprintf("  %s  %s", a.Account, a.Webhook)
		if a.Hint != "" {
			line += "  (" + a.Hint + ")"
		}
		fmt.Fprintln(g.o.Stdout, strings.TrimRight(line, " "))
	}
	for unit, v := range report.Units {
		if v.Result == "failed" {
			fmt.Fprintf(g.o.Stdout, "  %s FAILED: %s\n", unit, v.Reason)
		}
	}
	if url := g.openToAll(); url != "" {
		fmt.Fprintf(g.o.Stdout, "try:\n  curl -s -H 'Content-Type: application/json' -d '{\"text\":\"hello\"}' %s | tr -dc 0-9 | xargs -I ID curl -s '%s/replies/ID?wait=10s'\n", url, url)
	}
}

// openToAll is the URL of an account that takes requests without a credential and keeps its replies; empty if there is none.
func (g *gateway) openToAll() string {
	candidate, problems := reload.Prepare(g.cfg, g.o.Kinds, g.listener.Addr().String())
	if len(problems) > 0 {
		return ""
	}
	for _, a := range candidate.Accounts {
		for _, r := range a.Routes {
			if r.Ack == channels.AckTicket && len(r.Auth) == 1 && r.Auth[0].Scheme == channels.SchemeNone && !r.Disabled {
				return a.Webhook
			}
		}
	}
	return ""
}
