package journal

import "testing"

func TestTheWorstAndMostTellingEndSpeaks(t *testing.T) {
	one := func(k Kind, s State, outcome string) item {
		return item{Record: Record{Kind: k, State: s, Outcome: outcome}}
	}
	request := one(Requests, Done, "interpreted")
	cases := []struct {
		name  string
		led   []item
		state State
		want  string
	}{
		{"nothing came of it", nil, Done, "interpreted"},
		{"the message speaks for its replies", []item{one(Arrivals, Done, "answered"), one(Replies, Done, "sent")}, Done, "answered"},
		{"a dead reply outweighs", []item{one(Arrivals, Done, "answered"), one(Replies, Dead, "refused")}, Dead, "refused"},
		{"anything pending is pending", []item{one(Arrivals, Dead, "x"), one(Replies, Pending, "")}, Pending, ""},
		{"dead is worse than expired", []item{one(Arrivals, Expired, "old"), one(Replies, Dead, "refused")}, Dead, "refused"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if state, outcome, _ := verdict(request, c.led); state != c.state || outcome != c.want {
				t.Fatalf("%s %q", state, outcome)
			}
		})
	}
}
