package bluebubbles

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"holdfast/channels"
)

// story is a set of records of one message. They may reach us in any order, each any number of times.
type story struct {
	name    string
	records []string // files of testdata
	turns   int      // messages with an effect, in every order
	check   func(effects []channels.Arrival) error
}

var stories = []story{
	{"a text and its updates are one turn and nothing else", []string{"message_direct", "update_read", "type_absent"}, 1, only},
	{"an edit is heard once, in the message or after it", []string{"message_direct", "update_edit", "edit_after_an_hour", "update_read"}, 1, editOnce},
	{"an attachment is heard once, in the message or after it", []string{"message_picture", "update_with_late_picture", "message_picture_announced_without_it"}, 1, pictureOnce},
	{"two attachments and the row of the table bring each once", []string{"message_two_pictures_and_text", "message_picture", "update_read"}, 1, eachPictureOnce},
	{"a message taken back is at most one turn, and none after it was taken back", []string{"message_direct", "update_unsend", "unsend_repeated_after_an_hour"}, -1, backLast},
	{"a tapback is one reaction", []string{"tapback_love", "tapback_update"}, 0, only},
}

func only(effects []channels.Arrival) error {
	if len(effects) != 1 {
		return fmt.Errorf("want one effect, got %+v", effects)
	}
	return nil
}

func editOnce(effects []channels.Arrival) error {
	text := ""
	for _, a := range effects {
		if a.Text == "see you at seven" && text == a.Text {
			return fmt.Errorf("the edit is told twice: %+v", effects)
		}
		text = a.Text
	}
	if text != "see you at seven" {
		return fmt.Errorf("the last word is %q", text)
	}
	return nil
}

func pictureOnce(effects []channels.Arrival) error { return pictures(effects, 1) }

func eachPictureOnce(effects []channels.Arrival) error { return pictures(effects, 2) }

func pictures(effects []channels.Arrival, want int) error {
	seen := map[string]int{}
	for _, a := range effects {
		for _, file := range a.Attachments {
			seen[file.ID]++
			if seen[file.ID] > 1 {
				return fmt.Errorf("%s is told twice: %+v", file.ID, effects)
			}
		}
	}
	if len(seen) != want {
		return fmt.Errorf("want %d attachments, got %v", want, seen)
	}
	return nil
}

func backLast(effects []channels.Arrival) error {
	last := effects[len(effects)-1]
	if last.Kind != channels.Retraction || len(effects) > 2 {
		return fmt.Errorf("want the retraction last, after at most one message, got %+v", effects)
	}
	return nil
}

func TestTheOrderOfRecordsDoesNotMatter(t *testing.T) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			for _, order := range permutations(len(s.records)) {
				var names []string
				claims := map[string]bool{}
				var effects []channels.Arrival
				for _, i := range order {
					names = append(names, s.records[i])
					effects = append(effects, decide(claims, interpreted(t, s.records[i]))...)
				}
				told := strings.Join(names, ", ")
				turns := 0
				for _, a := range effects {
					if a.Kind == channels.Message {
						turns++
					}
				}
				if s.turns >= 0 && turns != s.turns {
					t.Fatalf("%s: %d turns, want %d", told, turns, s.turns)
				}
				if err := s.check(effects); err != nil {
					t.Fatalf("%s: %v", told, err)
				}
				for _, name := range s.records {
					if more := decide(claims, interpreted(t, name)); len(more) > 0 {
						t.Fatalf("%s: the repeat of %s has an effect: %+v", told, name, more)
					}
				}
			}
		})
	}
}

func interpreted(t *testing.T, name string) []channels.Arrival {
	t.Helper()
	body, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	arrivals, err := interpret(newSettings(), request(channels.FormWebhook, body))
	if err != nil {
		t.Fatal(err)
	}
	return arrivals
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var out [][]int
	for _, shorter := range permutations(n - 1) {
		for at := 0; at <= len(shorter); at++ {
			p := append([]int(nil), shorter[:at]...)
			p = append(p, n-1)
			out = append(out, append(p, shorter[at:]...))
		}
	}
	return out
}
