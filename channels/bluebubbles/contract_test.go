package bluebubbles

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"holdfast/channels/bluebubbles/bluebubblestest"
	"holdfast/channels/channeltest"
)

func TestTheContract(t *testing.T) {
	read := func(name string) string {
		body, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(body), "1767225600250", "null") // no date, so that it is never too old
	}
	channeltest.Run(t, Kind(), channeltest.Fake{
		Environ: []string{"BLUEBUBBLES_PASSWORD=sesame"},
		Peer:    contractPeer,
		Requests: []channeltest.Request{
			{Name: "a message", Body: read("message_direct"), Arrivals: 1},
			{Name: "a message with a picture", Body: read("message_picture"), Arrivals: 2},
			{Name: "a tapback", Body: read("tapback_love"), Arrivals: 1},
			{Name: "a row", Form: formRow, Body: read("row_with_originals"), Arrivals: 3},
			{Name: "our own message", Body: read("own_typed_on_mac"), Arrivals: 0},
			{Name: "no guid", Body: read("guid_missing"), Arrivals: channeltest.Unusable},
			{Name: "no message", Body: read("data_missing"), Arrivals: channeltest.Unusable},
		},
	})
}

func contractPeer(t *testing.T) channeltest.Peer {
	t.Helper()
	mac := bluebubblestest.New(bluebubblestest.Options{Password: channeltest.Canary})
	if err := mac.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mac.Close()
		if faults := mac.Faults(); len(faults) > 0 {
			t.Errorf("the server saw faults: %s", strings.Join(faults, "; "))
		}
	})
	settings := func(password string) string {
		return fmt.Sprintf("serverUrl: %s\npassword: %q\n", mac.URL(), password)
	}
	return channeltest.Peer{
		Settings: settings(channeltest.Canary), Refused: settings("wrong" + channeltest.Canary), Conversation: direct,
		Contacts: func() int {
			n := 0
			for _, count := range mac.Requests() {
				n += count
			}
			return n
		},
		Sent:  func() int { return len(mac.Sent()) },
		Down:  mac.Stop,
		Hang:  mac.Hang,
		Bring: func() { mac.Receive(direct, peerID, "brought") },
	}
}
