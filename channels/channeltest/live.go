package channeltest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"holdfast/channels"
)

// runs checks the life of a connection.
func runs(t *testing.T, kind channels.Kind, fake Fake) {
	t.Run("Connect does no I/O", func(t *testing.T) {
		w := newWorld(t, kind, fake, usual)
		if w.link == nil {
			t.Fatal("Connect returned nothing")
		}
		if w.peer.Contacts != nil && w.peer.Contacts() != 0 {
			t.Error("the network was contacted before Run")
		}
	})
	t.Run("Run reports a connection and ends with its context", func(t *testing.T) {
		w := newWorld(t, kind, fake, usual)
		w.start(t)
		Eventually(t, "the run reports that it is connected", func() bool { return w.inbox.Link() == channels.Connected })
		w.stop(t)
	})
	t.Run("Run of a context that has ended returns", func(t *testing.T) {
		w := newWorld(t, kind, fake, usual)
		w.end()
		w.start(t)
		w.stop(t)
	})
	t.Run("Run returns though the network does not answer", func(t *testing.T) {
		w := newWorld(t, kind, fake, usual)
		if w.peer.Hang == nil || w.peer.SendsOnly {
			return
		}
		w.peer.Hang()
		w.start(t)
		Eventually(t, "the network is contacted", func() bool { return w.peer.Contacts == nil || w.peer.Contacts() > 0 })
		w.stop(t)
	})
	t.Run("a network that is away is waited for", func(t *testing.T) {
		w := newWorld(t, kind, fake, usual)
		if w.peer.Down == nil || w.peer.SendsOnly {
			return
		}
		w.peer.Down()
		w.start(t)
		Eventually(t, "the run says that it waits, or ends", func() bool { return w.inbox.Link() == channels.Waiting || len(w.over) > 0 })
		if len(w.over) == 0 {
			w.stop(t)
			return
		}
		err := w.ended(t)
		var refused *channels.Refusal
		if err == nil || errors.As(err, &refused) {
			t.Errorf("Run returned %v, want an error that may pass", err)
		}
	})
	t.Run("wrong credentials wait for the operator", func(t *testing.T) { refuses(t, kind, fake) })
}

func refuses(t *testing.T, kind channels.Kind, fake Fake) {
	if fake.Peer(t).Refused == "" {
		return // this kind logs in nowhere
	}
	w := newWorld(t, kind, fake, func(p Peer) string { return p.Refused })
	w.start(t)
	err := w.ended(t)
	var refused *channels.Refusal
	switch {
	case !errors.As(err, &refused):
		t.Errorf("Run returned %v, want a *channels.Refusal", err)
	case refused.Do == "":
		t.Errorf("the refusal %v does not say what the operator should do", err)
	}
}

// takes checks how a run hands in what the connection brings.
func takes(t *testing.T, kind channels.Kind, fake Fake) {
	if fake.Peer(t).Bring == nil {
		return // all that this kind gets comes by its route
	}
	t.Run("nothing is acknowledged before it is safe", func(t *testing.T) {
		w := newWorld(t, kind, fake, usual)
		release := w.inbox.Hold()
		defer release()
		w.start(t)
		w.peer.Bring()
		Eventually(t, "the item is handed in", func() bool { return w.inbox.Begun() > 0 })
		if w.peer.Acknowledged != nil && w.peer.Acknowledged() != 0 {
			t.Error("the network was told that we have an item before we had it")
		}
		if len(w.inbox.Items()) != 0 {
			t.Error("an item was kept though Take had not returned")
		}
		release()
		Eventually(t, "the item is kept", func() bool { return len(w.inbox.Items()) == 1 })
		if w.peer.Acknowledged != nil {
			Eventually(t, "the network is told", func() bool { return w.peer.Acknowledged() == 1 })
		}
		w.stop(t)
	})
	t.Run("an item is known by what its arrivals claim", func(t *testing.T) {
		w := newWorld(t, kind, fake, usual)
		w.start(t)
		w.peer.Bring()
		Eventually(t, "the item is handed in", func() bool { return len(w.inbox.Items()) > 0 })
		w.stop(t)
		known(t, kind, w.inbox.Items()[0])
	})
	t.Run("Run returns though the journal does not", func(t *testing.T) {
		w := newWorld(t, kind, fake, usual)
		release := w.inbox.Hold()
		defer release()
		w.start(t)
		w.peer.Bring()
		Eventually(t, "the item is handed in", func() bool { return w.inbox.Begun() > 0 })
		w.stop(t)
	})
	t.Run("a run that is no longer current ends", func(t *testing.T) {
		w := newWorld(t, kind, fake, usual)
		w.inbox.Fail(channels.ErrGone)
		w.start(t)
		w.peer.Bring()
		if err := w.ended(t); !errors.Is(err, channels.ErrGone) {
			t.Errorf("Run returned %v, want %v", err, channels.ErrGone)
		}
	})
}

// known checks that claims say all that an item comes down to: it is passed over when they are held.
func known(t *testing.T, kind channels.Kind, item channels.Raw) {
	t.Helper()
	if item.Claims == nil {
		return
	}
	arrivals, err := kind.Interpret(kind.Settings(), channels.Request{Account: account, At: time.Now(), Form: item.Form, ID: item.ID, Body: item.Body})
	if err != nil {
		t.Fatalf("an item with claims cannot be interpreted: %v", err)
	}
	var claims []string
	for _, a := range arrivals {
		claims = append(claims, a.Claim())
	}
	if !slices.Equal(claims, item.Claims) {
		t.Errorf("an item was handed in as %q, and its arrivals claim %q", item.Claims, claims)
	}
}

// sends checks what goes out.
func sends(t *testing.T, kind channels.Kind, fake Fake) {
	t.Run("a reply goes out once and has a receipt", func(t *testing.T) {
		w := newWorld(t, kind, fake, usual)
		w.up(t)
		receipt, err := w.send(t, w.ctx)
		if err != nil || receipt.ID == "" {
			t.Errorf("got %+v, %v, want a receipt with an id", receipt, err)
		}
		if w.peer.Sent != nil && w.peer.Sent() != 1 {
			t.Errorf("the network has %d messages, want 1", w.peer.Sent())
		}
		w.stop(t)
	})
	t.Run("a send ends with its context", func(t *testing.T) {
		w := newWorld(t, kind, fake, usual)
		if w.peer.Hang == nil {
			return
		}
		w.up(t)
		w.peer.Hang()
		before := w.contacts()
		ctx, cancel := context.WithCancel(w.ctx)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			_, err := w.send(t, ctx)
			done <- err
		}()
		Eventually(t, "the network is asked", func() bool { return w.peer.Contacts == nil || w.contacts() > before })
		cancel()
		select {
		case err := <-done:
			if err == nil {
				t.Error("a send that nobody answered succeeded")
			}
		case <-time.After(Patience):
			t.Fatalf("Send has not returned %s after its context ended", Patience)
		}
		w.stop(t)
	})
	t.Run("a network that refuses connections is proof that nothing was sent", func(t *testing.T) {
		w := newWorld(t, kind, fake, usual)
		if w.peer.Down == nil {
			return
		}
		w.up(t)
		w.peer.Down()
		if _, err := w.send(t, w.ctx); channels.OutcomeOf(err) != channels.NotSent || err == nil {
			t.Errorf("got %v, want an error with outcome not sent", err)
		}
		w.stop(t)
	})
}

// up runs until there is a connection.
func (w *world) up(t *testing.T) {
	t.Helper()
	w.start(t)
	Eventually(t, "the run reports that it is connected", func() bool { return w.inbox.Link() == channels.Connected })
}

func (w *world) contacts() int {
	if w.peer.Contacts == nil {
		return 0
	}
	return w.peer.Contacts()
}

// send delivers a usual reply.
func (w *world) send(t *testing.T, ctx context.Context) (channels.Receipt, error) {
	t.Helper()
	receipt, err := w.link.Send(ctx, channels.Reply{
		Seq: 11, Account: account, Conversation: w.peer.Conversation, At: time.Unix(1_760_000_000, 0), Part: 1, Parts: 1,
		Text: "hello from the contract", Attempt: 1, Nonce: "0123456789abcdef0123456789abcdef",
	})
	if err != nil {
		w.shows(t, "the error of Send", err)
	}
	return receipt, err
}
