package control

import (
	"encoding/json"
	"errors"

	"holdfast/actors/kit"
	"holdfast/actors/reload"
	"holdfast/channels"
	"holdfast/config"
	"holdfast/config/edit"
)

// Codes of errors of the methods that read and write the configuration. Their data says more: a SettingsFault.
const (
	CodeInvalid = -32010 // the configuration is not valid, or would not be: the problems are in the data
	CodeChanged = -32011 // it is not the one that base was read from: read it again
)

// SettingsFault is the data of an error of config.get, config.set and config.patch.
type SettingsFault struct {
	// Reason is a word that does not change: input, mask, absent, changed, readOnly, place, form, loss, invalid or busy.
	Reason   string          `json:"reason"`
	Problems config.Problems `json:"problems,omitempty"` // with the places in the file, or in the one that was refused
}

// settingsFaults says for each reason of a refusal whose fault it is. The first that fits counts.
var settingsFaults = []struct {
	is     error
	reason string
	code   int
}{
	{edit.ErrInput, "input", CodeParams},
	{edit.ErrMask, "mask", CodeParams},
	{edit.ErrAbsent, "absent", CodeFailed},
	{edit.ErrChanged, "changed", CodeChanged},
	{edit.ErrReadOnly, "readOnly", CodeFailed},
	{edit.ErrPlace, "place", CodeFailed},
	{edit.ErrForm, "form", CodeFailed},
	{edit.ErrLoss, "loss", CodeFailed},
	{edit.ErrInvalid, "invalid", CodeInvalid},
	{reload.ErrBusy, "busy", channels.CodeBusy},
}

// settingsFault gives an error its code and its data; nil stays nil.
func settingsFault(err error) error {
	if err == nil {
		return nil
	}
	out := &channels.CallError{Code: CodeFailed, Message: err.Error()}
	var data SettingsFault
	if errors.As(err, &data.Problems) {
		out.Code, data.Reason = CodeInvalid, "invalid"
	}
	for _, f := range settingsFaults {
		if errors.Is(err, f.is) {
			out.Code, data.Reason = f.code, f.reason
			break
		}
	}
	if data.Reason == "" {
		return out // a bug: its text is all there is
	}
	out.Data, _ = json.Marshal(data) // texts and numbers alone
	return out
}

func (w World) setting(m ConfigGetParams) (edit.Reading, error) {
	r, err := w.Config.Get(m.Path)
	return r, settingsFault(err)
}

func (w World) schema(None) (SchemaResult, error) {
	raw, err := w.Schema()
	return SchemaResult{raw}, err
}

func (w World) lookup(m ConfigGetParams) (edit.Part, error) {
	raw, err := w.Schema()
	if err != nil {
		return edit.Part{}, err
	}
	part, err := edit.Lookup(raw, m.Path)
	return part, settingsFault(err)
}

func askSet(p Places, m ConfigSetParams) (kit.Addr, any, error) {
	switch {
	case m.Path == nil:
		return kit.Addr{}, nil, errors.New(`path: want the place to change, such as log.level; "" is the whole file`)
	case m.Value == nil:
		return kit.Addr{}, nil, errors.New("value: want what is to stand there; null removes it")
	case m.Base == "":
		return kit.Addr{}, nil, errBase
	}
	return p.Reload, reload.Edit{Path: *m.Path, Value: m.Value, Options: edit.Options{Base: m.Base, Force: m.Force, Dry: m.DryRun}}, nil
}

func askPatch(p Places, m ConfigPatchParams) (kit.Addr, any, error) {
	switch {
	case m.Patch == nil:
		return kit.Addr{}, nil, errors.New(`patch: want an object that is merged into the file, such as {"log": {"level": "debug"}}; null removes`)
	case m.Base == "":
		return kit.Addr{}, nil, errBase
	}
	return p.Reload, reload.Edit{Patch: true, Value: m.Patch, Options: edit.Options{Base: m.Base, Force: m.Force, Dry: m.DryRun}}, nil
}

var errBase = errors.New("base: want the hash that config.get gave with what this change is based on")

func edited(m reload.Edited) (ConfigWriteResult, error) {
	if m.Err != nil {
		return ConfigWriteResult{}, settingsFault(m.Err)
	}
	out := ConfigWriteResult{
		Hash: m.Result.Hash, Changed: list(m.Result.Changed), Warnings: list(m.Result.Warnings), DryRun: m.Dry, Plan: planned(m.Plan),
	}
	if m.Report != nil {
		r, _ := reported(*m.Report)
		out.Report = &r
	}
	return out, nil
}
