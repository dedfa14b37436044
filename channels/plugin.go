package channels

import (
	"context"

	"holdfast/config"
)

// Plugin is code that offers kinds of channels and methods. A folder below this one that needs more than a kind exports
// one, as a function Plugin() channels.Plugin; a folder with a kind alone is made one by Plain. The generated package all
// lists them.
//
// A plugin has no state of its own, only its instances do: nothing is kept in package variables, because two instances of
// one plugin are up at once while the settings of one take the place of the other's.
type Plugin struct {
	Name    string // a lower-case word: [a-z][a-z0-9_]*; names its methods and its place below plugins.entries
	Version string // another one makes another instance
	// Sample is its own settings, commented, YAML; nil if it takes none.
	Sample []byte
	// Optional: off until plugins.entries.<name>.enabled is true. All others are on until it is false.
	Optional bool
	// Settings is a fresh value that carries the defaults and that the plugin's own settings are decoded into; nil if it
	// takes none.
	Settings func() PluginSettings
	// Offer makes one instance, with settings that Validate has nothing to say of, and nil if the plugin takes none. It
	// assigns fields: it does no I/O, starts nothing and cannot fail, because most instances are made to look at what they
	// offer and are dropped again. What an instance keeps is reached only through the functions that it offers, so it is
	// gone when nobody holds those.
	Offer func(PluginSettings) Offer
}

// PluginSettings are a plugin's own, decoded; those of its accounts are Settings.
type PluginSettings interface {
	// Validate names every fault; paths are relative to plugins.entries.<name>.config. It is pure.
	Validate() []config.Problem
}

// Offer is what one instance of a plugin brings. The functions in it share the instance's state.
type Offer struct {
	Kinds   []Kind
	Methods []Method
}

// Method is one that operators call: by the admin socket, with gateway call, and in time by other faces. Make it with
// NewMethod.
type Method struct {
	Name   string // begins with the plugin's name and a dot: lower-case words joined by dots
	Help   string // one line
	Params []byte // JSON Schema; nil: takes none
	Result []byte // JSON Schema
	Reads  bool   // changes nothing: it publishes nothing, starts nothing, writes nothing
	// Call answers with JSON, or with an error: a *CallError says what is the caller's fault, any other is the plugin's. It
	// returns soon after ctx ends; what goes on longer keeps its instance from being freed.
	Call func(ctx context.Context, params []byte) (result []byte, err error)
}

// BuiltIn is the version of plugins that come with the gateway and have none of their own.
const BuiltIn = "builtin"

// Plain is the plugin of a kind alone. It takes no settings of its own.
func Plain(kind Kind) Plugin {
	return Plugin{Name: kind.Name, Version: BuiltIn, Offer: func(PluginSettings) Offer { return Offer{Kinds: []Kind{kind}} }}
}

// On tells whether the plugin is wanted. said is what plugins.entries.<name>.enabled says; nil if it says nothing.
func (p Plugin) On(said *bool) bool {
	if said == nil {
		return !p.Optional
	}
	return *said
}

// Kinds are those that an instance with default settings offers: what can be said of the plugin before it is configured.
func (p Plugin) Kinds() []Kind { return p.Offer(p.Defaults()).Kinds }

// Defaults is a fresh value of the plugin's settings; nil if it takes none.
func (p Plugin) Defaults() PluginSettings {
	if p.Settings == nil {
		return nil
	}
	return p.Settings()
}
