package run

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/channels"
)

func TestWhatANetworkCannotDoIsRejected(t *testing.T) {
	s := newStage(t, double{})
	s.up()
	for _, op := range []Op{Find{}, Fetch{}, Complete{}, Typing{}, MarkRead{}, Resolve{}} {
		if r := s.call(op, time.Second); !errors.Is(r.Err, ErrNotOffered) || channels.OutcomeOf(r.Err) != channels.Rejected {
			t.Errorf("%T: %v, want that it is not offered", op, r.Err)
		}
	}
}

func TestFetch(t *testing.T) {
	broken := errors.New("the stream broke")
	for _, c := range []struct {
		name    string
		from    channels.Attachment
		body    io.ReadCloser
		err     error
		outcome channels.Outcome
		want    channels.Attachment
	}{
		{"what fits is stored, with its size and type", channels.Attachment{Name: "a"}, content("<html>hello"), nil, 0, channels.Attachment{
			Name: "a", Blob: "<html>hello", Size: 11, Type: "text/html; charset=utf-8",
		}},
		{"the platform's word for the type counts", channels.Attachment{Name: "a", Type: "image/heic"}, content("x"), nil, 0, channels.Attachment{
			Name: "a", Blob: "x", Size: 1, Type: "image/heic",
		}},
		{"exactly the limit fits", channels.Attachment{Type: "a/b"}, content(strings.Repeat("x", 16)), nil, 0, channels.Attachment{
			Blob: strings.Repeat("x", 16), Size: 16, Type: "a/b",
		}},
		{"more than the limit is rejected", channels.Attachment{}, content(strings.Repeat("x", 17)), nil, channels.Rejected, channels.Attachment{}},
		{"an announced size above the limit is not even fetched", channels.Attachment{Size: 17}, nil, nil, channels.Rejected, channels.Attachment{}},
		{"a stream that breaks may be tried again", channels.Attachment{}, io.NopCloser(io.MultiReader(strings.NewReader("x"), failing{broken})), nil, channels.NotSent, channels.Attachment{}},
		{"the network's own error is passed on", channels.Attachment{}, nil, &channels.Failure{Outcome: channels.Rejected, Err: broken}, channels.Rejected, channels.Attachment{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, fetching{fetch: func(context.Context, channels.Attachment) (io.ReadCloser, error) { return c.body, c.err }})
			s.up()
			r := s.call(Fetch{Attachment: c.from, Max: 16}, time.Second)
			if c.want == (channels.Attachment{}) {
				if r.Err == nil || channels.OutcomeOf(r.Err) != c.outcome || len(s.blobs.stored) != 0 {
					t.Errorf("%v with %d files stored, want outcome %d and none", r.Err, len(s.blobs.stored), c.outcome)
				}
				return
			}
			if diff := cmp.Diff(c.want, r.Attachment); diff != "" || r.Err != nil {
				t.Errorf("%v, attachment (-want +got):\n%s", r.Err, diff)
			}
		})
	}
}

// failing is a stream that breaks.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
