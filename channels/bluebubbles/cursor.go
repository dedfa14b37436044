package bluebubbles

import (
	"encoding/json"
	"fmt"
	"time"
)

// Look-backs by date.
const (
	// firstLookBack covers a message that is on its way while the account is made.
	firstLookBack = time.Minute
	// replacedLookBack covers what the old database may not have shown us any more.
	replacedLookBack = 10 * time.Minute
)

// cursor is how far an account has read the server's message table. Row numbers rise in the order in which rows come
// into the table and are not used twice; dates do neither.
type cursor struct {
	Row  int64  `json:"rowid"`          // rows up to this have been handed in
	GUID string `json:"guid,omitempty"` // of that row: another one there means another database
	Date int64  `json:"date,omitempty"` // newest date passed, in milliseconds on the Mac's clock
	// Floor is where the account began: rows up to it that were left out by date never count.
	Floor int64 `json:"floor,omitempty"`
	// Since, in milliseconds: rows of an earlier date do not count until the end of the table has been reached once. It
	// stands instead of a row number that is not known yet. Theirs tells on whose clock it is.
	Since  int64 `json:"since,omitempty"`
	Theirs bool  `json:"theirs,omitempty"`
}

// firstCursor is that of an account that begins now.
func firstCursor(now time.Time) cursor { return cursor{Since: now.Add(-firstLookBack).UnixMilli()} }

// again is the cursor for a database that is not the one we knew.
func (c cursor) again(now time.Time) cursor {
	if c.Date == 0 {
		return cursor{Since: now.Add(-replacedLookBack).UnixMilli()}
	}
	return cursor{Since: time.UnixMilli(c.Date).Add(-replacedLookBack).UnixMilli(), Theirs: true}
}

// past is the cursor behind some rows, sorted by number. It never moves back.
func (c cursor) past(rows ...row) cursor {
	for _, r := range rows {
		c.Date = max(c.Date, r.date)
		if r.id > c.Row {
			c.Row, c.GUID = r.id, r.guid
		}
	}
	return c
}

// done is the cursor when a table whose newest row is end has been read by date.
func (c cursor) done(end row) cursor {
	if end.id > 0 {
		c = c.past(end)
	}
	c.Floor, c.Since, c.Theirs = end.id, 0, false
	return c
}

func (c cursor) encode() ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write the cursor: %w", err)
	}
	return b, nil
}

func decodeCursor(b []byte) (cursor, error) {
	var c cursor
	if err := json.Unmarshal(b, &c); err != nil {
		return cursor{}, fmt.Errorf("read the cursor: %w", err)
	}
	return c, nil
}
