package bluebubbles

import (
	"context"
	"fmt"
	"net/http"
)

// Typing shows that an answer is being written. The display ends by itself when the answer is sent, which is all there
// is on servers whose call to end it begins it.
func (c *channel) Typing(ctx context.Context, conversation string, on bool) error {
	info, err := c.known(ctx)
	if err != nil {
		return fmt.Errorf("show typing: %w", err)
	}
	if !c.settings.Typing || !info.private() || !on && !info.endsTyping() {
		return nil
	}
	r := call{method: choose(on, http.MethodPost, http.MethodDelete), path: []string{"chat", conversation, "typing"}}
	if _, err := c.api.do(ctx, r, quickCall, nil); err != nil {
		return fmt.Errorf("show typing: %w", err)
	}
	return nil
}

// MarkRead marks a conversation as read, where the account wants it and the server can.
func (c *channel) MarkRead(ctx context.Context, conversation string) error {
	info, err := c.known(ctx)
	if err != nil {
		return fmt.Errorf("mark as read: %w", err)
	}
	if !c.settings.SendReadReceipts || !info.private() {
		return nil
	}
	r := call{method: http.MethodPost, path: []string{"chat", conversation, "read"}}
	if _, err := c.api.do(ctx, r, quickCall, nil); err != nil {
		return fmt.Errorf("mark as read: %w", err)
	}
	return nil
}
