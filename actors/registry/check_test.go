package registry

import (
	"context"
	"strings"
	"testing"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// having adds methods to an offer.
func having(o Offer, methods ...string) Offer {
	for _, name := range methods {
		o.Methods = append(o.Methods, channels.Method{Name: name, Call: func(context.Context, []byte) ([]byte, error) { return nil, nil }})
	}
	return o
}

func TestOffersThatCannotBeOneGeneration(t *testing.T) {
	for _, c := range []struct {
		name   string
		offers []Offer
		want   string // empty: they can
	}{
		{"none", nil, ""},
		{"kinds and methods side by side", []Offer{having(offer("sms", "1", "sms"), "sms.count", "sms.a.b"), having(offer("irc", "1"), "irc.join")}, ""},
		{"a channel that two plugins offer", []Offer{offer("a", "1", "x"), offer("b", "1", "x")}, `channel "x" is offered by plugin "a" and by plugin "b": disable one of them`},
		{"a plugin twice", []Offer{offer("a", "1", "x"), offer("a", "2", "y")}, `plugin "a" is offered twice`},
		{"a plugin without a name", []Offer{offer("", "1")}, `a plugin is called ""`},
		{"a name that no method could begin with", []Offer{offer("my-sms", "1")}, `a plugin is called "my-sms": want a lower-case word`},
		{"a name of two words", []Offer{offer("my.sms", "1")}, `a plugin is called "my.sms"`},
		{"a method of the core", []Offer{having(offer("sms", "1"), "status")}, `plugin "sms" offers the method "status": want a name that begins with "sms."`},
		{"a method of another plugin", []Offer{having(offer("sms", "1"), "irc.join"), offer("irc", "1")}, `plugin "sms" offers the method "irc.join": want`},
		{"a name that only begins like the plugin's", []Offer{having(offer("sms", "1"), "smsx.count")}, `plugin "sms" offers the method "smsx.count": want`},
		{"a method twice", []Offer{having(offer("sms", "1"), "sms.count", "sms.count")}, `plugin "sms" offers the method "sms.count" twice`},
		{"a method that nothing answers", []Offer{{Plugin: "sms", Methods: []channels.Method{{Name: "sms.count"}}}}, `plugin "sms" offers the method "sms.count" and nothing that answers it`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check(c.offers)
			if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			s, got := play[Installed](t, State{}, Install{Offers: c.offers})
			if (got.Err == nil) != (c.want == "") || c.want != "" && (len(s.Instances) > 0 || s.Generation > 0) {
				t.Errorf("Install gave %v and left %d instances", got.Err, len(s.Instances))
			}
		})
	}
}

func TestTheTableOfAnOffer(t *testing.T) {
	owner := kit.Named("plugins")
	o := having(offer("sms", "1", "sms"), "sms.count")
	o.Methods[0].Help, o.Methods[0].Params, o.Methods[0].Result, o.Methods[0].Reads = "count", []byte("1"), []byte("2"), true
	got := o.Table(owner)
	if len(got) != 1 || got[0].Name != "sms.count" || got[0].Help != "count" || string(got[0].Params) != "1" || string(got[0].Result) != "2" ||
		!got[0].Reads || got[0].Owner != owner {
		t.Errorf("got %+v", got)
	}
}
