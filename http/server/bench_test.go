package server

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
)

// BenchmarkEdge sends the same webhook to the edge and to a bare server of the same library, in turns and in one run, and
// reports how much longer the edge takes: the journal answers at once, so what is measured is judging and handing over.
func BenchmarkEdge(b *testing.B) {
	e := newEdge(b, func(o *setup) {
		at, err := o.System.Start("instant", kit.Def[uint64]{Step: func(n uint64, in kit.In) (uint64, []kit.Effect) {
			return n + 1, []kit.Effect{kit.Answer{To: in.From, Msg: journal.Accepted{Seqs: []uint64{n + 1}}}}
		}}.Spec())
		if err != nil {
			b.Fatal(err)
		}
		o.Journal = at
	})
	raw := post("/hook", `{"id":1,"text":"`+strings.Repeat("x", 500)+`"}`)
	edge, bare := newClients(b, e.addr, raw), newClients(b, bareServer(b), raw)
	var took [2]time.Duration
	b.ResetTimer()
	for left := b.N; left > 0; {
		n := min(left, 500)
		left -= n
		for i, c := range []*clients{edge, bare} {
			began := time.Now()
			c.send(n)
			took[i] += time.Since(began)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(took[0].Nanoseconds())/float64(b.N), "edge-ns/op")
	b.ReportMetric(float64(took[1].Nanoseconds())/float64(b.N), "bare-ns/op")
	b.ReportMetric(float64(took[0])/float64(took[1]), "edge/bare")
}

// bareServer reads a body and says ok.
func bareServer(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		if len(ctx.PostBody()) > 0 {
			ctx.SetBodyString("ok\n")
		}
	}}
	go func() { _ = s.Serve(l) }()
	b.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// clients are connections that send the same request again and again.
type clients struct {
	b     *testing.B
	raw   string
	conns []net.Conn
}

func newClients(b *testing.B, addr, raw string) *clients {
	c := &clients{b: b, raw: raw}
	for range 8 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		c.conns = append(c.conns, conn)
	}
	return c
}

// send sends n requests over all connections and waits for their answers.
func (c *clients) send(n int) {
	ended := make(chan error, len(c.conns))
	for i, conn := range c.conns {
		share := n / len(c.conns)
		if i < n%len(c.conns) {
			share++
		}
		go func() { ended <- c.sendOver(conn, share) }()
	}
	for range c.conns {
		if err := <-ended; err != nil {
			c.b.Fatal(err)
		}
	}
}

func (c *clients) sendOver(conn net.Conn, n int) error {
	in := bufio.NewReader(conn)
	for range n {
		if _, err := io.WriteString(conn, c.raw); err != nil {
			return err
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return err
		}
	}
	return nil
}
