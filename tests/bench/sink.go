package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/valyala/fasthttp"

	"holdfast/tests/rig"
)

// received is what a sink got. Times of single answers are in milliseconds, and count from
// the instant that the text of the message names.
type received struct {
	Count   int64     `json:"count"`
	Strange int64     `json:"strange"` // no answers to messages of the load
	P50     float64   `json:"p50_ms"`
	P99     float64   `json:"p99_ms"`
	Last    time.Time `json:"last"`
}

// sink counts answers and how long they took.
type sink struct {
	mu      sync.Mutex
	latency *hdrhistogram.Histogram
	strange int64
	last    time.Time
}

// serveSink takes answers until it is ended. It checks no signature: that is the business of a receiver, and this one is to
// cost as little as it can.
func serveSink() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	say(l)
	k := &sink{latency: hdrhistogram.New(1, int64(10*time.Minute/time.Microsecond), 3)}
	return (&fasthttp.Server{Handler: k.handle}).Serve(l)
}

func (k *sink) handle(ctx *fasthttp.RequestCtx) {
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch string(ctx.Path()) {
	case "/received":
		text, err := json.Marshal(received{
			Count: k.latency.TotalCount(), Strange: k.strange, Last: k.last,
			P50: float64(k.latency.ValueAtQuantile(50)) / 1000, P99: float64(k.latency.ValueAtQuantile(99)) / 1000,
		})
		if err != nil {
			ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
			return
		}
		ctx.SetBody(text)
	default:
		sent, ok := sentAt(ctx.PostBody())
		if !ok {
			k.strange++
			return
		}
		k.last = now
		_ = k.latency.RecordValue(max(1, now.Sub(sent).Microseconds())) // of ten minutes it cannot be more
	}
}

// sentAt finds the planned instant in the text of an answer.
func sentAt(body []byte) (time.Time, bool) {
	const digits = 16
	_, after, found := bytes.Cut(body, []byte("sent at "))
	if !found || len(after) < digits {
		return time.Time{}, false
	}
	us, err := strconv.ParseInt(string(after[:digits]), 10, 64)
	return time.UnixMicro(us), err == nil
}

// ask asks a sink what it got.
func ask(g *rig.Gateway) (r received, err error) {
	res, err := http.Get(g.URL + "/received")
	if err != nil {
		return r, fmt.Errorf("ask the receiver of answers: %w", err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil {
		return r, fmt.Errorf("ask the receiver of answers: %w", err)
	}
	return r, nil
}
