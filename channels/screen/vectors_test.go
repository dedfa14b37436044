package screen

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"holdfast/channels"
	"holdfast/config"
)

// vector is one request signed by somebody else's library; testdata/vectors.mjs says how they are made.
type vector struct {
	Name    string
	Signer  string
	Scheme  channels.Scheme
	Secrets []string
	Now     int64
	Headers [][2]string
	Body    string
	Want    bool
	Theirs  *bool
}

func readVectors(tb testing.TB) []vector {
	tb.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		tb.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(raw, &file); err != nil {
		tb.Fatal(err)
	}
	return file.Vectors
}

func (v vector) route() channels.Route {
	a := channels.Auth{Scheme: v.Scheme}
	for _, s := range v.Secrets {
		a.Secrets = append(a.Secrets, config.NewSecret(s))
	}
	if v.Scheme == channels.SchemeHMAC {
		a.HMAC = channels.HMAC{Header: "X-Hub-Signature-256", Prefix: "sha256=", Encoding: "hex"}
	}
	return channels.Route{Account: "webhook:main", Methods: []string{"POST"}, Auth: []channels.Auth{a}}
}

func TestLaw12_RequestsOfOtherPeoplesSignersAreJudgedAsTheirLibrariesDo(t *testing.T) {
	t.Parallel()
	vectors := readVectors(t)
	if len(vectors) < 40 {
		t.Fatalf("read %d vectors, want them all", len(vectors))
	}
	for _, v := range vectors {
		t.Run(v.Signer+": "+v.Name, func(t *testing.T) {
			t.Parallel()
			if v.Theirs != nil && *v.Theirs != v.Want {
				t.Fatalf("the file contradicts itself: theirs %v, want %v", *v.Theirs, v.Want)
			}
			s := compile(t, v.route())
			got := s.Check(head("POST", v.Headers...), []byte(v.Body), time.Unix(v.Now, 0))
			if (got.Action == Accept) != v.Want {
				t.Errorf("got %s %d %q, want accepted: %v", got.Action, got.Code, got.Reason, v.Want)
			}
			if !v.Want && got.Code != 401 {
				t.Errorf("got code %d, want 401", got.Code)
			}
		})
	}
}
