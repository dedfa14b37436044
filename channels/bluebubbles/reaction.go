package bluebubbles

import (
	"regexp"
	"strings"
	"unicode"

	"holdfast/channels"
)

// tapbacks are the six named reactions. The server knows some only by number; a leading "-" or a number that begins
// with 3 takes one back.
var tapbacks = map[string]string{
	"love": "❤️", "like": "👍", "dislike": "👎", "laugh": "😂", "emphasize": "‼️", "question": "❓",
	"2000": "❤️", "2001": "👍", "2002": "👎", "2003": "😂", "2004": "‼️", "2005": "❓",
	"2007": "sticker", "1000": "sticker", "sticker": "sticker",
}

// spoken are tapbacks that came as a text, as phones write them where the service knows no reactions.
var spoken = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`^Loved “(?s:.*)”$`), "❤️"},
	{regexp.MustCompile(`^Liked “(?s:.*)”$`), "👍"},
	{regexp.MustCompile(`^Disliked “(?s:.*)”$`), "👎"},
	{regexp.MustCompile(`^Laughed at “(?s:.*)”$`), "😂"},
	{regexp.MustCompile(`^Emphasized “(?s:.*)”$`), "‼️"},
	{regexp.MustCompile(`^Questioned “(?s:.*)”$`), "❓"},
	{regexp.MustCompile(`^Removed (a|an) (heart|like|dislike|laugh|exclamation|question mark) from “(?s:.*)”$`), "removed a reaction"},
}

// reaction tells whether the record is a tapback, and which.
func (r record) reaction() (channels.Arrival, bool) {
	a := r.base(channels.Reaction)
	a.Target = r.associated
	switch {
	case r.association != "" && r.association != "0" && !r.isPreview():
		a.Text = r.tapback()
	case r.association == "" && r.overSMS():
		for _, s := range spoken {
			if s.pattern.MatchString(r.text) {
				a.Text = s.text
			}
		}
	}
	return a, a.Text != ""
}

// tapback names the reaction. An emoji of the sender's choice is only in the text.
func (r record) tapback() string {
	kind, removed := strings.CutPrefix(r.association, "-")
	if len(kind) == 4 && kind[0] == '3' {
		kind, removed = "2"+kind[1:], true
	}
	text := tapbacks[kind]
	for _, other := range []string{r.emoji, firstEmoji(r.text), r.text, "a change in an app"} {
		if text == "" {
			text = other
		}
	}
	if removed {
		return "removed " + text
	}
	return text
}

// overSMS: the sender's phone had no other way than text. Over iMessage a text that looks like a tapback is a text.
func (r record) overSMS() bool {
	service, _, _ := strings.Cut(r.chat, ";")
	for _, s := range []string{r.service, service} {
		if strings.EqualFold(s, "SMS") || strings.EqualFold(s, "RCS") {
			return true
		}
	}
	return false
}

// firstEmoji is the first pictograph of a text with what belongs to it: skin tone, joined parts, variation selector.
func firstEmoji(text string) string {
	var out strings.Builder
	joined := false
	for _, c := range text {
		picture := unicode.Is(unicode.So, c)
		mark := c == 0x200D || c == 0xFE0F || c >= 0x1F3FB && c <= 0x1F3FF || c >= 0xE0020 && c <= 0xE007F
		flag := c >= 0x1F1E6 && c <= 0x1F1FF
		switch {
		case out.Len() == 0 && !picture:
			continue
		case out.Len() > 0 && !mark && !joined && !(flag && out.Len() == 4):
			return out.String()
		}
		joined = c == 0x200D
		out.WriteRune(c)
	}
	return out.String()
}
