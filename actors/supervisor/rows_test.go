package supervisor

import (
	"fmt"
	"slices"
	"testing"

	"holdfast/actors/kit"
	"holdfast/channels"
)

func names(r rows) []channels.Account {
	var out []channels.Account
	for a := range r.all() {
		out = append(out, a.id)
	}
	return out
}

func TestRowsAreInTheOrderOfTheirNames(t *testing.T) {
	var want []channels.Account
	r := rows{}
	for _, i := range []int{500, 3, 77, 1000, 4} {
		for n := range 50 {
			id := channels.NewAccount("double", fmt.Sprintf("a%d.%d", i, n))
			r, want = r.with(&account{ref: ref{id: id}}), append(want, id)
		}
	}
	slices.Sort(want)
	if got := names(r); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRowsOfBeforeStayAsTheyWere(t *testing.T) {
	before := rows{}.with(&account{ref: ref{id: home}}).with(&account{ref: ref{id: work0}})
	changed := before.with(&account{ref: ref{id: home}, in: intake{queue: []job{{}}}, run: life{number: 1}})
	fewer := changed.without(home).without(home)
	for _, c := range []struct {
		name        string
		rows        rows
		want        []channels.Account
		busy, alive int
	}{
		{"the first", before, []channels.Account{home, work0}, 0, 0},
		{"one is another now", changed, []channels.Account{home, work0}, 1, 1},
		{"one is gone", fewer, []channels.Account{work0}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := names(c.rows); !slices.Equal(got, c.want) || c.rows.busy != c.busy || c.rows.alive != c.alive {
				t.Errorf("%v, %d busy and %d alive, want %v, %d and %d", got, c.rows.busy, c.rows.alive, c.want, c.busy, c.alive)
			}
		})
	}
}

func TestOfManyAccountsTheRunThatEndedIsFound(t *testing.T) {
	w := newWorld(t, nil)
	var all []Account
	for i := range 100 {
		all = append(all, account0(channels.NewAccount("double", fmt.Sprintf("a%d", i)), "x"))
	}
	w.apply(all...)
	w.quiet()
	addr := places.Self.Child("a42/run.1")
	w.give(kit.Ended{Child: addr, Cause: "a bug"})
	for i, a := range all {
		want := Running
		if i == 42 {
			want = Pausing
		}
		if got := w.row(a.ID).phase; got != want {
			t.Errorf("%s is %s, want %s", a.ID, got, want)
		}
	}
}
