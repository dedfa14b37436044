package explore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"holdfast/actors/kit"
	"holdfast/actors/reload"
	"holdfast/config/edit"
)

// change is what the operator has the gateway write. What it makes of the file is one of the versions.
type change struct {
	path  string
	value string // JSON
}

// asked is what the operator has the gateway do to the file.
func (c change) asked(base string) reload.Edit {
	return reload.Edit{Path: c.path, Value: []byte(c.value), Options: edit.Options{Base: base}, Caller: "operator"}
}

// became tells the operator, at once, which version of the file is there now.
type became struct{ version int }

// edited is what one write came to.
type edited struct {
	msg     any
	err     error
	version int
}

// write ends a job that changes the file: as it would be done to the version that is there.
func (v *versions) write(version int, job any) []Way {
	key := fmt.Sprintf("%d %+v", version, reflect.ValueOf(job))
	v.mu.Lock()
	defer v.mu.Unlock()
	e, known := v.edits[key]
	if !known {
		e = v.change(version, job)
		v.edits[key] = e
	}
	if e.err != nil {
		return []Way{{Done: kit.Done{Msg: e.msg, Err: e.err}, Text: "it is refused"}}
	}
	return []Way{
		{
			Done: kit.Done{Msg: e.msg}, Text: fmt.Sprintf("it is version %d now", e.version),
			Effects: []kit.Effect{kit.Tell{To: operatorAt, Msg: became{e.version}}},
		},
		{Done: kit.Done{Err: errDisk}, Fault: disk, Text: "the file cannot be written"},
	}
}

// change has the real job done to a file of its own.
func (v *versions) change(version int, job any) edited {
	dir, err := os.MkdirTemp("", "explore-")
	if err != nil {
		return edited{err: err}
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "world.yaml")
	if err := os.WriteFile(file, []byte(v.texts[version]), 0o600); err != nil {
		return edited{err: err}
	}
	o := v.options[version]
	o.Source = v.base
	o.Source.Path = file
	msg, err := o.Work()(context.Background(), job)
	if err != nil {
		return edited{msg: msg, err: err}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return edited{err: err}
	}
	now := slices.Index(v.texts, string(text))
	if now < 0 {
		panic("a change makes none of the versions of the file:\n" + string(text))
	}
	return edited{msg: msg, version: now}
}
