package bluebubbles

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/channels"
)

var update = flag.Bool("update", false, "write the golden files anew")

// accepted is when the requests of the golden files came in.
var accepted = time.Date(2026, 1, 1, 0, 2, 0, 0, time.UTC)

func request(form string, body []byte) channels.Request {
	return channels.Request{Seq: 7, Account: "bluebubbles:home", At: accepted, Form: form, Body: body}
}

// TestInterpretGolden: every file of testdata is a webhook, or a row where its name says so; the golden file beside
// it has the arrivals.
func TestInterpretGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			form := channels.FormWebhook
			if strings.HasPrefix(name, "row_") {
				form = formRow
			}
			compareGolden(t, strings.TrimSuffix(file, ".json")+".golden", render(interpret(newSettings(), request(form, body))))
		})
	}
}

func render(arrivals []channels.Arrival, err error) []byte {
	if err != nil {
		return []byte("error: " + err.Error() + "\n")
	}
	out, err := json.MarshalIndent(arrivals, "", " ")
	if err != nil {
		panic(err)
	}
	return append(out, '\n')
}

func compareGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s\n got: %s\nwant: %s", file, got, want)
	}
}

func TestAnUnknownFormIsAnError(t *testing.T) {
	if _, err := interpret(newSettings(), request("letter", []byte(`{}`))); err == nil {
		t.Fatal("got no error")
	}
}

// FuzzInterpret: no body makes it panic, and what it says is fit for the journal.
func FuzzInterpret(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, form := range []string{channels.FormWebhook, formRow} {
			arrivals, err := interpret(newSettings(), request(form, body))
			if err != nil && arrivals != nil {
				t.Fatal("an error and arrivals")
			}
			claims := map[string]bool{}
			for _, a := range arrivals {
				if a.ID == "" || a.Account == "" || a.Origin == 0 || a.Sender.ID == "" && !a.Incomplete || a.Conversation == "" && !a.Incomplete {
					t.Fatalf("unfit: %+v", a)
				}
				claims[a.Claim()] = true
			}
			again, err2 := interpret(newSettings(), request(form, body))
			if string(render(arrivals, err)) != string(render(again, err2)) {
				t.Fatal("the same body means two things")
			}
		}
	})
}
