package bluebubblestest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// mostRows is the largest limit the server takes.
const mostRows = 1000

// sql is what the double understands of the raw conditions that the real server hands to its database.
var sql = regexp.MustCompile(`^message\.(ROWID|guid|is_from_me) (=|!=|>|>=|<|<=) :(\w+)$`)

func (s *Server) ping(c *exchange) {
	c.ok("Ping received!", "pong")
}

func (s *Server) info(c *exchange) {
	c.ok("Success", map[string]any{
		"computer_id": "double", "os_version": "14.5", "server_version": s.options.Version, "private_api": s.options.PrivateAPI,
		"proxy_service": "dynamic-dns", "helper_connected": s.options.Helper, "detected_icloud": "me@example.com",
		"detected_imessage": "me@example.com", "macos_time_sync": 0, "local_ipv4s": []string{}, "local_ipv6s": []string{},
	})
}

// queryMessages sorts by date only: rows of one instant have no order that means anything.
func (s *Server) queryMessages(c *exchange) {
	c.fields("chatGuid", "with", "offset", "limit", "sort", "after", "before", "where", "convertAttachments")
	chatGUID := c.text("chatGuid", false)
	with := c.list("with")
	offset, _ := c.number("offset", 0)
	limit, _ := c.number("limit", pollLimit)
	after, afterOK := c.number("after", 0)
	before, beforeOK := c.number("before", 0)
	order := c.text("sort", false)
	wanted := c.conditions()
	switch {
	case c.failed:
	case limit < 1:
		c.invalid("The limit must be at least 1.")
	case limit > mostRows:
		c.invalid("The limit may not be greater than 1000.")
	case offset < 0:
		c.invalid("The offset must be at least 0.")
	case order != "" && order != "ASC" && order != "DESC":
		c.invalid("The selected sort is invalid.")
	case chatGUID != "" && s.chats[chatGUID] == nil:
		c.ok("No chat found with GUID: "+chatGUID, []any{})
	}
	if c.failed {
		return
	}
	var found []*message
	for _, m := range s.table {
		switch {
		case chatGUID != "" && (m.chat != chatGUID || m.unjoined),
			!afterOK || !beforeOK, // compared with NULL
			after != 0 && m.created.Before(time.UnixMilli(int64(after))),
			before != 0 && m.created.After(time.UnixMilli(int64(before))),
			!wanted(m):
		default:
			found = append(found, m)
		}
	}
	byDate(found, order == "ASC")
	total := len(found)
	found = found[min(int(offset), total):]
	found = found[:min(int(limit), len(found))]
	as := shape{chats: has(with, "chat", "chats"), attachments: has(with, "attachment", "attachments"), convert: c.body["convertAttachments"] == true}
	data := []any{}
	for _, m := range found {
		data = append(data, s.object(m, as))
	}
	c.reply(http.StatusOK, map[string]any{
		"status": 200, "message": "Successfully fetched messages!", "data": data,
		"metadata": map[string]any{"offset": offset, "limit": limit, "total": total, "count": len(data)},
	})
}

func byDate(rows []*message, ascending bool) {
	slices.SortFunc(rows, func(a, b *message) int {
		if d := a.created.Compare(b.created); d != 0 {
			return d
		}
		return strings.Compare(a.guid, b.guid)
	})
	if !ascending {
		slices.Reverse(rows)
	}
}

// list reads an array of strings; a single string is refused.
func (c *exchange) list(key string) []string {
	var out []string
	switch v := c.body[key].(type) {
	case nil:
	case []any:
		for _, one := range v {
			name, _ := one.(string)
			out = append(out, strings.ToLower(name))
		}
	default:
		if !c.failed {
			c.invalid("The " + key + " attribute has errors.")
		}
	}
	return out
}

// conditions reads where: all of them have to hold.
func (c *exchange) conditions() func(*message) bool {
	var all []func(*message) bool
	list, _ := c.body["where"].([]any)
	used := map[string]bool{}
	for _, one := range list {
		m, _ := one.(map[string]any)
		statement, _ := m["statement"].(string)
		args, ok := m["args"].(map[string]any)
		parts := sql.FindStringSubmatch(statement)
		switch {
		case c.failed:
			continue
		case !ok:
			c.invalid("The where attribute has errors.")
			continue
		case parts == nil || args[parts[3]] == nil:
			c.fault("%s: the double does not understand the condition %q", c.matched, statement)
			c.unhandled("SQLITE_ERROR: near \"" + statement + "\": syntax error")
			continue
		case used[parts[3]]:
			c.fault("%s: the argument %q is named twice, the last one counts for both", c.matched, parts[3])
		}
		used[parts[3]] = true
		all = append(all, func(m *message) bool { return holds(column(m, parts[1]), parts[2], args[parts[3]]) })
	}
	return func(m *message) bool {
		for _, one := range all {
			if !one(m) {
				return false
			}
		}
		return true
	}
}

func column(m *message, name string) any {
	switch {
	case name == "guid":
		return m.guid
	case name == "ROWID":
		return float64(m.row)
	case m.fromMe:
		return 1.0
	}
	return 0.0
}

func holds(have any, op string, want any) bool {
	a, numbers := have.(float64)
	b, ok := want.(float64)
	if !numbers || !ok {
		same := fmt.Sprint(have) == fmt.Sprint(want)
		return op == "=" && same || op == "!=" && !same
	}
	switch op {
	case "=":
		return a == b
	case "!=":
		return a != b
	case ">":
		return a > b
	case ">=":
		return a >= b
	case "<":
		return a < b
	default:
		return a <= b
	}
}

func has(list []string, names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(list, n) })
}

func (s *Server) getMessage(c *exchange) {
	with := strings.Split(strings.ToLower(c.query.Get("with")), ",")
	m := s.byGUID(c.args[0])
	if m == nil {
		if strings.Contains(c.args[0], "/") || strings.Contains(c.args[0], ":") {
			c.fault("%s: %q is no bare guid", c.matched, c.args[0])
		}
		c.notFound("Message does not exist!")
		return
	}
	c.ok("Success", s.object(m, shape{chats: has(with, "chat", "chats"), attachments: has(with, "attachment", "attachments")}))
}
