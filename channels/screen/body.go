package screen

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"holdfast/channels"
)

const (
	// MaxID is the longest id kept as it is, in bytes. A longer one is kept as its SHA-256 in hex: still the same for
	// the same id, and small enough for a key.
	MaxID = 256
	// MaxDepth is how deeply a document may be nested. No platform comes near; what reads documents recurses.
	MaxDepth = 512
)

// forms says how a document may arrive.
type forms struct {
	json   bool
	fields []string // of an URL-encoded form, in order of preference
}

// compileForms joins the forms of a route; a route that names none takes JSON.
func compileForms(in []channels.Form) forms {
	out := forms{json: len(in) == 0}
	for _, f := range in {
		if len(f.Fields) == 0 {
			out.json = true
		}
		out.fields = append(out.fields, f.Fields...)
	}
	return out
}

// document returns the JSON document in a body, as a part of it where it stands there as it is, or why there is none.
//
// The body decides and the content type only helps: senders say text/plain or urlencoded and post JSON. No form
// begins like a JSON object, because in a form a brace is escaped.
func (f forms) document(body []byte, contentType string) (doc []byte, reason string) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, ReasonEmpty
	}
	if looksLikeJSON(body) {
		if !f.json {
			return nil, ReasonNotJSON
		}
		if reason := faulty(body); reason != "" {
			return nil, reason
		}
		return body, ""
	}
	if len(f.fields) == 0 || saysJSON(contentType) {
		return nil, ReasonNotJSON
	}
	return f.fromForm(body)
}

// fromForm takes the document out of an URL-encoded form.
func (f forms) fromForm(body []byte) (doc []byte, reason string) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, ReasonNotJSON
	}
	i := slices.IndexFunc(f.fields, values.Has)
	if i < 0 {
		return nil, ReasonNotJSON
	}
	doc = bytes.TrimSpace([]byte(values.Get(f.fields[i])))
	if len(doc) == 0 {
		return nil, ReasonEmpty
	}
	if !looksLikeJSON(doc) {
		return nil, ReasonNotJSON
	}
	if reason := faulty(doc); reason != "" {
		return nil, reason
	}
	return doc, ""
}

// looksLikeJSON tells whether a trimmed body begins like a document. A bare number or text is valid JSON and no
// document: no path selects anything in it.
func looksLikeJSON(body []byte) bool { return body[0] == '{' || body[0] == '[' }

// saysJSON tells whether a content type claims JSON, so that what is not JSON is not tried as a form.
func saysJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// faulty says what is wrong with a document, empty if nothing is. Depth comes first: the validator recurses, and a
// stack that overflows ends the process.
func faulty(doc []byte) string {
	switch {
	case !utf8.Valid(doc):
		return ReasonNotUTF8
	case tooDeep(doc):
		return ReasonTooDeep
	case !gjson.ValidBytes(doc):
		return ReasonNotJSON
	}
	return ""
}

// tooDeep counts brackets outside of texts.
func tooDeep(doc []byte) bool {
	depth := 0
	for i := 0; i < len(doc); i++ {
		switch doc[i] {
		case '"':
			i += restOfText(doc[i+1:])
		case '{', '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// restOfText is how long a text is whose opening quote was before doc, with its closing one. Most of a message is one text,
// and quotes are found many bytes at a time.
func restOfText(doc []byte) int {
	for end := 0; ; {
		quote := bytes.IndexByte(doc[end:], '"')
		if quote < 0 {
			return len(doc)
		}
		end += quote + 1
		escaped := false
		for i := end - 2; i >= 0 && doc[i] == '\\'; i-- {
			escaped = !escaped
		}
		if !escaped {
			return end
		}
	}
}

// skipped tells whether any match holds for the document.
func skipped(matches []channels.Match, doc []byte) bool {
	return slices.ContainsFunc(matches, func(m channels.Match) bool {
		value := gjson.GetBytes(doc, m.Path)
		if !value.Exists() {
			return false
		}
		text := value.String()
		return slices.Contains(m.In, text) || (len(m.NotIn) > 0 && !slices.Contains(m.NotIn, text))
	})
}

// selectID finds the platform's id. A header that is there twice, and a value that is no text or number, is no id.
func selectID(s channels.Selector, h Head, doc []byte) string {
	if name := s.Header; name != "" {
		if strings.EqualFold(name, "webhook-id") {
			name = family(h) + "id"
		}
		if value, n := h.header(name); n == 1 {
			return boundID(strings.Clone(value))
		}
	}
	if s.Path == "" {
		return ""
	}
	value := gjson.GetBytes(doc, s.Path)
	if value.Type != gjson.String && value.Type != gjson.Number {
		return ""
	}
	return boundID(value.String())
}

// boundID keeps an id within MaxID.
func boundID(id string) string {
	if len(id) <= MaxID {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "sha256:" + hex.EncodeToString(sum[:])
}
