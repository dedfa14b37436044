package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// flags are those of the command line.
type flags struct {
	URL string `arg:"" help:"Where requests go: http or https."`

	Method  string   `short:"X" default:"POST" help:"Method of every request."`
	Header  []string `short:"H" sep:"none" placeholder:"'NAME: VALUE'" help:"A header; may be repeated."`
	Body    string   `short:"d" placeholder:"TEXT" help:"Body of every request; @FILE reads it."`
	NoCheck bool     `name:"insecure" help:"Take any certificate."`

	Connections int           `short:"c" default:"64" help:"Connections."`
	Rate        float64       `short:"r" help:"Requests a second; default: flat out."`
	Duration    time.Duration `default:"10s" help:"How long requests are sent, after the warm-up."`
	Warmup      time.Duration `default:"0s" help:"How long requests are sent before anything counts."`
	Requests    uint64        `short:"n" placeholder:"N" help:"End after so many requests; default: only by time."`
	Timeout     time.Duration `default:"10s" help:"How long an answer may take."`
	First       uint64        `default:"0" help:"The number that {n} begins with."`
}

func main() {
	var f flags
	kong.Parse(&f, kong.Name("peer"), kong.Description("Loads an HTTP server and measures its answers. The last line is one JSON object."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := f.run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

// run loads the server and prints the result.
func (f flags) run(ctx context.Context, out io.Writer) error {
	w, err := f.wire()
	if err != nil {
		return err
	}
	if f.Connections < 1 || f.Rate < 0 || f.Duration <= 0 {
		return fmt.Errorf("connections and duration are above 0, a rate is not below it: got %d, %s and %g", f.Connections, f.Duration, f.Rate)
	}
	r, err := newLoad(f, w).run(ctx)
	if err != nil {
		return err
	}
	r.table(out)
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	fmt.Fprintln(out, string(line))
	return nil
}

// wire is what is sent, and where to.
func (f flags) wire() (*wire, error) {
	body := []byte(f.Body)
	if file, is := strings.CutPrefix(f.Body, "@"); is {
		var err error
		if body, err = os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
	}
	return newWire(f.URL, f.Method, f.Header, body, f.NoCheck)
}
