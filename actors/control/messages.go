package control

import "holdfast/actors/kit"

type (
	// Open says that a client connected to the admin socket; a child admin.N is spawned for it. Sent by http/admin.
	// Answer: Opened.
	Open struct{ Peer string } // "uid=1000 pid=4242"
	// Opened answers Open. The connection's calls go to Conn as registry.Call.
	Opened struct{ Conn kit.Addr }
	// Close says that the client is gone. No answer.
	Close struct{ Conn kit.Addr }
)
