package config

import (
	"regexp"
	"strconv"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

var jsonPlace = regexp.MustCompile(`line (\d+), column (\d+)`)

// readJSON reads JSON with comments and trailing commas. It returns nil if the text is not that.
func readJSON(name string, data []byte) (*value, Problems) {
	const want = "JSON with comments: keys and text in double quotes"
	if tooDeep(data) {
		return nil, Problems{{File: name, Line: 1, Col: 1, Got: "settings nested too deeply", Want: want}}
	}
	doc, err := hujson.Parse(data)
	if err != nil {
		p := Problem{File: name, Line: 1, Col: 1, Want: want}
		if m := jsonPlace.FindStringSubmatch(err.Error()); m != nil {
			p.Line, _ = strconv.Atoi(m[1])
			p.Col, _ = strconv.Atoi(m[2])
		}
		return nil, Problems{p}
	}
	r := &jsonReader{reader: reader{name: name}, data: data, line: 1}
	return r.value(&doc, nil), r.problems
}

// tooDeep bounds the recursion of the parser. Brackets in text count too; nobody nests or writes that many.
func tooDeep(data []byte) bool {
	depth := 0
	for _, c := range data {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth > maxDepth {
			return true
		}
	}
	return false
}

// jsonReader walks a document from front to back, so that lines are counted once.
type jsonReader struct {
	reader
	data              []byte
	line, start, seen int // the line, the offset where it starts, and up to where lines are counted
}

func (r *jsonReader) place(offset int) place {
	for ; r.seen < offset; r.seen++ {
		if r.data[r.seen] == '\n' {
			r.line++
			r.start = r.seen + 1
		}
	}
	return place{r.name, r.line, 1 + utf8.RuneCount(r.data[r.start:offset])}
}

func (r *jsonReader) value(n *hujson.Value, trail []string) *value {
	at := r.place(n.StartOffset)
	v := &value{at: at, key: at, trail: trail}
	switch n := n.Value.(type) {
	case *hujson.Object:
		v.shape = mapping
		for i := range n.Members {
			m := &n.Members[i]
			r.add(v, m.Name.Value.(hujson.Literal).String(), r.place(m.Name.StartOffset), func(trail []string) *value {
				return r.value(&m.Value, trail)
			})
		}
	case *hujson.Array:
		v.shape = list
		for i := range n.Elements {
			v.items = append(v.items, r.value(&n.Elements[i], v.below(item(i))))
		}
	case hujson.Literal:
		r.literal(n, v)
	}
	return v
}

func (r *jsonReader) literal(n hujson.Literal, v *value) {
	switch n.Kind() {
	case 't', 'f':
		v.shape, v.scalar = boolean, n.Bool()
	case '"':
		v.shape, v.scalar = text, n.String()
	case '0':
		if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
			v.shape, v.scalar = number, i
		} else if f, err := strconv.ParseFloat(string(n), 64); err == nil {
			v.shape, v.scalar = number, f
		} else {
			v.broken = true
			r.bad(v.at, v.trail, "", "a number that fits 64 bits")
		}
	}
}
