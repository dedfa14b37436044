package config

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

//go:embed init.yaml
var initYAML []byte

// activeKind is the channel that a new file already has.
const activeKind = "webhook"

// Init writes a commented configuration to begin with, readable by its owner only. samples are the commented settings
// of one account by kind of channel; they follow as comments. A file that is already there stays as it is: that is an
// error.
func Init(path string, samples map[string][]byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write a new configuration: %s is already there and stays as it is: name another file, or move it away first", path)
	}
	if err != nil {
		return fmt.Errorf("write a new configuration: %w", err)
	}
	_, err = f.Write(initial(samples))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the new configuration %s: %w: remove what was written of it and try again", path, err)
	}
	return nil
}

// initial is the text of a new file. A sample of the kind that is already there becomes a second account of it.
func initial(samples map[string][]byte) []byte {
	var b bytes.Buffer
	b.Write(initYAML)
	if sample, ok := samples[activeKind]; ok {
		b.WriteString("      # second:\n")
		comment(&b, "      #   ", sample)
	}
	for _, kind := range sortedKeys(samples) {
		if kind != activeKind {
			fmt.Fprintf(&b, "\n  # %s:\n  #   accounts:\n  #     home:\n", kind)
			comment(&b, "  #       ", samples[kind])
		}
	}
	return b.Bytes()
}

// comment writes a text with a prefix before each line.
func comment(b *bytes.Buffer, prefix string, content []byte) {
	for line := range strings.Lines(string(bytes.TrimSpace(content)) + "\n") {
		b.WriteString(strings.TrimRight(prefix+strings.TrimRight(line, "\r\n"), " ") + "\n")
	}
}
