package console

import (
	"testing"

	"holdfast/channels"
	"holdfast/channels/channeltest"
)

// kind is that of a fresh instance.
func kind() channels.Kind { return Plugin().Kinds()[0] }

func TestTheContract(t *testing.T) {
	channeltest.Run(t, kind(), channeltest.Fake{
		Peer: func(*testing.T) channeltest.Peer { return channeltest.Peer{Settings: "{}", Conversation: "c"} },
		Requests: []channeltest.Request{
			{Name: "a line", Form: form, Body: `{"conversation":"c","text":"hello"}`, Arrivals: 1},
			{Name: "the least", Form: form, Body: `{"text":"hello"}`, Arrivals: 1},
			{Name: "no text", Form: form, Body: `{"conversation":"c"}`, Arrivals: channeltest.Unusable},
			{Name: "a line that somebody posted", Body: `{"text":"hello"}`, Arrivals: channeltest.Unusable},
		},
	})
}
