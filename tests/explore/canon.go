package explore

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"holdfast/actors/registry"
)

// form is the canonical form of one value: a hash of all that is fixed, and its numbers in the order of their places.
type form struct {
	fixed digest
	slots []slot
}

// slot is a number whose value means nothing by itself.
type slot struct {
	domain  uint64
	value   uint64
	ordered bool // compared by size; else only for equality
}

// has tells whether a number occurs in the form.
func (f form) has(s slot) bool {
	return slices.ContainsFunc(f.slots, func(o slot) bool { return o.domain == s.domain && o.value == s.value })
}

// compare is any fixed order of forms that does not change when numbers are renamed in their order.
func (f form) compare(o form) int {
	if c := slices.Compare(f.fixed[:], o.fixed[:]); c != 0 {
		return c
	}
	return slices.CompareFunc(f.slots, o.slots, func(a, b slot) int { return cmp.Compare(a.value, b.value) })
}

// writer makes a form.
type writer struct {
	form
	canon *canon
	scope uint64 // whose numbers are being written
}

func (w *writer) number(domain uint64, value uint64, ordered bool) {
	w.fixed.word(domain)
	if value == 0 {
		w.fixed.word(0) // 0 is none everywhere
		return
	}
	w.fixed.word(1)
	w.slots = append(w.slots, slot{domain, value, ordered})
}

// encoder writes one value of the type that it was made for.
type encoder func(w *writer, v reflect.Value)

// canon makes canonical forms by reflection. Rules say what is left out and what is a number.
type canon struct {
	skip    map[string]bool    // package.Type.field or package.*.field
	numbers map[string]number  // likewise
	types   map[string]encoder // package.Type, without parameters: written by hand
	used    map[string]bool    // rules that met a field
	made    map[reflect.Type]encoder
	words   map[string]string             // what stands for a text that is another in every process
	lets    map[*registry.Endpoint]string // what endpoints admit
	mu      sync.RWMutex
}

// number says what a field's number is.
type number struct {
	domain  string
	scoped  bool // each account counts for itself
	ordered bool
}

// of is the canonical form of a value.
func (c *canon) of(v any) form {
	w := writer{canon: c}
	c.write(&w, v)
	return w.form
}

func (c *canon) write(w *writer, v any) {
	if v == nil {
		w.fixed.word(0)
		return
	}
	t := reflect.TypeOf(v)
	w.fixed.text(typeName(t))
	c.encoder(t)(w, reflect.ValueOf(v))
}

// typeName is package.Type; what has no name is written out.
func typeName(t reflect.Type) string {
	if t.Name() == "" {
		return t.String()
	}
	path := t.PkgPath()
	return path[strings.LastIndexByte(path, '/')+1:] + "." + t.Name()
}

func (c *canon) encoder(t reflect.Type) encoder {
	c.mu.RLock()
	e := c.made[t]
	c.mu.RUnlock()
	if e != nil {
		return e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.make(t)
}

// make is called with the lock held. Types may contain themselves: the entry stands before its parts are made.
func (c *canon) make(t reflect.Type) encoder {
	if e := c.made[t]; e != nil {
		return e
	}
	var inner encoder
	c.made[t] = func(w *writer, v reflect.Value) { inner(w, v) }
	inner = c.build(t)
	c.made[t] = inner
	return inner
}

func (c *canon) build(t reflect.Type) encoder {
	name, _, _ := strings.Cut(typeName(t), "[") // what a generic type is made of, its entries say
	if e := c.types[name]; e != nil {
		c.used[name] = true
		return e
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(w *writer, v reflect.Value) {
			if v.Bool() {
				w.fixed.word(1)
			} else {
				w.fixed.word(2)
			}
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(w *writer, v reflect.Value) { w.fixed.word(uint64(v.Int())) }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(w *writer, v reflect.Value) { w.fixed.word(v.Uint()) }
	case reflect.Float32, reflect.Float64:
		return func(w *writer, v reflect.Value) { w.fixed.word(uint64(v.Float() * 1024)) }
	case reflect.String:
		return func(w *writer, v reflect.Value) { w.named(v.String()) }
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return func(*writer, reflect.Value) {}
	case reflect.Interface:
		return func(w *writer, v reflect.Value) { w.dynamic(v) }
	case reflect.Pointer:
		return c.pointer(t)
	case reflect.Slice, reflect.Array:
		return c.list(t)
	case reflect.Map:
		return mapping
	case reflect.Struct:
		return c.record(t)
	default:
		panic(fmt.Sprintf("no canonical form for %s", t))
	}
}

func (w *writer) dynamic(v reflect.Value) {
	if v.IsNil() {
		w.fixed.word(0)
		return
	}
	v = v.Elem()
	w.fixed.text(typeName(v.Type()))
	w.canon.encoder(v.Type())(w, v)
}

func (c *canon) pointer(t reflect.Type) encoder {
	inner := c.make(t.Elem())
	return func(w *writer, v reflect.Value) {
		if v.IsNil() {
			w.fixed.word(0)
			return
		}
		w.fixed.word(1)
		inner(w, v.Elem())
	}
}

// list: nil and empty are the same.
func (c *canon) list(t reflect.Type) encoder {
	inner := c.make(t.Elem())
	return func(w *writer, v reflect.Value) {
		w.fixed.word(uint64(v.Len()))
		for i := range v.Len() {
			inner(w, v.Index(i))
		}
	}
}

func mapping(w *writer, v reflect.Value) {
	var entries []form
	for i := v.MapRange(); i.Next(); {
		entries = append(entries, w.entry(i.Key(), i.Value()))
	}
	w.entries(entries)
}

func (w *writer) entry(key, value reflect.Value) form {
	one := writer{canon: w.canon, scope: w.scope}
	w.canon.encoder(key.Type())(&one, key)
	w.canon.encoder(value.Type())(&one, value)
	return one.form
}

// entries are written in the order of their own forms, so that the names of keys that are numbers do not matter.
func (w *writer) entries(all []form) {
	w.fixed.word(uint64(len(all)))
	slices.SortFunc(all, form.compare)
	for _, e := range all {
		w.form.append(e)
	}
}

// field is one part of a struct that is written.
type field struct {
	index  int
	encode encoder
}

func (c *canon) record(t reflect.Type) encoder {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		exact, any := typeName(t)+"."+f.Name, strings.Split(typeName(t), ".")[0]+".*."+f.Name
		skipped := false
		for _, rule := range []string{exact, any} {
			if c.skip[rule] {
				c.used[rule], skipped = true, true
			}
		}
		if skipped {
			continue
		}
		e := c.make(f.Type)
		for _, rule := range []string{any, exact} {
			if n, is := c.numbers[rule]; is {
				c.used[rule] = true
				e = n.encoder(f.Type)
			}
		}
		fields = append(fields, field{i, e})
	}
	scope := scoping(t)
	return func(w *writer, v reflect.Value) {
		old := w.scope
		if scope != nil {
			w.scope = nameOf(accountName(v.FieldByIndex(scope).String()))
		}
		for _, f := range fields {
			f.encode(w, v.Field(f.index))
		}
		w.scope = old
	}
}

// encoder writes a number, or each of a list of them.
func (n number) encoder(t reflect.Type) encoder {
	domain := nameOf(n.domain)
	one := func(w *writer, v reflect.Value) {
		if n.scoped {
			w.number(domain^w.scope, v.Uint(), n.ordered)
		} else {
			w.number(domain, v.Uint(), n.ordered)
		}
	}
	if t.Kind() != reflect.Slice {
		return one
	}
	return func(w *writer, v reflect.Value) {
		w.fixed.word(uint64(v.Len()))
		for i := range v.Len() {
			one(w, v.Index(i))
		}
	}
}
