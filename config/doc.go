// Package config turns bytes into one immutable value and does nothing more.
//
// Load reads a source, lays the environment over it, resolves references to secrets and hands back either a whole
// Config or every fault at once, each with its place. What an account or an agent is set to stays a Node here: the
// package knows no kind of channel and no kind of agent, so the kind decodes its own node.
//
// Invariants: a Config and its nodes are never changed after Load. Loading writes nothing. Either the
// error or the value is nil. Problems are sorted by place. No text that leaves this package holds the value of a
// secret or of a reference. What one load may read is bounded by MaxFile and MaxSecretFile.
package config
