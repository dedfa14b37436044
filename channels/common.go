package channels

import (
	"fmt"
	"slices"
	"time"

	"holdfast/config"
)

// Policy says who may talk to an account.
type Policy string

const (
	Pairing   Policy = "pairing"   // strangers get a code that the operator approves; direct chats only
	Allowlist Policy = "allowlist" // those in the list
	Open      Policy = "open"      // everybody
	Disabled  Policy = "disabled"  // nobody
)

// Common is the part of an account's settings that the core acts on. A kind embeds it. Keys carry the names that users
// of this kind of gateway know.
type Common struct {
	Enabled        *bool            `json:"enabled,omitempty" jsonschema:"description=false is the operator's own no: senders get 503"`
	Name           string           `json:"name,omitempty" jsonschema:"description=shown in status and logs"`
	Formerly       string           `json:"formerly,omitempty" jsonschema:"description=the name that this account had before: it keeps what that one had"`
	DMPolicy       Policy           `json:"dmPolicy,omitempty" jsonschema:"enum=pairing,enum=allowlist,enum=open,enum=disabled"`
	AllowFrom      []string         `json:"allowFrom,omitempty" jsonschema:"description=who may write in direct chats; * is everybody"`
	GroupPolicy    Policy           `json:"groupPolicy,omitempty" jsonschema:"enum=allowlist,enum=open,enum=disabled"`
	GroupAllowFrom []string         `json:"groupAllowFrom,omitempty" jsonschema:"description=who may write in groups"`
	Groups         map[string]Group `json:"groups,omitempty" jsonschema:"description=by conversation; * is every group"`
	ExpireAfter    config.Duration  `json:"expireAfter,omitempty" jsonschema:"description=a message not answered after this long ends as expired"`
	CoalesceMs     int              `json:"coalesceMs,omitempty" jsonschema:"description=how long a lane waits for the rest of a message sent in pieces"`
	TextChunkLimit int              `json:"textChunkLimit,omitempty" jsonschema:"description=characters in one message"`
	ChunkMode      string           `json:"chunkMode,omitempty" jsonschema:"enum=length,enum=newline"`
	HistoryLimit   *int             `json:"historyLimit,omitempty" jsonschema:"description=messages of a group conversation kept for the agent"`
	DMHistoryLimit *int             `json:"dmHistoryLimit,omitempty" jsonschema:"description=messages of a direct conversation kept for the agent"`
	MediaMaxMB     int              `json:"mediaMaxMb,omitempty" jsonschema:"description=largest attachment in MiB"`
	KeepMedia      config.Duration  `json:"keepMedia,omitempty" jsonschema:"description=how long an attachment stays after its message has ended"`
}

// Group is what can be set for one group conversation.
type Group struct {
	RequireMention *bool `json:"requireMention,omitempty"`
}

// Defaults of Common, shared by every kind.
const (
	DefaultExpireAfter  = 24 * time.Hour
	DefaultChunkLimit   = 4000
	DefaultHistoryLimit = 50
	DefaultMediaMaxMB   = 8
	DefaultKeepMedia    = 24 * time.Hour
)

// DefaultCommon is what an account has that says nothing.
func DefaultCommon() Common {
	return Common{
		DMPolicy: Pairing, GroupPolicy: Allowlist,
		ExpireAfter: config.Duration(DefaultExpireAfter), TextChunkLimit: DefaultChunkLimit, ChunkMode: "length",
		MediaMaxMB: DefaultMediaMaxMB, KeepMedia: config.Duration(DefaultKeepMedia),
	}
}

// Shared makes every struct that embeds Common half of a Settings.
func (c *Common) Shared() *Common { return c }

// On tells whether the operator wants the account.
func (c *Common) On() bool { return c.Enabled == nil || *c.Enabled }

// MentionNeeded tells whether a message in the group must name the agent. The group's own setting wins over "*";
// the default is true.
func (c *Common) MentionNeeded(conversation string) bool {
	for _, key := range []string{conversation, "*"} {
		if g, ok := c.Groups[key]; ok && g.RequireMention != nil {
			return *g.RequireMention
		}
	}
	return true
}

// History is how many entries of a conversation the agent is given.
func (c *Common) History(group bool) int {
	limit := c.DMHistoryLimit
	if group {
		limit = c.HistoryLimit
	}
	if limit == nil {
		return DefaultHistoryLimit
	}
	return *limit
}

// Validate names the faults of the shared keys.
func (c *Common) Validate() []config.Problem {
	var out []config.Problem
	bad := func(path, got, want string) { out = append(out, config.Problem{Path: path, Got: got, Want: want}) }
	if c.Formerly != "" && !config.IsName(c.Formerly) {
		bad("formerly", c.Formerly, "the name that this account had before in this file, such as home")
	}
	if !slices.Contains([]Policy{Pairing, Allowlist, Open, Disabled}, c.DMPolicy) {
		bad("dmPolicy", string(c.DMPolicy), "pairing, allowlist, open or disabled")
	}
	if !slices.Contains([]Policy{Allowlist, Open, Disabled}, c.GroupPolicy) {
		bad("groupPolicy", string(c.GroupPolicy), "allowlist, open or disabled")
	}
	if c.DMPolicy == Open && !slices.Contains(c.AllowFrom, "*") {
		bad("allowFrom", fmt.Sprint(c.AllowFrom), `a list that contains "*", because dmPolicy is open: say twice that everybody may write`)
	}
	if c.ExpireAfter <= 0 {
		bad("expireAfter", c.ExpireAfter.String(), "a positive duration such as 24h")
	}
	if c.CoalesceMs < 0 || c.CoalesceMs > 60000 {
		bad("coalesceMs", fmt.Sprint(c.CoalesceMs), "milliseconds from 0 to 60000")
	}
	if c.TextChunkLimit < 1 {
		bad("textChunkLimit", fmt.Sprint(c.TextChunkLimit), "a number of characters, at least 1")
	}
	if c.ChunkMode != "length" && c.ChunkMode != "newline" {
		bad("chunkMode", c.ChunkMode, "length or newline")
	}
	if c.MediaMaxMB < 0 {
		bad("mediaMaxMb", fmt.Sprint(c.MediaMaxMB), "MiB, 0 or more")
	}
	return out
}
