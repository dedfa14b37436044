// Command soak keeps a real gateway under constant load from outside while its configuration changes in every way there is,
// and tells what became of every single message. Its last line is one JSON object.
//
// The load is open: message n is planned for a fixed instant, whatever became of those before, and its latency counts from
// that instant, so that a pause of the gateway shows in the latency of everything that was due in it. Twenty accounts carry
// it: webhooks signed as their senders sign, and BlueBubbles servers. An echo agent answers.
//
// Lost, duplicated, answered and reordered are differences between what the senders say they posted and what the receivers
// of the answers say they got. The gateway's own counters are only compared with that.
//
// Calm and edits alternate, so that both latencies are of one run on one machine. Edits come four a second, each saved in
// another way, and are noticed by the gateway itself; besides it is told to reload six times a second.
//
// What the process needs is read at the same load before the first edit and some time after the last one, as the least of
// several readings over six seconds, in which it has collected its garbage more than once: a burst raises the most and the
// average, a leak raises the least as well. Senders and receivers close connections that nobody uses after five seconds.
//
// With -reloads N there is no load but at the start: so many reloads, one after the other, and what they leave behind.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	o := options{}
	flag.StringVar(&o.binary, "gateway", "bin/gateway", "the gateway's binary")
	flag.DurationVar(&o.duration, "duration", time.Minute, "how long messages are sent")
	flag.IntVar(&o.rate, "rate", 500, "messages a second")
	flag.IntVar(&o.reloads, "reloads", 0, "no load but at the start: this many reloads, as fast as they go")
	flag.StringVar(&o.only, "only", "", "the only sort of edit, by its name; all of them otherwise")
	flag.BoolVar(&o.keep, "keep", false, "keep the folder with configuration, state and log")
	flag.Parse()
	err := o.play()
	if err != nil && !errors.Is(err, errFaults) { // those have been told, and the result is the last line
		fmt.Fprintln(os.Stderr, "soak:", err)
	}
	if err != nil {
		os.Exit(1)
	}
}

// errFaults: the run is over, and something is not as it has to be.
var errFaults = errors.New("there are faults")

// options are those of the command line.
type options struct {
	binary   string
	duration time.Duration
	rate     int
	reloads  int
	only     string
	keep     bool
	env      []string // for the gateway, besides its own
}

// play runs what was asked for in a temporary folder, prints the result, and fails if it is not as it has to be.
func (o options) play() error {
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return err
	}
	o.binary = binary
	dir, err := os.MkdirTemp("", "holdfast-soak-")
	if err != nil {
		return err
	}
	if o.keep {
		fmt.Println("configuration, state and log are in", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	if o.reloads > 0 {
		return o.playReloads(dir)
	}
	r, faults, err := o.soak(dir)
	if err != nil {
		return err
	}
	return conclude(r, append(r.faults(), faults...))
}

// conclude prints what is wrong with a result, and the result.
func conclude(result any, faults []string) error {
	for _, f := range faults {
		fmt.Fprintln(os.Stderr, "soak: FAULT:", f)
	}
	line, err := json.Marshal(result)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	if len(faults) > 0 {
		return errFaults
	}
	return nil
}
