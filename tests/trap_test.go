package tests

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// trapFile in the working folder of a gateway under test holds parts of a line of the log, one a line. Who writes the first
// line of the log that has them all panics while it writes, on its own turn, as it would by a bug of its own. It works once.
const trapFile = "trap"

// trap is what such a gateway writes its log to.
type trap struct{ io.Writer }

// Write falls into the trap, or passes the line on.
func (t trap) Write(line []byte) (int, error) {
	parts, err := os.ReadFile(trapFile)
	if err == nil && hasAll(line, parts) && os.Remove(trapFile) == nil {
		panic("a trap was laid")
	}
	return t.Writer.Write(line)
}

func hasAll(line, parts []byte) bool {
	for part := range bytes.Lines(parts) {
		if !bytes.Contains(line, bytes.TrimSpace(part)) {
			return false
		}
	}
	return true
}

// lay lays a trap in a gateway's folder.
func (g *gate) lay(parts ...string) {
	g.t.Helper()
	draft := filepath.Join(g.dir, "draft") // a trap that is not written to its end has fewer parts
	if err := os.WriteFile(draft, []byte(strings.Join(parts, "\n")), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(draft, filepath.Join(g.dir, trapFile)); err != nil {
		g.t.Fatal(err)
	}
}

// A line of the log meets the trap only with all parts of it, and only once.
func TestATrapIsMetOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(trapFile, []byte("router\nchanged"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	write := func(line string) (met bool) {
		defer func() { met = recover() != nil }()
		_, _ = trap{&out}.Write([]byte(line))
		return false
	}
	if write("router\n") || !write("router changed\n") || write("router changed\n") {
		t.Errorf("the trap was met by another line than the first that fits")
	}
	if got := out.String(); got != "router\nrouter changed\n" {
		t.Errorf("the log has %q", got)
	}
}
