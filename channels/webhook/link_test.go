package webhook

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"holdfast/channels"
	"holdfast/channels/channeltest"
)

// file is a stored attachment that knows whether it was closed.
type file struct {
	io.Reader
	closed bool
}

func (f *file) Close() error { f.closed = true; return nil }

func TestAnAttachmentGoesWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		stored io.Reader
		size   int
		gone   string
		logged bool
	}{
		{"as large as allowed", strings.NewReader(strings.Repeat("x", AttachmentLimit)), AttachmentLimit, "", false},
		{"larger", strings.NewReader(strings.Repeat("x", AttachmentLimit+1)), 0, "the file is larger than a callback carries", false},
		{"unreadable", iotest.ErrReader(errors.New("disk on fire")), 0, "the stored file cannot be read", true},
		{"not there", nil, 0, "the stored file cannot be opened", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			l := linkWithLog(t, "", &log)
			stored := &file{Reader: tc.stored}
			l.env.Blob = func(string) (io.ReadCloser, error) {
				if tc.stored == nil {
					return nil, errors.New("no such file")
				}
				return stored, nil
			}
			data, gone := l.content(channels.Attachment{Name: "a.txt"})
			if len(data) != tc.size || gone != tc.gone {
				t.Errorf("got %d bytes, gone %q; want %d, %q", len(data), gone, tc.size, tc.gone)
			}
			if stored.closed != (tc.stored != nil) {
				t.Errorf("closed: %v", stored.closed)
			}
			if strings.Contains(log.String(), "a.txt") != tc.logged {
				t.Errorf("the log says %q", log.String())
			}
		})
	}
}

func TestWithoutAStoreAnAttachmentIsGone(t *testing.T) {
	t.Parallel()
	l := linkTo(t, "")
	l.env.Blob = nil
	if _, gone := l.content(channels.Attachment{}); gone != "the gateway keeps no files" {
		t.Errorf("gone %q", gone)
	}
}

func TestStatusSaysHowAnswersLeave(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{"": "fetched", "http://127.0.0.1:1": "posted"} {
		in := channeltest.NewInbox(nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := linkTo(t, url).Run(ctx, in); err != nil {
			t.Error(err)
		}
		if got := in.Conditions(); len(got) != 1 || got[0].Facts["replies"] != want {
			t.Errorf("%q: reported %+v, want replies %s", url, got, want)
		}
	}
}
