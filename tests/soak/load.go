package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"holdfast/channels/bluebubbles/bluebubblestest"
)

// keepAlive is how long connections that nobody uses are kept. What a burst leaves behind is gone when the gateway is looked
// at again, and does not count as growth.
const keepAlive = 5 * time.Second

// load sends messages at a constant rate.
type load struct {
	ledger   *ledger
	accounts []*account
	season   atomic.Uint32
	client   *http.Client
	flying   sync.WaitGroup
}

func newLoad(accounts []*account) *load {
	return &load{
		ledger: &ledger{statuses: map[string]int{}}, accounts: accounts,
		client: &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: keepAlive}},
	}
}

// run plans one message after the other, rate a second, until ctx ends, and returns when all have been answered. A message
// whose instant has passed goes out at once and is late from then on.
func (l *load) run(ctx context.Context, rate int) {
	gap := time.Second / time.Duration(rate)
	began := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		planned := began.Add(time.Duration(n) * gap)
		time.Sleep(time.Until(planned))
		a := l.accounts[n%len(l.accounts)]
		number := l.ledger.enter(message{
			account: a, planned: planned, season: season(l.season.Load()),
			conversation: conversationOf(a, n/len(l.accounts)%perAccount),
		})
		l.flying.Go(func() { l.send(number, a) })
	}
	l.flying.Wait()
}

// conversationOf names one of an account's as its network does.
func conversationOf(a *account, n int) string {
	if a.kind == bubbles {
		return fmt.Sprintf("iMessage;-;+1555%s%06d", a.name[1:], n)
	}
	return fmt.Sprintf("%s-c%d", a.name, n)
}

// send posts a message, or has the server of the account do so.
func (l *load) send(number int, a *account) {
	name := nameOf(number)
	l.ledger.mu.Lock()
	chat := l.ledger.messages[number].conversation
	l.ledger.mu.Unlock()
	l.ledger.began(number)
	if a.kind == bubbles {
		a.server.ReceiveMessage(bluebubblestest.Incoming{
			Chat: chat, Sender: chat[strings.LastIndexByte(chat, ';')+1:], Text: "message " + name, GUID: name,
		})
		return
	}
	body, err := json.Marshal(map[string]string{"id": name, "conversation": chat, "sender": "somebody", "text": "message " + name})
	if err != nil {
		panic(err) // of four texts
	}
	at := a.aim()
	status, err := l.post(at, a.scheme, name, body)
	at.flying.Done()
	l.ledger.heard(number, status, a.kind, said(err))
}

// posted notes what a BlueBubbles server heard. It posts what it was made to send as well.
func (l *load) posted(p bluebubblestest.Post) {
	number, is := numberOf(p.GUID)
	if !is {
		number = -1
	}
	l.ledger.heard(number, p.Status, bubbles, p.Err)
}

// post signs as the scheme wants it and posts once.
func (l *load) post(at *target, scheme, name string, body []byte) (status int, err error) {
	req, err := http.NewRequest(http.MethodPost, at.base+at.path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	if err := sign(req, scheme, at.secret, name, body); err != nil {
		return 0, err
	}
	res, err := l.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

func sign(req *http.Request, scheme, secret, name string, body []byte) error {
	if scheme == hmacs {
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = mac.Write(body) // never fails
		req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		return nil
	}
	key, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return err
	}
	now := time.Now()
	signature, err := key.Sign(name, now, body)
	req.Header.Set("webhook-id", name)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	return err
}

// said is an error without the address.
func said(err error) string {
	var outer *url.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &outer):
		return outer.Err.Error()
	}
	return err.Error()
}
