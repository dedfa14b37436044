package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var samples = map[string][]byte{
	"webhook": []byte("# Another path.\npath: /second\nauth: {type: bearer}\n\npassword: ${env:SECOND}\n"),
	"sms":     []byte("# Telephone.\npath: /sms\r\npassword: ${env:SMS}\ngroups:\n  \"*\": {requireMention: true}\n"),
}

func TestInitWritesAFileThatLoads(t *testing.T) {
	file := filepath.Join(t.TempDir(), "holdfast.yaml")
	if err := Init(file, samples); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
	}
	c, err := Load(Source{Path: file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	def, err := Load(Source{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Gateway.Listen != def.Gateway.Listen || !c.Channels["webhook"].Accounts["default"].Equal(def.Channels["webhook"].Accounts["default"]) ||
		!c.Agents["default"].Equal(def.Agents["default"]) || len(c.Channels) != 1 || len(c.Unused) != 0 {
		t.Errorf("the new file differs from the embedded default: %+v", c)
	}
}

func TestEverySampleCanBeUncommented(t *testing.T) {
	for _, tt := range []struct{ kind, account, path string }{{"webhook", "second", "/second"}, {"sms", "home", "/sms"}} {
		t.Run(tt.kind, func(t *testing.T) {
			var lines []string
			inside := false
			for line := range strings.Lines(string(initial(samples))) {
				bare := strings.Replace(line, "# ", "", 1)
				switch trimmed := strings.TrimSpace(bare); {
				case trimmed == "second:" && tt.kind == "webhook", trimmed == "sms:" && tt.kind == "sms":
					inside = true
				case strings.TrimSpace(line) == "":
					inside = false
				}
				if inside {
					line = bare
				}
				lines = append(lines, line)
			}
			c, err := load(strings.Join(lines, ""), "SECOND=x", "SMS=y")
			if err != nil {
				t.Fatalf("%v in\n%s", err, strings.Join(lines, ""))
			}
			a := newAccount()
			if ps := c.Channels[tt.kind].Accounts[tt.account].Decode(a); ps != nil || a.Path != tt.path || len(a.Password) != 1 {
				t.Errorf("got %+v, %v", a, ps)
			}
		})
	}
}

// Every commented setting of the core is taken out of its comment: all of them are right, and say the defaults.
func TestTheCommentsOfANewFileAreRight(t *testing.T) {
	var lines []string
	for line := range strings.Lines(string(initYAML)) {
		if bare, ok := strings.CutPrefix(strings.TrimSpace(line), "# "); ok {
			key, value, setting := strings.Cut(bare, ": ")
			if setting = setting && !strings.Contains(key, " ") && value[0] != ' '; setting {
				line = strings.Replace(line, "# ", "", 1)
			}
		}
		lines = append(lines, line)
	}
	unpack(t, "-- conf.d/a.yaml --\nlog: {level: warn}\n")
	c, err := load(strings.Join(lines, ""))
	if err != nil {
		t.Fatalf("%v in\n%s", err, strings.Join(lines, ""))
	}
	if c.Log.Level != "warn" {
		t.Error("what stands in conf.d is not included")
	}
	def := defaults().Gateway
	if g := c.Gateway; g.MinFreeMB != def.MinFreeMB || g.BytesInFlightMB != def.BytesInFlightMB || g.RequestTimeout != def.RequestTimeout ||
		g.JournalWait != def.JournalWait || g.DrainTimeout != def.DrainTimeout || g.AdminGroup == "" || g.PublicURL == "" || len(g.TrustedProxies) == 0 {
		t.Errorf("got %+v", g)
	}
}

func TestInitLeavesAFileThatIsThere(t *testing.T) {
	file := write(t, t.TempDir(), "f.yaml", "mine")
	err := Init(file, nil)
	want := "write a new configuration: " + file + " is already there and stays as it is: name another file, or move it away first"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if content, _ := os.ReadFile(file); string(content) != "mine" {
		t.Errorf("the file became %q", content)
	}
	if err := Init(filepath.Join(file, "x.yaml"), nil); err == nil || !strings.HasPrefix(err.Error(), "write a new configuration: open ") {
		t.Errorf("below a file: got %v", err)
	}
}
