package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// load reads content as if it stood in f.yaml.
func load(content string, environ ...string) (*Config, error) {
	return Load(Source{Path: "f.yaml"}.With([]byte(content)), environ)
}

// mustLoad fails the test if there is any problem.
func mustLoad(t *testing.T, content string, environ ...string) *Config {
	t.Helper()
	c, err := load(content, environ...)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

// faults returns the problems of a load as text, one a line; it fails the test if there are none.
func faults(t *testing.T, c *Config, err error) string {
	t.Helper()
	var ps Problems
	if !errors.As(err, &ps) || len(ps) == 0 {
		t.Fatalf("Load gave %v, want Problems", err)
	}
	if c != nil {
		t.Fatal("Load gave a value beside its error")
	}
	return err.Error()
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// common, account and agent stand for what kinds bring: embedded parts, every type of field, defaults.
type common struct {
	Enabled   *bool            `json:"enabled,omitempty"`
	DMPolicy  string           `json:"dmPolicy,omitempty" jsonschema:"enum=open,enum=disabled"`
	AllowFrom []string         `json:"allowFrom,omitempty"`
	Groups    map[string]group `json:"groups,omitempty"`
	Expire    Duration         `json:"expireAfter,omitempty"`
	MediaMax  int              `json:"mediaMaxMb,omitempty"`
}

type group struct {
	RequireMention *bool `json:"requireMention,omitempty"`
}

type account struct {
	common

	Path     string         `json:"path,omitempty" jsonschema:"required"`
	Auth     auth           `json:"auth,omitempty"`
	Password []Secret       `json:"password,omitempty"`
	Token    Secret         `json:"token,omitempty"`
	Ratio    float64        `json:"ratio,omitempty"`
	Port     uint16         `json:"port,omitempty"`
	Limits   limits         `json:"limits,omitempty"`
	Extra    map[string]any `json:"extra,omitempty"`
	Skipped  string         `json:"-"`
}

type auth struct {
	Type string `json:"type,omitempty"`
}

type limits struct {
	Text int    `json:"text,omitempty"`
	Mode string `json:"mode,omitempty"`
}

type agent struct {
	Kind  string `json:"kind" jsonschema:"required"`
	Model string `json:"model,omitempty"`
	Key   Secret `json:"apiKey,omitempty"`
}

func newAccount() *account {
	return &account{
		common: common{DMPolicy: "pairing", AllowFrom: []string{"a", "b"}, Expire: Duration(1), MediaMax: 8},
		Limits: limits{Text: 4000, Mode: "length"},
	}
}

// node parses the settings of one account.
func node(t *testing.T, content string) Node {
	t.Helper()
	n, err := ParseNode("n.yaml", []byte(content), nil)
	if err != nil {
		t.Fatalf("ParseNode: %v", err)
	}
	return n
}
