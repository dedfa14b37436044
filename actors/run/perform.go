package run

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"holdfast/channels"
)

// op has the network do one thing, on a goroutine of its own. A panic becomes the op's error there: for a send that means
// that the outcome is not known.
func (sh *shell) op(ctx context.Context, op Op) (result Result) {
	network := *sh.network.Load() // a run takes calls only after Connect
	switch op := op.(type) {
	case Send:
		result.Receipt, result.Err = network.Send(ctx, op.Reply)
		return result
	case Find:
		if n, can := network.(channels.Finder); can {
			claimed := func(id string) bool { return slices.Contains(op.Claimed, id) }
			result.Receipt, result.Found, result.Err = n.Find(ctx, op.Reply, claimed)
			return result
		}
	case Fetch:
		if n, can := network.(channels.Fetcher); can {
			result.Attachment, result.Err = sh.fetch(ctx, n, op)
			return result
		}
	case Complete:
		if n, can := network.(channels.Completer); can {
			result.Arrival, result.Err = n.Complete(ctx, op.Arrival, op.Try)
			return result
		}
	case Typing:
		if n, can := network.(channels.Typer); can {
			return Result{Err: n.Typing(ctx, op.Conversation, op.On)}
		}
	case MarkRead:
		if n, can := network.(channels.Reader); can {
			return Result{Err: n.MarkRead(ctx, op.Conversation)}
		}
	case Resolve:
		if n, can := network.(channels.Resolver); can {
			result.Conversation, result.Err = n.Resolve(ctx, op.Target)
			return result
		}
	}
	return Result{Err: ErrNotOffered}
}

// sniff is how much of a file is looked at to know its type, when the platform did not say.
const sniff = 512

// fetch streams one attachment into the state folder. Too large is Rejected: it will be too large the next time.
func (sh *shell) fetch(ctx context.Context, n channels.Fetcher, op Fetch) (channels.Attachment, error) {
	a := op.Attachment
	tooLarge := &channels.Failure{Outcome: channels.Rejected, Err: fmt.Errorf("fetching attachment %q: it is larger than %d bytes", a.Name, op.Max)}
	if a.Size > op.Max {
		return a, tooLarge
	}
	body, err := n.Fetch(ctx, a)
	if err != nil {
		return a, err
	}
	defer body.Close()
	bounded := &io.LimitedReader{R: body, N: op.Max + 1}
	content := bufio.NewReaderSize(bounded, sniff)
	if head, _ := content.Peek(sniff); a.Type == "" { // a read that fails fails again in Put
		a.Type = http.DetectContentType(head)
	}
	hash, size, err := sh.blobs.Put(content, op.Max)
	switch {
	case bounded.N <= 0:
		return a, tooLarge
	case err != nil:
		return a, &channels.Failure{Outcome: channels.NotSent, Err: fmt.Errorf("fetching attachment %q: %w", a.Name, errors.Join(err, ctx.Err()))}
	}
	a.Blob, a.Size = hash, size
	return a, nil
}
