package reload

import (
	"errors"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/config"
	"holdfast/config/edit"
)

// editsMost is how many changes of the configuration file may wait behind the one that is being written.
const editsMost = 16

type (
	// editing is an Edit and who waits for it; the first one is being written.
	editing struct {
		order Edit
		from  kit.Return
	}
	// writing is the job of an Edit. Its value is a written.
	writing struct {
		order Edit
		as    load // how the result is judged
	}
	// written is what the file says after an Edit, or would say after a dry one.
	written struct {
		result    edit.Result
		candidate *Candidate
	}
)

// edit writes a change, or queues it behind the one that is being written.
func (s State) edit(m Edit, from kit.Return) (State, []kit.Effect) {
	if len(s.edits) > editsMost {
		return s, []kit.Effect{kit.Answer{To: from, Msg: Edited{Err: ErrBusy}}}
	}
	s.edits = append(slices.Clip(s.edits), editing{m, from})
	if len(s.edits) > 1 {
		return s, nil
	}
	return s, s.write()
}

// write begins the first change of the queue, if there is one.
func (s State) write() []kit.Effect {
	if len(s.edits) == 0 {
		return nil
	}
	return []kit.Effect{kit.Do{Job: writing{s.edits[0].order, s.listening()}, Tag: s.edits[0]}}
}

// wrote answers a change that wrote nothing, and wishes for a reload after one that did. The next one need not wait for that
// reload: its base says which file it means.
func (s State) wrote(t editing, m kit.Done, now time.Time) (State, []kit.Effect) {
	s.edits = s.edits[1:]
	effects := s.write()
	got, fits := m.Msg.(written)
	out := Edited{Result: got.result, Dry: t.order.Options.Dry, Err: m.Err}
	switch {
	case out.Err != nil:
	case !fits:
		out.Err = errors.New("a bug: the write says nothing")
	case out.Dry:
		plan := Difference(s.Applied, got.candidate, s.Revision, s.Generation)
		out.Plan = &plan
	case len(got.result.Changed) > 0:
		s.Judged = got.candidate // the reload finds what was judged before it was written
		effects = append(effects, kit.Note{
			Level: zerolog.InfoLevel, Text: "the configuration file was changed",
			Fields: []any{"paths", got.result.Changed, "caller", t.order.Caller},
		})
		s, more := s.wish(wish{caller: t.order.Caller, from: t.from, edited: &out}, now)
		return s, append(effects, more...)
	}
	return s, append(effects, kit.Answer{To: t.from, Msg: out})
}

// answer is what whoever wished for a reload hears of it.
func (w wish) answer(r *Report) any {
	if w.edited == nil {
		return *r
	}
	out := *w.edited
	out.Report = r
	return out
}

// SchemaParts are the settings of everything that this binary knows, for the schema of a configuration and for what may be
// shown of one.
func (k Kinds) SchemaParts() config.SchemaParts {
	parts := config.SchemaParts{Channels: map[string]any{}, Agents: map[string]any{}, Plugins: map[string]any{}}
	for _, p := range k.Plugins {
		parts.Plugins[p.Name] = p.Defaults() // nil for one that takes none
		for _, kind := range p.Kinds() {
			parts.Channels[kind.Name] = kind.Settings()
		}
	}
	for _, kind := range k.Agents {
		parts.Agents[kind.Name] = kind.Settings()
	}
	return parts
}

// File is the configuration file with the secrets of these kinds masked. It is for reading: writes are Edits.
func (k Kinds) File(src config.Source, environ []string) edit.File {
	return edit.File{Source: src, Secrecy: config.SecrecyOf(k.SchemaParts()), Environ: environ}
}

// write does the job of an Edit: the result is judged as a reload would judge it, before it is saved.
func (o Options) write(job writing) (written, error) {
	var out written
	file := o.Kinds.File(o.Source, o.Environ)
	file.Check = func(content []byte) (problems config.Problems) {
		out.candidate, problems = Read(o.Source.With(content), o.Environ, o.Kinds, job.as.address)
		return problems
	}
	var err error
	if job.order.Patch {
		out.result, err = file.Patch(job.order.Value, job.order.Options)
	} else {
		out.result, err = file.Set(job.order.Path, job.order.Value, job.order.Options)
	}
	return out, err
}
