package life

// Exit codes of the gateway. Anything else is the runtime's own (2 after an unrecovered panic of Go itself).
const (
	ExitOK      = 0   // ended as asked
	ExitBug     = 1   // a bug of ours outside the core actors
	ExitUsage   = 2   // the command line makes no sense
	ExitCore    = 70  // a core actor failed; nothing that was accepted is lost
	ExitJournal = 74  // the journal cannot go on: the disk failed, or is of an unknown format
	ExitHeld    = 75  // the state folder or the port is held by another process, or cannot be used
	ExitConfig  = 78  // the configuration is not valid
	ExitINT     = 130 // a second SIGINT: ended at once
	ExitTERM    = 143 // a second SIGTERM: ended at once
)
