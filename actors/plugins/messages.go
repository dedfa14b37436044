package plugins

// It takes registry.Call, as every owner of methods does: from the admin socket, and in time from other faces. Answer:
// registry.Called, always, at the latest when the call has had its time.

// overdue is the deadline of a call, by its number; one whose call has ended is stale. Private.
type overdue struct{ number uint64 }
