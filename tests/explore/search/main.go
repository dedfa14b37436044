package main

import (
	"flag"
	"fmt"
	"strings"
	"time"

	"holdfast/tests/explore"
)

func main() {
	names := flag.String("worlds", "", "")
	limit := flag.Int("limit", 300000, "")
	flag.Parse()
	for _, p := range explore.Plans() {
		if *names != "" && !strings.Contains(","+*names+",", ","+p.Name+",") {
			continue
		}
		w, err := p.World()
		if err != nil {
			fmt.Println(err)
			continue
		}
		began := time.Now()
		out := w.Search(explore.Limits{States: *limit})
		fmt.Printf("%-14s %8d states %9d moves %6d quiet depth %d complete %t %v\n", p.Name, out.States, out.Moves, out.Quiet, out.Depth, out.Complete, time.Since(began))
		if out.Broken != nil {
			fmt.Printf("%s: %s\n%s\n", out.Broken.Law, out.Broken.What, strings.Join(out.Broken.History, "\n"))
		}
	}
}
