package config

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v3"
)

const canary = "canary-7f3a-hunter2"

// Everything that Go has for turning a value into text is tried on a secret, wherever it may be kept.
func TestLaw12_ASecretCannotPrintItself(t *testing.T) {
	s := NewSecret(canary)
	type open struct {
		S Secret
		P *Secret
		L []Secret
		M map[string]Secret
		A any
	}
	type closed struct {
		s Secret
		p *Secret
		l []Secret
		m map[string]Secret
		a any
	}
	values := map[string]any{
		"itself": s, "a pointer": &s, "a list": []Secret{s}, "a map": map[string]Secret{"k": s}, "a key": map[Secret]int{s: 1},
		"exported fields":   open{s, &s, []Secret{s}, map[string]Secret{"k": s}, s},
		"unexported fields": closed{s, &s, []Secret{s}, map[string]Secret{"k": s}, s},
		"a pointer to them": &closed{s, &s, []Secret{s}, map[string]Secret{"k": s}, s},
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "c", "U", "t", "e", "20v", "-5.2s", "T", "p", "w"} {
				fmt.Fprintf(&out, "%"+verb+"\n", v)
			}
			fmt.Fprintln(&out, fmt.Errorf("wrapped: %v", v), v)
			for _, marshal := range []func(any) ([]byte, error){json.Marshal, xml.Marshal, yaml.Marshal} {
				text, err := marshal(v)
				fmt.Fprintln(&out, string(text), err)
			}
			slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
			log := zerolog.New(&out)
			log.Info().Any("v", v).Interface("w", v).Str("x", fmt.Sprint(v)).Send()
			leaks(t, out.String())
		})
	}
}

func TestSecretsAndNodesPrintTheSameForEveryVerb(t *testing.T) {
	n := mustLoad(t, string(defaultYAML)).Agents["default"]
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%5t"} {
		if got := fmt.Sprintf(verb+" "+verb, NewSecret(canary), n); got != "*** settings of agents.default" {
			t.Errorf("%s: got %s", verb, got)
		}
	}
	written, err := json.Marshal(n)
	s := NewSecret(canary)
	got := []string{s.String(), s.GoString(), n.String(), n.GoString(), string(written)}
	want := []string{"***", "***", "settings of agents.default", "settings of agents.default", `"settings of agents.default"`}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// leaks fails if the canary is in the text, also as hex, as bytes or escaped.
func leaks(t *testing.T, out string) {
	t.Helper()
	for _, form := range []string{
		canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary),
		strings.Trim(fmt.Sprint([]byte(canary)), "[]"), "hunter2",
	} {
		if i := strings.Index(out, form); i >= 0 {
			t.Errorf("the secret is in the output: …%s…", out[max(0, i-60):i])
		}
	}
}

func TestSecretEqual(t *testing.T) {
	for _, tt := range []struct {
		name, secret, candidate string
		want                    bool
	}{
		{"the same", "abc", "abc", true},
		{"another", "abc", "abd", false},
		{"a shorter candidate", "abc", "ab", false},
		{"a longer candidate", "abc", "abcd", false},
		{"an empty candidate", "abc", "", false},
		{"an empty secret equals nothing", "", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := NewSecret(tt.secret).Equal(tt.candidate); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSecretKeepsItsValue(t *testing.T) {
	var zero, read Secret
	if !zero.IsZero() || zero.Reveal() != "" || NewSecret("") != zero {
		t.Error("the empty secret is not the zero one")
	}
	if err := read.UnmarshalText([]byte("x")); err != nil || read.Reveal() != "x" || read.IsZero() {
		t.Errorf("got %q, %v", read.Reveal(), err)
	}
	if !reflect.DeepEqual(read, NewSecret("x")) || reflect.DeepEqual(read, NewSecret("y")) {
		t.Error("values that hold secrets cannot be compared")
	}
	if err := read.UnmarshalText(nil); err != nil || !read.IsZero() {
		t.Errorf("after empty text: zero %v, %v", read.IsZero(), err)
	}
}

func TestSecretDigestTellsAChangeAndNeedsItsKey(t *testing.T) {
	a, b := NewSecret("a").Digest([]byte("k")), NewSecret("b").Digest([]byte("k"))
	if bytes.Equal(a, b) || !bytes.Equal(a, NewSecret("a").Digest([]byte("k"))) {
		t.Error("the digest does not follow the secret")
	}
	if bytes.Equal(a, NewSecret("a").Digest([]byte("other"))) {
		t.Error("the digest does not depend on the key")
	}
}

func TestDuration(t *testing.T) {
	var d Duration
	if err := d.UnmarshalText([]byte("1h30m")); err != nil || d.D().Minutes() != 90 || d.String() != "1h30m0s" {
		t.Errorf("got %v, %v", d, err)
	}
	if text, err := json.Marshal(d); err != nil || string(text) != `"1h30m0s"` {
		t.Errorf("got %s, %v", text, err)
	}
	err := d.UnmarshalText([]byte("1 day"))
	if want := `got "1 day", want a duration such as 500ms, 30s or 24h`; err == nil || err.Error() != want || d.D().Minutes() != 90 {
		t.Errorf("got %v and %v, want %s", err, d, want)
	}
}
