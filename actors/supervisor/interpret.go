package supervisor

import (
	"context"
	"fmt"

	"holdfast/channels"
)

// maxArrivals bounds what one request may mean.
const maxArrivals = 1000

// Interpret is the job of finding out what one request means. Its value is an Interpreted.
type Interpret struct {
	Kind     channels.Kind
	Settings channels.Settings
	Request  channels.Request
}

// Interpreted is the end of Interpret. Err is the network's word that it cannot understand the request.
type Interpreted struct {
	Arrivals []channels.Arrival
	Err      error
}

// work runs the network's pure function beside the supervisor.
func work(_ context.Context, job any) (any, error) {
	what := job.(Interpret)
	arrivals, err := what.Kind.Interpret(what.Settings, what.Request)
	return Interpreted{Arrivals: arrivals, Err: err}, nil
}

// complete checks what a network made of a request and adds what the core knows.
func complete(r channels.Request, arrivals []channels.Arrival) ([]channels.Arrival, error) {
	if len(arrivals) > maxArrivals {
		return nil, fmt.Errorf("it means %d arrivals; at most %d are allowed", len(arrivals), maxArrivals)
	}
	out := make([]channels.Arrival, len(arrivals))
	for i, a := range arrivals {
		if a.ID == "" || a.Kind == "" {
			return nil, fmt.Errorf("arrival %d of it has no id or no kind, so a repeat of it could not be known", i+1)
		}
		a.Account, a.Origin, a.At, a.Ticket = r.Account, r.Seq, r.At, r.Ticket
		out[i] = a
	}
	return out, nil
}
