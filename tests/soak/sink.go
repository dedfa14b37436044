package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"holdfast/channels/webhook"
)

// sink takes the answers of webhook accounts, as a receiver does that checks who sent them.
type sink struct {
	url      string
	accounts map[string]*account
	server   *http.Server

	mu     sync.Mutex
	got    answers
	faults []string
}

func newSink(accounts []*account) (*sink, error) {
	k := &sink{accounts: map[string]*account{}, got: answers{}}
	for _, a := range accounts {
		if a.kind == webhooks {
			k.accounts[a.name] = a
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	k.url = "http://" + listener.Addr().String()
	k.server = &http.Server{Handler: k, ReadHeaderTimeout: time.Minute, IdleTimeout: keepAlive}
	go func() { _ = k.server.Serve(listener) }() // ends with Close
	return k, nil
}

// ServeHTTP takes one answer. Every post of it counts: nothing here fails, so there is no reason to post one twice.
func (k *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		k.fault(w, http.StatusBadRequest, "an answer was cut off: %v", err)
		return
	}
	a := k.accounts[strings.TrimPrefix(r.URL.Path, "/")]
	if a == nil {
		k.fault(w, http.StatusNotFound, "an answer came for %s, which is nobody", r.URL.Path)
		return
	}
	if err := verify(a.expected(), body, r.Header); err != nil {
		k.fault(w, http.StatusUnauthorized, "an answer to %s is not signed: %v", a.id(), err)
		return
	}
	var c webhook.Callback
	if err := json.Unmarshal(body, &c); err != nil {
		k.fault(w, http.StatusBadRequest, "an answer to %s is no JSON: %v", a.id(), err)
		return
	}
	number, known := numberOf(c.Text)
	if !known || c.Account != a.id() || c.Notice || c.Parts != 1 {
		k.fault(w, http.StatusOK, "an answer to %s that was not asked for: %s", a.id(), body)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.got[a] = append(k.got[a], number)
}

// verify checks the signature with every key that may be in use, the latest first.
func verify(keys []string, body []byte, header http.Header) error {
	err := errors.New("there is no key")
	for i := len(keys) - 1; i >= 0; i-- {
		key, bad := standardwebhooks.NewWebhook(keys[i])
		if bad != nil {
			return bad
		}
		if err = key.Verify(body, header); err == nil {
			return nil
		}
	}
	return err
}

func (k *sink) fault(w http.ResponseWriter, code int, format string, args ...any) {
	w.WriteHeader(code)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.faults = append(k.faults, fmt.Sprintf(format, args...))
}

// received is what came so far, in order.
func (k *sink) received() (answers, []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := answers{}
	for a, numbers := range k.got {
		out[a] = append([]int(nil), numbers...)
	}
	return out, append([]string(nil), k.faults...)
}
