package bluebubbles

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/tidwall/gjson"

	"holdfast/channels"
)

const (
	// overlap is how many row numbers below the cursor are looked at again: a row may be there before its chat and its
	// attachments are.
	overlap = 50
	// maxWindow bounds how many row numbers a window spans where the table has large gaps.
	maxWindow = 1 << 20
)

// rows hands in what the message table has above the cursor.
//
// The server sorts by date, but the cursor counts row numbers, and neither order follows the other. So a page counts
// only if it is whole: either everything above the cursor fits in one page, or the numbers are walked in windows that
// are narrow enough. A window of pageSize numbers always is.
type rows struct {
	channel *channel
	in      channels.Inbox
	at      cursor
	facts   map[string]string
	// handed remembers what this run handed in of the overlap, so that an idle server leads to no work. It saves a walk
	// through the journal and decides nothing.
	handed map[int64]uint64
}

func newRows(c *channel, in channels.Inbox) *rows {
	return &rows{channel: c, in: in, facts: map[string]string{}, handed: map[int64]uint64{}}
}

// begin reads the cursor. A new account gets one before the server is first spoken to: from then on every message
// counts, even if the server cannot be reached for hours.
func (w *rows) begin(ctx context.Context) error {
	stored := w.in.Cursor()
	if stored == nil {
		return w.move(ctx, nil, firstCursor(w.channel.now()))
	}
	at, err := decodeCursor(stored)
	w.at = at
	return err
}

// move hands rows in together with the cursor behind them.
func (w *rows) move(ctx context.Context, items []channels.Raw, to cursor) error {
	if len(items) == 0 && to == w.at {
		return nil
	}
	encoded, err := to.encode()
	if err != nil {
		return err
	}
	if err := w.in.Take(ctx, items, encoded); err != nil {
		return fmt.Errorf("hand in %d rows: %w", len(items), err)
	}
	w.at = to
	return nil
}

// reconcile reads to the end of the table.
func (w *rows) reconcile(ctx context.Context) error {
	if err := w.checkDatabase(ctx); err != nil {
		return err
	}
	var end row
	if w.at.Since != 0 { // rows that the date leaves out are passed, too
		var err error
		if end, err = w.channel.api.newest(ctx); err != nil {
			return err
		}
	}
	if err := w.sweep(ctx); err != nil {
		return err
	}
	if w.at.Since != 0 {
		if err := w.move(ctx, nil, w.at.done(end)); err != nil {
			return err
		}
	}
	w.forget()
	return nil
}

// checkDatabase notices that the table is not the one that the cursor counts: restored, or begun anew. Then row numbers
// say nothing, and the date of the last row has to do.
func (w *rows) checkDatabase(ctx context.Context) error {
	if w.at.Row == 0 {
		return nil
	}
	q := newQuery(exactly(w.at.Row))
	p, err := w.channel.api.query(ctx, q)
	if err != nil {
		return err
	}
	if len(p.rows) > 0 && p.rows[0].guid == w.at.GUID {
		return nil
	}
	if len(p.rows) == 0 { // deleted, as a rule
		top, err := w.channel.api.newest(ctx)
		if err != nil || top.id >= w.at.Row {
			return err
		}
	}
	now := w.channel.now()
	w.facts["databaseReplaced"] = now.UTC().Format(time.RFC3339)
	w.channel.env.Log.Warn().Int64("rowid", w.at.Row).Msg("the message table is not the one we knew: reading it again from the date of the last message")
	w.handed = map[int64]uint64{}
	return w.move(ctx, nil, w.at.again(now))
}

// sweep hands in everything above the cursor, page by page.
func (w *rows) sweep(ctx context.Context) error {
	low, width := max(w.at.Floor, w.at.Row-overlap), int64(pageSize)
	for {
		q := w.ask(above(low))
		p, err := w.channel.api.query(ctx, q)
		if err != nil {
			return err
		}
		if p.whole(q) {
			return w.take(ctx, p.rows)
		}
		for left := p.total; left > pageSize; {
			q := w.ask(above(low), upTo(low+width))
			p, err := w.channel.api.query(ctx, q)
			if err != nil {
				return err
			}
			if !p.whole(q) {
				width = max(pageSize, width/2)
				continue
			}
			if err := w.take(ctx, p.rows); err != nil {
				return err
			}
			low += width
			left -= len(p.rows)
			if len(p.rows) < pageSize/2 {
				width = min(2*width, maxWindow)
			}
			if len(p.rows) == 0 {
				break // rows may have been deleted meanwhile: count again
			}
		}
	}
}

func (w *rows) ask(where ...condition) query {
	q := newQuery(where...)
	switch {
	case w.at.Theirs:
		q.After = w.at.Since
	case w.at.Since != 0:
		q.After = w.channel.api.millis(time.UnixMilli(w.at.Since))
	}
	return q
}

// take hands in the rows that say something, with the cursor behind all of them.
func (w *rows) take(ctx context.Context, found []row) error {
	var items []channels.Raw
	sums := map[int64]uint64{}
	for _, r := range found {
		sum, claims, says := w.content(r)
		if !says || w.handed[r.id] == sum {
			continue
		}
		sums[r.id] = sum
		items = append(items, channels.Raw{Form: formRow, ID: r.guid, Body: r.body, Claims: claims})
	}
	if err := w.move(ctx, items, w.at.past(found...)); err != nil {
		return err
	}
	for id, sum := range sums {
		w.handed[id] = sum
	}
	return nil
}

// content tells whether a row says anything to an agent, sums up what, and names its claims: nearly every row has come by
// webhook before, and a run that starts looks at all since the last look. A row that cannot be interpreted is handed in
// once, to become a dead letter that shows it.
func (w *rows) content(r row) (sum uint64, claims []string, says bool) {
	m := newRecord(gjson.ParseBytes(r.body))
	if m.fromMe || m.itemType != 0 {
		return 0, nil, false
	}
	arrivals, err := m.arrivals(w.channel.now())
	if err != nil {
		return 1, nil, r.id > w.at.Row
	}
	h := fnv.New64a()
	for _, a := range arrivals {
		claims = append(claims, a.Claim())
		fmt.Fprintln(h, a.Claim(), a.Incomplete, a.Text)
	}
	return h.Sum64(), claims, len(arrivals) > 0
}

// forget drops what the next look will not see again.
func (w *rows) forget() {
	for id := range w.handed {
		if id <= w.at.Row-overlap {
			delete(w.handed, id)
		}
	}
}
