// Package config turns bytes into one immutable value and does nothing more.
//
// Load reads a source, lays the environment over it, resolves references to secrets and hands back either a whole
// Config or every fault at once, each with its place. What an account or an agent is set to stays a Node here: the
// package knows no kind of channel and no kind of agent, so the kind decodes its own node.
//
// A file may include others, named or by patterns: parts of the same configuration, for whoever wants a file for each
// account or lets a tool write some of them. Mappings are joined key by key. A setting stands in one file only; one that
// two files have is a fault that names both places, so the order of the files never matters. A list is one setting.
// Included files include nothing, and may be YAML or JSON with comments. Moving a setting from one file to another
// changes nothing: relative paths start at the folder of the file that includes, wherever they stand.
//
// Invariants: a Config and its nodes are never changed after Load. Loading writes nothing. Either the
// error or the value is nil. Problems are sorted by place. No text that leaves this package holds the value of a
// secret or of a reference. What one load may read is bounded by MaxFile, MaxIncluded, MaxContent and MaxSecretFile.
// All that it has looked for is in Config.Files, and Config.Hash covers all that it found.
package config
