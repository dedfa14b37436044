package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrTooLong: a server said more than it may.
var ErrTooLong = errors.New("the answer is too long")

// Bound returns body with ErrTooLong after limit bytes. Unlike io.LimitReader it does not pass off a part as the whole.
func Bound(body io.ReadCloser, limit int64) io.ReadCloser {
	return &bounded{body: body, left: limit}
}

type bounded struct {
	body io.ReadCloser
	left int64 // -1 once too much was there
}

func (b *bounded) Read(into []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLong
	}
	if int64(len(into)) > b.left+1 {
		into = into[:b.left+1]
	}
	n, err := b.body.Read(into)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, ErrTooLong
	}
	return n, err
}

func (b *bounded) Close() error { return b.body.Close() }

// ReadAll reads an answer of at most limit bytes. A longer one is a refusal: the same question would bring it again.
func (p *Peer) ReadAll(ctx context.Context, body io.ReadCloser, limit int64) ([]byte, error) {
	data, err := io.ReadAll(Bound(body, limit))
	switch {
	case errors.Is(err, ErrTooLong):
		return nil, p.TooLong(limit, "make the server say less")
	case err != nil:
		return nil, p.Lost(ctx, err)
	}
	return data, nil
}

// TooLong is the refusal of an answer of more than limit bytes.
func (p *Peer) TooLong(limit int64, do string) error {
	return p.Unanswerable(fmt.Sprintf("the answer has more than %d bytes", limit), do)
}
