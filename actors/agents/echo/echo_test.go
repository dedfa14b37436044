package echo

import (
	"testing"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/backend/backendtest"
	"holdfast/channels"
)

func TestContract(t *testing.T) {
	backendtest.Run(t, Kind(), backendtest.Fake{
		Settings: func(string, string) string { return `{"kind":"echo","prefix":"You said: "}` },
	})
}

func TestTurn(t *testing.T) {
	photo := channels.Attachment{Name: "photo.jpg"}
	lost := channels.Attachment{Name: "lost.pdf", Gone: "larger than 8 MiB"}
	for _, c := range []struct {
		name   string
		prefix string
		turn   backend.Turn
		want   string
	}{
		{"text comes back as it was", "", backend.Turn{Text: " hello\n"}, " hello\n"},
		{"the prefix stands in front", "echo: ", backend.Turn{Text: "hello"}, "echo: hello"},
		{"attachments are named after the text", "", backend.Turn{Text: "look", Attachments: []channels.Attachment{photo, lost}}, "look\n[photo.jpg]\n[lost.pdf: larger than 8 MiB]"},
		{"an attachment alone is named", "> ", backend.Turn{Attachments: []channels.Attachment{photo}}, "> [photo.jpg]"},
		{"nothing gets no answer", "> ", backend.Turn{Context: []string{"Bob left"}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Kind().Settings().(*Settings)
			s.Prefix = c.prefix
			got, err := Kind().Open(s, backend.Env{}).Turn(t.Context(), c.turn)
			if err != nil || got.Text != c.want {
				t.Errorf("got %q, %v, want %q", got.Text, err, c.want)
			}
		})
	}
}
