package backend_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"holdfast/actors/agents/backend"
	"holdfast/channels"
)

func TestErrorsAreToldApartThroughWrapping(t *testing.T) {
	cause := errors.New("no such model")
	refusal := fmt.Errorf("agent default: %w", &backend.Refusal{Err: cause})
	unanswerable := fmt.Errorf("agent default: %w", &backend.Refusal{Message: true, Err: cause})
	busy := fmt.Errorf("agent default: %w", &backend.Busy{After: time.Minute, Err: cause})
	for _, c := range []struct {
		name    string
		err     error
		refused bool
		message bool
		pause   time.Duration
	}{
		{"a refusal is one", refusal, true, false, 0},
		{"a refusal of one message says so", unanswerable, true, true, 0},
		{"a busy server is transient and names its pause", busy, false, false, time.Minute},
		{"anything else is transient", cause, false, false, 0},
		{"no error is neither", nil, false, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := backend.IsRefusal(c.err); got != c.refused {
				t.Errorf("refused: got %v, want %v", got, c.refused)
			}
			if got := backend.IsOfMessage(c.err); got != c.message {
				t.Errorf("of the message: got %v, want %v", got, c.message)
			}
			if got := backend.PauseOf(c.err); got != c.pause {
				t.Errorf("pause: got %v, want %v", got, c.pause)
			}
			if c.err != nil && (!errors.Is(c.err, cause) || !strings.Contains(c.err.Error(), "no such model")) {
				t.Errorf("the cause is lost: %v", c.err)
			}
		})
	}
}

func TestCommonNamesItsFaults(t *testing.T) {
	good := backend.DefaultCommon("echo")
	if got := good.Validate(); got != nil {
		t.Errorf("the defaults have faults: %v", got)
	}
	bad := backend.Common{Kind: "echo"}
	var paths []string
	for _, p := range bad.Validate() {
		paths = append(paths, p.Path)
	}
	if strings.Join(paths, " ") != "parallel timeout" {
		t.Errorf("got faults at %v, want parallel and timeout", paths)
	}
}

func TestAKindThatSaysNothingWantsAHistory(t *testing.T) {
	for name, c := range map[string]struct {
		kind backend.Kind
		want bool
	}{
		"nothing is said":        {backend.Kind{}, true},
		"the settings want one":  {backend.Kind{History: func(s backend.Settings) bool { return s != nil }}, true},
		"the settings want none": {backend.Kind{History: func(s backend.Settings) bool { return s == nil }}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.kind.WantsHistory(struct{ backend.Settings }{}); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// broken fails in the middle of being read.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("input/output error") }
func (broken) Close() error             { return nil }

func TestReadAttachment(t *testing.T) {
	env := backend.Env{Name: "default", Blob: func(hash string) (io.ReadCloser, error) {
		switch hash {
		case "five":
			return io.NopCloser(strings.NewReader("12345")), nil
		case "broken":
			return broken{}, nil
		}
		return nil, fmt.Errorf("no blob %s: %w", hash, fs.ErrNotExist)
	}}
	for _, c := range []struct {
		name  string
		file  channels.Attachment
		limit int64
		want  string
		is    error
		fails bool
	}{
		{name: "what fits is read whole", file: channels.Attachment{Blob: "five"}, limit: 5, want: "12345"},
		{name: "the disk decides on the size, not the platform", file: channels.Attachment{Blob: "five", Size: 1}, limit: 4, is: backend.ErrTooLarge},
		{name: "what is announced as too large is not opened", file: channels.Attachment{Blob: "broken", Size: 9}, limit: 4, is: backend.ErrTooLarge},
		{name: "what was never fetched is not there", file: channels.Attachment{Gone: "too large", Blob: "five"}, limit: 5, is: fs.ErrNotExist},
		{name: "what has no hash is not there", file: channels.Attachment{}, limit: 5, is: fs.ErrNotExist},
		{name: "what was deleted is not there", file: channels.Attachment{Blob: "gone"}, limit: 5, is: fs.ErrNotExist},
		{name: "a fault of the disk is neither", file: channels.Attachment{Blob: "broken"}, limit: 5, fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := env.Read(c.file, c.limit)
			if string(got) != c.want || (err != nil) != (c.fails || c.is != nil) {
				t.Fatalf("got %q, %v", got, err)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v, want %v", err, c.is)
			}
			if c.fails && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, backend.ErrTooLarge)) {
				t.Errorf("got %v, want an error that may pass", err)
			}
		})
	}
}
