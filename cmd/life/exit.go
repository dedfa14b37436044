package life

import (
	"os"
	"syscall"
)

// Exit codes of every command. What Go's runtime itself ends with (2 after a panic that nobody recovered) is not ours.
const (
	ExitOK      = 0   // ended as asked
	ExitFailed  = 1   // what was asked could not be done, as stderr says; of run: a bug of ours
	ExitUsage   = 2   // the command line makes no sense
	ExitCore    = 70  // a core actor failed; nothing that was accepted is lost
	ExitJournal = 74  // the journal cannot go on: the disk failed, or what lies there cannot be read
	ExitHeld    = 75  // the state folder or the port is held by another process, or cannot be used
	ExitConfig  = 78  // the configuration is not valid
	ExitINT     = 130 // a second SIGINT: ended at once
	ExitTERM    = 143 // a second SIGTERM or SIGHUP: ended at once
)

// exitOf is the code for a signal that ends the process at once.
func exitOf(s os.Signal) int {
	if s == syscall.SIGINT {
		return ExitINT
	}
	return ExitTERM
}
