package webhook

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"holdfast/channels/channeltest"
)

func TestTheContractWithACallback(t *testing.T) {
	channeltest.Run(t, Kind(), channeltest.Fake{Peer: callbackPeer, Environ: environ, Requests: requests})
}

func TestTheContractWithoutACallback(t *testing.T) {
	channeltest.Run(t, Kind(), channeltest.Fake{Environ: environ, Requests: requests, Peer: func(*testing.T) channeltest.Peer {
		return channeltest.Peer{Settings: `{"auth":{"type":"bearer","secret":"` + channeltest.Canary + `"}}`, Conversation: "c"}
	}})
}

var environ = []string{"HOOK_SECRET=sesame"}

var requests = []channeltest.Request{
	{Name: "a message", Body: `{"id":"m-1","conversation":"c","sender":"bob","name":"Bob","text":"hello"}`, Arrivals: 1},
	{Name: "the least", Body: `{"text":"hello"}`, Arrivals: 1},
	{Name: "no text", Body: `{"id":"m-1"}`, Arrivals: channeltest.Unusable},
}

// callbackPeer is a server that callbacks are posted to.
func callbackPeer(t *testing.T) channeltest.Peer {
	t.Helper()
	var contacts, sent atomic.Int64
	hang, ended := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		contacts.Add(1)
		select {
		case <-hang:
			select {
			case <-r.Context().Done():
			case <-ended:
			}
		default:
			sent.Add(1)
		}
	}))
	t.Cleanup(func() { close(ended); server.Close() })
	return channeltest.Peer{
		Settings: `{"auth":{"type":"standard","secrets":["` + channeltest.Canary + `"]},"callbackUrl":"` + server.URL + `/answers?token=` +
			channeltest.Canary + `","callbackSecret":"` + channeltest.Canary + `"}`,
		Conversation: "c", SendsOnly: true,
		Contacts: func() int { return int(contacts.Load()) },
		Sent:     func() int { return int(sent.Load()) },
		Down:     server.Close,
		Hang:     func() { close(hang) },
	}
}
