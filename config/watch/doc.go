// Package watch tells when what a configuration was read from has changed and come to rest.
//
// It knows nothing of configurations: a function gives the hash of all content and the paths that it comes from, and the
// Watcher says when the hash is another one than the caller knows. Notices of the operating system only say when to look
// again, never what has happened; so a notice that is lost, or a system without any, delays and does no more.
//
// What is watched is folders, never files: a file that an editor replaces takes its watch along. Of each path that is
// every folder in which a symbolic link of it stands, the folder of what it leads to, the folder that it is, and where
// something is missing, the nearest one that exists. Folders higher up are not watched, because they may be busy:
// when one of those is moved away, it is noticed by looking.
//
// Invariants:
//   - Only the hash decides. Saving the same again, and changing something and back, is no change.
//   - What is there in the end is reported, once, whatever way it was saved, valid or not.
//   - The hash is read anew after every change to what is watched, and at least every Options.Every.
//   - A change is reported when two looks, with Options.Quiet between them and no notice in that time, found the same; or
//     after Options.Most, however busy the writers are.
//   - A path that changes without end costs at most a look per Options.Quiet. Nothing to watch costs nothing.
//   - There is no goroutine but the one inside the library for notices, and it ends with the context of Next or with
//     Close, before they return.
//
// # Decisions
//
//  1. The caller says what it knows. A watcher that remembers what it told has a baseline of its own, and an edit between
//     reading and watching, or a reload that failed, makes it differ from what is applied.
//  2. Two looks with a quiet time between, and not one after it: it also holds where no notices come, and while
//     folders are being replaced and the watches with them.
package watch
