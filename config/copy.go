package config

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
)

var relativeFile = regexp.MustCompile(`\$\{file:([^}]*)\}`)

// Copy is the configuration as one JSON file that means the same at any other place: what was included is merged, paths are
// absolute. References stay references, so it has no more secrets than the files had; what the environment set is left out,
// because it will be laid over again.
func (c *Config) Copy() ([]byte, error) {
	whole, _ := c.written.plain().(map[string]any)
	if whole == nil {
		whole = map[string]any{}
	}
	out, _ := c.moved(whole).(map[string]any)
	if gateway, has := out["gateway"].(map[string]any); has && gateway["stateDir"] != nil {
		gateway["stateDir"] = c.Gateway.StateDir
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing a copy of the configuration: %w", err)
	}
	return append(data, '\n'), nil
}

// moved makes the files that references name absolute.
func (c *Config) moved(what any) any {
	switch one := what.(type) {
	case map[string]any:
		out := make(map[string]any, len(one))
		for key, v := range one {
			out[key] = c.moved(v)
		}
		return out
	case []any:
		out := make([]any, len(one))
		for i, v := range one {
			out[i] = c.moved(v)
		}
		return out
	case string:
		return relativeFile.ReplaceAllStringFunc(one, func(ref string) string {
			name := relativeFile.FindStringSubmatch(ref)[1]
			if name == "" || filepath.IsAbs(name) {
				return ref
			}
			if absolute, err := filepath.Abs(filepath.Join(c.folder, name)); err == nil {
				name = absolute
			}
			return "${file:" + name + "}"
		})
	}
	return what
}
