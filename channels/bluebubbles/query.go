package bluebubbles

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/tidwall/gjson"
)

// pageSize is how many rows are asked for at once; it bounds what a run holds in memory.
const pageSize = 200

// query is the body of message/query. The server sorts by date only.
type query struct {
	ChatGUID string      `json:"chatGuid,omitempty"`
	With     []string    `json:"with"`
	Offset   int         `json:"offset"`
	Limit    int         `json:"limit"`
	Sort     string      `json:"sort"`
	After    int64       `json:"after,omitempty"` // milliseconds, inclusive
	Where    []condition `json:"where"`
}

type condition struct {
	Statement string         `json:"statement"`
	Args      map[string]any `json:"args"`
}

func newQuery(where ...condition) query {
	return query{With: []string{"chat", "attachment"}, Limit: pageSize, Sort: "ASC", Where: where}
}

func above(row int64) condition {
	return condition{"message.ROWID > :above", map[string]any{"above": row}}
}

func upTo(row int64) condition {
	return condition{"message.ROWID <= :upto", map[string]any{"upto": row}}
}

func exactly(row int64) condition {
	return condition{"message.ROWID = :row", map[string]any{"row": row}}
}

func ownOnly() condition {
	return condition{"message.is_from_me = :me", map[string]any{"me": 1}}
}

// row is one message of the table, as the server wrote it.
type row struct {
	id   int64
	guid string
	date int64 // milliseconds on the Mac's clock
	body json.RawMessage
}

// page is an answer to a query: rows sorted by number, and how many match in all.
type page struct {
	rows  []row
	total int
}

// whole tells whether nothing else matched.
func (p page) whole(q query) bool { return len(p.rows) < q.Limit || p.total <= len(p.rows) }

func (c *client) query(ctx context.Context, q query) (page, error) {
	r, err := post(q, "message", "query")
	if err != nil {
		return page{}, err
	}
	var bodies []json.RawMessage
	a, err := c.do(ctx, r, lookUpCall, &bodies)
	if err != nil {
		return page{}, err
	}
	p := page{total: a.Metadata.Total}
	for _, body := range bodies {
		m := gjson.ParseBytes(body)
		one := row{id: m.Get("originalROWID").Int(), guid: m.Get("guid").String(), date: m.Get("dateCreated").Int(), body: body}
		if one.id <= 0 || one.guid == "" {
			return page{}, &noAnswer{step: r.String(), reached: true, err: errors.New("a row has no originalROWID or no guid")}
		}
		p.rows = append(p.rows, one)
	}
	slices.SortFunc(p.rows, func(a, b row) int { return cmp.Compare(a.id, b.id) })
	return p, nil
}

// newest is the row with the highest number; zero for an empty table. The newest by date is only where to begin.
func (c *client) newest(ctx context.Context) (row, error) {
	q := newQuery()
	q.Sort, q.Limit = "DESC", 1
	p, err := c.query(ctx, q)
	var top row
	for err == nil && len(p.rows) > 0 {
		top = p.rows[len(p.rows)-1]
		if q.Limit > 1 && p.whole(q) {
			return top, nil
		}
		q = newQuery(above(top.id))
		q.Sort = "DESC"
		p, err = c.query(ctx, q)
	}
	return top, err
}

// millis is a time of ours as the server's queries take it.
func (c *client) millis(t time.Time) int64 { return c.theirs(t).UnixMilli() }
