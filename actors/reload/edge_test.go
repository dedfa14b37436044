package reload

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"holdfast/actors/registry"
	"holdfast/config"
)

func TestWhatTheConfigurationSaysToTheEdge(t *testing.T) {
	c := &Candidate{Config: &config.Config{Gateway: config.Gateway{
		TrustedProxies: []string{"10.0.0.0/8", "192.0.2.1", "::1", " fd00::1 "},
		RequestTimeout: config.Duration(time.Second), JournalWait: config.Duration(2 * time.Second), BytesInFlightMB: 3,
	}}}
	want := &registry.Edge{
		TrustedProxies: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("::1/128"),
			netip.MustParsePrefix("fd00::1/128"),
		},
		RequestWithin: time.Second, JournalWithin: 2 * time.Second, InFlight: 3 << 20,
	}
	if diff := cmp.Diff(want, c.edge(), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLaw1_APublicationHasTheSettingsOfTheEdge(t *testing.T) {
	p := booted(t)
	published := asked[registry.Publish](p)
	if len(published) != 1 || published[0].Edge == nil || published[0].Edge.InFlight != config.DefaultBytesInFlightMB<<20 {
		t.Errorf("published %+v, want the settings of the configuration", published)
	}
}
