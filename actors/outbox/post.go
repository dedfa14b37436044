package outbox

import (
	"errors"
	"fmt"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/channels/chunk"
)

// resolveWithin is how long a network may take to turn a target into a conversation.
const resolveWithin = 15 * time.Second

// keyKept is how long an idempotency key is remembered.
const keyKept = 7 * 24 * time.Hour

// posting is an operator's message on its way into the journal.
type posting struct {
	order Post
	from  kit.Return
	at    time.Time
}

// Tags.
type (
	resolved struct{ number uint64 }
	posted   struct{ number uint64 }
)

func (s State) post(m Post, in kit.In) (State, []kit.Effect) {
	a, known := s.Accounts.Get(m.Account)
	if !known || a.gone {
		return s, []kit.Effect{kit.Answer{To: in.From, Msg: Posted{Err: noAccount(m.Account)}}}
	}
	s.Count++
	s.Posts = s.Posts.With(s.Count, posting{order: m, from: in.From, at: in.Now})
	return s, []kit.Effect{kit.Ask{
		To: a.cfg.Supervisor, Within: resolveWithin + callMargin, Tag: resolved{s.Count},
		Msg: supervisor.Call{Account: m.Account, Op: run.Resolve{Target: m.Target}, Within: resolveWithin},
	}}
}

func noAccount(id channels.Account) error {
	return fmt.Errorf("there is no account %s; channels.list shows them", id)
}

// resolved writes the message down, part by part. A network that resolves nothing takes targets as they are.
func (s State) resolved(tag resolved, m kit.Answered) (State, []kit.Effect) {
	p := s.Posts.Of(tag.number)
	res, ok := m.Msg.(run.Result)
	switch {
	case !ok:
		return s.posts(tag.number, Posted{Err: fmt.Errorf("the channel of %s gave no answer: %w", p.order.Account, m.Err)})
	case errors.Is(res.Err, run.ErrNotOffered):
		res.Conversation = p.order.Target
	case res.Err != nil:
		return s.posts(tag.number, Posted{Err: fmt.Errorf("target %q: %w", p.order.Target, res.Err)})
	}
	a, known := s.Accounts.Get(p.order.Account)
	if !known || a.gone {
		return s.posts(tag.number, Posted{Err: noAccount(p.order.Account)})
	}
	parts := chunk.Split(p.order.Text, a.cfg.Chunk, a.cfg.ChunkMode)
	commit := journal.Commit{Account: p.order.Account, Sync: true}
	for i, text := range parts {
		op := journal.AddReply{Keep: keyKept, Reply: channels.Reply{
			Account: p.order.Account, Conversation: res.Conversation, At: p.at,
			Part: i + 1, Parts: len(parts), Text: text,
		}}
		if p.order.Key != "" {
			op.Claim = fmt.Sprintf("send|%s|%d", p.order.Key, i+1)
		}
		commit.Ops = append(commit.Ops, op)
	}
	return s, []kit.Effect{kit.Ask{To: s.Journal, Msg: commit, Within: journalWithin, Tag: posted(tag)}}
}

func (s State) posted(tag posted, m kit.Answered) (State, []kit.Effect) {
	c, ok := m.Msg.(journal.Committed)
	if !ok {
		return s.posts(tag.number, Posted{Err: fmt.Errorf("the journal gave no answer: %w; send again with the same key", m.Err)})
	}
	out := Posted{Err: c.Err}
	for _, seq := range c.Added {
		if seq == 0 {
			out.Duplicate = true
			continue
		}
		out.Seqs = append(out.Seqs, seq)
	}
	return s.posts(tag.number, out)
}

// posts answers an operator's message and forgets it.
func (s State) posts(number uint64, out Posted) (State, []kit.Effect) {
	p, waits := s.Posts.Get(number)
	if !waits {
		return s, nil
	}
	s.Posts = s.Posts.Without(number)
	return s, []kit.Effect{kit.Answer{To: p.from, Msg: out}}
}
