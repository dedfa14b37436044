package explore

// file writes one version of a file.
func file(accounts string) string {
	return "channels:\n  double:\n    accounts:\n" + accounts + "agents: {default: {kind: echo}}\n"
}

const (
	homeOne  = "      home: {path: /home, secret: one}\n"
	homeTwo  = "      home: {path: /home, secret: two}\n"
	homeAway = "      home: {path: /away, secret: one}\n"
	homeOff  = "      home: {path: /home, secret: one, enabled: false}\n"
	workOne  = "      work: {path: /work, secret: three}\n"
	workTwo  = "      work: {path: /work, secret: four}\n"
)

// Plans are the small worlds, smallest first.
func Plans() []Plan {
	return []Plan{
		{
			Name: "boot", Title: "one account, the boot",
			Files: []string{file(homeOne)},
		},
		{
			Name: "reload", Title: "one account, the boot and a reload with another secret",
			Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}},
		},
	}
}
