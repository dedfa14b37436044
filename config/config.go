package config

import (
	"path/filepath"
	"time"
)

// Config is one whole configuration, decoded, checked and with references resolved, except for what only the kinds
// know: the nodes of Channels, Agents and Plugins. It is never changed after Load.
type Config struct {
	Gateway  Gateway                `json:"gateway"`
	Log      Log                    `json:"log"`
	Channels map[string]Channel     `json:"channels"` // by kind
	Agents   map[string]Node        `json:"agents"`   // by name; "default" answers what no binding matches
	Plugins  map[string]PluginEntry `json:"plugins"`  // by name: plugins.entries; see Plugin
	Bindings []Binding              `json:"bindings"` // the first that matches wins
	Messages Messages               `json:"messages"`

	// Unused names the keys that were accepted although they do nothing here. They are no faults.
	Unused []Problem `json:"unused,omitempty"`
	// Path is the file as the operator named it; empty for the embedded default.
	Path string `json:"path,omitempty"`
	// Files are the files and folders that the load has looked for, as the operator named them or below that folder: the
	// file, what it includes, the folders that patterns lead into, the files of references. They need not exist.
	Files []string `json:"files,omitempty"`
	// Hash differs between two loads of one Source whenever anything differs that they depend on: the content, names and
	// content of what is included, the environment, what references stand for. It is keyed: nothing can be learnt from it, and other processes get
	// another one for the same file.
	Hash string `json:"hash"`

	basis   *Basis
	root    *value
	written *value // before references were resolved and the environment was laid over
	folder  string // where relative paths start
}

// Gateway is the process itself.
type Gateway struct {
	Listen         string   `json:"listen" jsonschema:"description=host:port of the HTTP listener"`
	StateDir       string   `json:"stateDir" jsonschema:"description=journal\\, admin socket and attachments; relative to this file"`
	TrustedProxies []string `json:"trustedProxies" jsonschema:"description=addresses or networks whose X-Forwarded-For counts"`
	AdminGroup     string   `json:"adminGroup" jsonschema:"description=group whose members may use the admin socket"`
	PublicURL      string   `json:"publicUrl" jsonschema:"description=where the outside reaches the listener"`
	// MinFreeMB is the free space in MiB below which intake is refused before the disk is full.
	MinFreeMB int `json:"minFreeMb" jsonschema:"minimum=0,description=free MiB below which messages are refused before the disk is full"`
	// BytesInFlightMB bounds the bodies of all requests being read, in MiB.
	BytesInFlightMB int `json:"bytesInFlightMb" jsonschema:"minimum=1,description=MiB of request bodies held at a time"`
	// RequestTimeout bounds the reading of one whole request.
	RequestTimeout Duration `json:"requestTimeout" jsonschema:"description=to read one whole request"`
	// JournalWait is how long an accepted request waits to be on disk before it is answered 503.
	JournalWait Duration `json:"journalWait" jsonschema:"description=to get one request onto the disk"`
	// Watch has the gateway reload by itself when this file, what it includes or what its references name changes.
	Watch bool `json:"watch" jsonschema:"description=reload by itself when this file changes"`
	// DrainTimeout is how long running work may go on after a stop signal.
	DrainTimeout Duration `json:"drainTimeout" jsonschema:"description=to finish running work after a stop signal"`
}

// Log says how much is written and in which form; auto is console on a terminal and JSON elsewhere.
type Log struct {
	Level  string `json:"level" jsonschema:"enum=trace,enum=debug,enum=info,enum=warn,enum=error"`
	Format string `json:"format" jsonschema:"enum=auto,enum=json,enum=console"`
}

// Channel is one kind of chat network and the accounts on it.
type Channel struct {
	Accounts map[string]Node `json:"accounts"`
	// DefaultAccount is meant where an account is not named: the configured one, else the one called default, else the
	// first by name.
	DefaultAccount string `json:"defaultAccount"`
}

// PluginEntry is what the operator says of one plugin. Whether there is one of that name only the kinds know.
type PluginEntry struct {
	Enabled *bool `json:"enabled,omitempty"` // nil: as the plugin has it by default
	Config  Node  `json:"config,omitempty"`  // its own settings; those of its channels stand in channels
}

// pluginsSection is the section plugins as it is written.
type pluginsSection struct {
	Entries map[string]PluginEntry `json:"entries,omitempty"`
}

// Binding gives what matches to an agent.
type Binding struct {
	Agent string `json:"agent" jsonschema:"required"`
	Match Match  `json:"match" jsonschema:"required"`
}

// Match names conversations. Empty fields match everything, but one is set, and an account or a conversation only
// with its channel.
type Match struct {
	Channel      string `json:"channel,omitempty"`
	Account      string `json:"account,omitempty"`
	Conversation string `json:"conversation,omitempty"`
}

// Messages is what holds for messages of all channels.
type Messages struct {
	GroupChat GroupChat `json:"groupChat"`
}

// GroupChat is what holds in groups.
type GroupChat struct {
	// MentionPatterns are RE2; a text that one of them matches names the agent.
	MentionPatterns []string `json:"mentionPatterns" jsonschema:"description=RE2 patterns; text that one of them matches names the agent"`
}

// Defaults of what this package knows.
const (
	DefaultListen          = "127.0.0.1:18789"
	DefaultStateDir        = "./state"
	DefaultMinFreeMB       = 256
	DefaultBytesInFlightMB = 64
	DefaultRequestTimeout  = 30 * time.Second
	DefaultJournalWait     = 5 * time.Second
	DefaultDrainTimeout    = 10 * time.Second
	DefaultAccount         = "default" // of keys that stand in a channel itself
	DefaultAgent           = "default"
)

// core is the part of a document that has defaults.
type core struct {
	Gateway  Gateway  `json:"gateway"`
	Log      Log      `json:"log"`
	Messages Messages `json:"messages"`
}

// document is a whole file, joined with what it includes.
type document struct {
	Gateway  Gateway         `json:"gateway"`
	Log      Log             `json:"log"`
	Messages Messages        `json:"messages"`
	Channels map[string]Node `json:"channels"`
	Agents   map[string]Node `json:"agents"`
	Plugins  pluginsSection  `json:"plugins"`
	Bindings []Binding       `json:"bindings"`
	Include  []string        `json:"include" jsonschema:"description=files or patterns such as conf.d/*.yaml\\, relative to this file\\, that belong to this configuration"`
}

func defaults() core {
	return core{
		Gateway: Gateway{
			Listen:          DefaultListen,
			StateDir:        DefaultStateDir,
			MinFreeMB:       DefaultMinFreeMB,
			BytesInFlightMB: DefaultBytesInFlightMB,
			RequestTimeout:  Duration(DefaultRequestTimeout),
			JournalWait:     Duration(DefaultJournalWait),
			DrainTimeout:    Duration(DefaultDrainTimeout),
			Watch:           true,
		},
		Log: Log{Level: "info", Format: "auto"},
	}
}

// Plugin is what the operator says of a plugin, also where that is nothing: its Config is never without a place.
func (c *Config) Plugin(name string) PluginEntry {
	if e, said := c.Plugins[name]; said {
		return e
	}
	return PluginEntry{Config: Node{&value{shape: mapping, trail: []string{"plugins", "entries", name, "config"}}}}
}

// Place completes problems whose paths start at the root, such as "channels.sms" or "bindings[0].match.account", as
// Node.Place does for a node.
func (c *Config) Place(ps []Problem) Problems { return Node{c.root}.Place(ps) }

// stateDir makes the folder absolute: what the file says starts at the file, what the environment or the default says
// of the embedded default starts at the working folder.
func (c *Config) stateDir(src Source) (string, error) {
	dir := c.Gateway.StateDir
	if v := c.root.walk("gateway", "stateDir"); !filepath.IsAbs(dir) && (v == nil || !v.env) {
		dir = filepath.Join(src.folder(), dir)
	}
	return filepath.Abs(dir)
}
