package backend

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"holdfast/channels"
)

// ErrTooLarge: an attachment is larger than the caller takes.
var ErrTooLarge = errors.New("the attachment is too large")

// Read returns the whole content of a stored attachment, at most limit bytes. The errors to tell apart are ErrTooLarge
// and fs.ErrNotExist: there is nothing to read, now or later. Any other is the disk's and may pass.
func (e Env) Read(a channels.Attachment, limit int64) ([]byte, error) {
	if a.Blob == "" || a.Gone != "" || e.Blob == nil {
		return nil, fmt.Errorf("reading attachment %q: %w", a.Name, fs.ErrNotExist)
	}
	if a.Size > limit {
		return nil, fmt.Errorf("reading attachment %q: %w", a.Name, ErrTooLarge)
	}
	file, err := e.Blob(a.Blob)
	if err != nil {
		return nil, fmt.Errorf("opening attachment %q: %w", a.Name, err)
	}
	defer file.Close()
	// The size in the message is the platform's word; what lies on the disk decides.
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading attachment %q: %w", a.Name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("reading attachment %q: %w", a.Name, ErrTooLarge)
	}
	return data, nil
}
