package control

import (
	"bytes"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"holdfast/actors/registry"
)

// compiled is the schema of a method's params or result; nil if it has none.
func compiled(t testing.TB, raw []byte) *jsonschema.Schema {
	t.Helper()
	if raw == nil {
		return nil
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("the schema is not JSON: %v", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("mem:///schema", doc); err != nil {
		t.Fatalf("the schema is none: %v", err)
	}
	s, err := c.Compile("mem:///schema")
	if err != nil {
		t.Fatalf("the schema is not valid: %v", err)
	}
	return s
}

// method finds a method of the core's table.
func method(t testing.TB, name string) registry.Method {
	t.Helper()
	for _, m := range Methods(self) {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("there is no method %s", name)
	return registry.Method{}
}

// fits fails the test unless a result is what its method promises.
func fits(t testing.TB, name string, result []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(result))
	if err != nil {
		t.Fatalf("the result of %s is not JSON: %v", name, err)
	}
	if err := compiled(t, method(t, name).Result).Validate(doc); err != nil {
		t.Errorf("the result of %s is not what its schema says: %v\n%s", name, err, result)
	}
}

func TestEveryMethodSaysWhatItTakesAndGives(t *testing.T) {
	last := ""
	for _, m := range Methods(self) {
		if m.Name <= last {
			t.Errorf("%s stands behind %s", m.Name, last)
		}
		last = m.Name
		if m.Help == "" || m.Owner != self || m.Result == nil {
			t.Errorf("%+v lacks something", m)
		}
		compiled(t, m.Result)
		compiled(t, m.Params)
		if takes := handlers[m.Name].params != nil; takes != (m.Params != nil) {
			t.Errorf("%s takes params: %t", m.Name, takes)
		}
	}
	if len(handlers) != len(Methods(self)) {
		t.Error("a method is missing")
	}
}

func TestLaw2_WhatReadsSaysSo(t *testing.T) {
	want := []string{
		"channels.list", "config.get", "config.schema", "config.schema.lookup", "journal.ls", "journal.show", "journal.stats", "journal.verify", "pairing.list", "plan", "plugins.list", "routes",
		"rpc.discover", "status", "tree",
	}
	var got []string
	for _, m := range Methods(self) {
		if m.Reads {
			got = append(got, m.Name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("these say that they change nothing: %v, want %v", got, want)
	}
}

// What the schema of the params admits is understood, and the other way round for the questions above.
func TestParamsThatAreUnderstoodFitTheirSchema(t *testing.T) {
	for _, q := range questions {
		if q.params == "" || q.params == "null" || method(t, q.method).Params == nil {
			continue
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(q.params)))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled(t, method(t, q.method).Params).Validate(doc); err != nil {
			t.Errorf("%s: %v", q.name, err)
		}
	}
}
