package life

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

func TestTheLevelOfTheLogMayChange(t *testing.T) {
	var out bytes.Buffer
	level := NewLevel("")
	log := zerolog.New(&out).Sample(level)
	child := log.With().Str("actor", "a").Logger()
	for _, c := range []struct {
		name, level, want string
	}{
		{"as it was made, info", "info", "info warn error"},
		{"more", "debug", "debug info warn error"},
		{"less", "error", "error"},
		{"all", "trace", "trace debug info warn error"},
		{"nothing", "disabled", ""},
		{"a name that is none stands for info", "loud", "info warn error"},
		{"so does none", "", "info warn error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.level != "info" {
				level.Set(c.level)
			}
			for name, logger := range map[string]zerolog.Logger{"the logger": log, "one made from it before": child} {
				out.Reset()
				for _, at := range []zerolog.Level{zerolog.TraceLevel, zerolog.DebugLevel, zerolog.InfoLevel, zerolog.WarnLevel, zerolog.ErrorLevel} {
					logger.WithLevel(at).Msg(at.String())
				}
				var got []string
				for _, at := range strings.Fields("trace debug info warn error") {
					if strings.Contains(out.String(), `"message":"`+at) {
						got = append(got, at)
					}
				}
				if strings.Join(got, " ") != c.want {
					t.Errorf("%s writes %v, want %s", name, got, c.want)
				}
			}
		})
	}
}
