// Package registry owns the plugin state: which instances of which plugins there are, who uses them, and the one value
// that the edge reads. It is the only publisher of that value (Cell).
//
// Invariants: numbers of generations and leases only rise. Routes, methods, the settings of the edge, revision and generation
// become visible in one swap, and what is staged for the next one is seen by nobody before it. An instance drains when no
// live generation lists it and is freed when its last lease ends; until then its code may run. A lease is given on a live
// instance, or on a staged one to whoever proves it. The registry asks nobody.
package registry

import (
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// keptFreed is how many freed instances stay in the description, newest last.
const keptFreed = 8

// State is the registry's whole knowledge; Step never changes the one it is given.
type State struct {
	Generation uint64 // of the newest Install, published or not
	Revision   uint64 // live
	Live       uint64 // generation that is live
	Instances  []instance
	Routes     Routes  // live
	Table      uint64  // number of the live route table
	Methods    Methods // live
	Edge       Edge    // live
	Next       staged
	Leases     kit.Map[LeaseID, lease]
	holders    kit.Map[string, LeaseID] // the lease of each holder that has a name
	LastLease  LeaseID
	Freed      []Instance
	Published  time.Time
}

// staged is what the next publication makes live; what it leaves out stays as it is.
type staged struct {
	generation uint64 // 0: none was installed
	instances  []InstanceID
	routes     *StageRoutes
	methods    *Methods
}

type instance struct {
	id    InstanceID
	offer Offer
	live  bool
	held  int // leases on it
}

type lease struct {
	instance InstanceID
	holder   string
}

// publish is the registry's private effect: store the value in the Cell.
type publish struct{ live *Live }

func (publish) IsEffect() {}

// Step decides. It copies what it changes.
func Step(s State, in kit.In) (State, []kit.Effect) {
	var effects []kit.Effect
	switch m := in.Msg.(type) {
	case Install:
		s, effects = s.install(m, in)
	case StageRoutes:
		s.Next.routes = &m
		effects = answer(in, Staged{})
	case StageMethods:
		s.Next.methods = &m.Methods
		effects = answer(in, Staged{})
	case Publish:
		s, effects = s.publish(m, in)
	case Discard:
		s = s.unstage()
		s.Next = staged{}
	case Amend:
		if m.Number == s.Table {
			s.Routes = m.Routes
			s, effects = s.swap(in)
		}
	case Lease:
		s, effects = s.lease(m, in)
	case Release:
		s = s.release(m.Lease)
	case Forget:
		s = s.forget(m.Holder)
	case Describe:
		effects = answer(in, s.Describe())
	default:
		return s, []kit.Effect{kit.Unknown{Msg: in.Msg}}
	}
	return s, effects
}

func answer(in kit.In, msg any) []kit.Effect { return []kit.Effect{kit.Answer{To: in.From, Msg: msg}} }

// install lists the instances of the next generation; what is not published yet is replaced, never mixed.
func (s State) install(m Install, in kit.In) (State, []kit.Effect) {
	if err := Check(m.Offers); err != nil {
		return s, answer(in, Installed{Err: err})
	}
	s.Generation++
	s = s.unstage()
	s.Next.generation, s.Next.instances = s.Generation, nil
	for _, o := range m.Offers {
		s.Next.instances = append(s.Next.instances, s.carry(o))
	}
	return s, answer(in, Installed{Generation: s.Generation, Instances: slices.Clone(s.Next.instances)})
}

// unstage forgets the generation that is prepared; instances of it that nobody has tried leave no trace.
func (s State) unstage() State {
	s.Next.generation, s.Next.instances = 0, nil
	s.Instances = slices.DeleteFunc(slices.Clone(s.Instances), func(i instance) bool { return !i.live && i.held == 0 })
	return s
}

// carry finds the live instance that is what the offer asks for, or makes a new one.
func (s *State) carry(o Offer) InstanceID {
	for _, i := range s.Instances {
		if i.live && i.offer.Plugin == o.Plugin && i.offer.Version == o.Version && i.offer.Settings == o.Settings {
			return i.id
		}
	}
	fresh := instance{id: InstanceID{Plugin: o.Plugin, Number: s.Generation}, offer: o}
	s.Instances = append(slices.Clip(s.Instances), fresh)
	return fresh.id
}

// publish makes what is staged live.
func (s State) publish(m Publish, in kit.In) (State, []kit.Effect) {
	if m.Revision <= s.Revision {
		return s, answer(in, Published{
			Revision: s.Revision, Generation: s.Live,
			Err: fmt.Errorf("revision %d is not above the live revision %d", m.Revision, s.Revision),
		})
	}
	next := s.Next
	s.Revision, s.Next = m.Revision, staged{}
	if next.routes != nil {
		s.Routes, s.Table = next.routes.Routes, next.routes.Number
	}
	if next.methods != nil {
		s.Methods = *next.methods
	}
	if m.Edge != nil {
		s.Edge = *m.Edge
	}
	if next.generation != 0 {
		s.Live = next.generation
		s.Instances = slices.Clone(s.Instances)
		for i := range s.Instances {
			s.Instances[i].live = slices.Contains(next.instances, s.Instances[i].id)
		}
	}
	s, effects := s.free().swap(in)
	return s, append(effects, kit.Answer{To: in.From, Msg: Published{Revision: s.Revision, Generation: s.Live}})
}

// swap lets everybody see what is live.
func (s State) swap(in kit.In) (State, []kit.Effect) {
	s.Published = in.Now
	return s, []kit.Effect{
		publish{&Live{Revision: s.Revision, Generation: s.Live, Routes: s.Routes, Methods: s.Methods, Edge: s.Edge}},
		kit.Note{Level: zerolog.InfoLevel, Text: "published", Fields: []any{
			"revision", s.Revision, "generation", s.Live,
			"paths", len(s.Routes.exact) + len(s.Routes.under), "methods", len(s.Methods.byName),
		}},
	}
}

// lease finds the live instance that offers what is asked for; an offer is unique in its generation.
func (s State) lease(m Lease, in kit.In) (State, []kit.Effect) {
	out := Leased{Generation: s.Live, Revision: s.Revision, Err: ErrNoChannel}
	if m.Method != "" {
		out.Err = ErrNoMethod
	}
	for _, i := range s.Instances {
		kind, method, has := i.offer.find(m)
		if !has || !s.leasable(i, m.Staged) {
			continue
		}
		s.LastLease++
		s = s.forget(m.Holder)
		s = s.hold(s.LastLease, lease{instance: i.id, holder: m.Holder})
		out.Lease, out.Instance, out.Kind, out.Method, out.Err = s.LastLease, i.id, kind, method, nil
		break
	}
	return s, answer(in, out)
}

// leasable tells whether a lease may be given on an instance: of the generation that is live, or of the one to come.
func (s State) leasable(i instance, ahead bool) bool {
	if ahead && s.Next.generation != 0 {
		return slices.Contains(s.Next.instances, i.id)
	}
	return i.live
}

// find is what a lease asks for, if the offer has it.
func (o Offer) find(m Lease) (kind channels.Kind, method channels.Method, has bool) {
	if m.Method != "" {
		for _, one := range o.Methods {
			if one.Name == m.Method {
				return kind, one, true
			}
		}
		return kind, method, false
	}
	for _, one := range o.Kinds {
		if one.Name == m.Channel {
			return one, method, true
		}
	}
	return kind, method, false
}

// forget releases what a holder of this name was given before: the answer came too late for it.
func (s State) forget(holder string) State {
	if id, holds := s.holders.Get(holder); holds {
		return s.release(id)
	}
	return s
}

func (s State) hold(id LeaseID, l lease) State {
	s.Leases = s.Leases.With(id, l)
	if l.holder != "" { // those without a name are not one holder
		s.holders = s.holders.With(l.holder, id)
	}
	return s.count(l.instance, 1)
}

func (s State) release(id LeaseID) State {
	l, held := s.Leases.Get(id)
	if !held {
		return s
	}
	s.Leases = s.Leases.Without(id)
	if l.holder != "" {
		s.holders = s.holders.Without(l.holder)
	}
	return s.count(l.instance, -1).free()
}

// count keeps how many leases are on an instance: who lets it go must not look through all of them.
func (s State) count(id InstanceID, by int) State {
	s.Instances = slices.Clone(s.Instances)
	for i := range s.Instances {
		if s.Instances[i].id == id {
			s.Instances[i].held += by
		}
	}
	return s
}

// free lets instances go that nobody lists and nobody holds.
func (s State) free() State {
	var kept []instance
	for _, i := range s.Instances {
		if i.live || i.held > 0 || slices.Contains(s.Next.instances, i.id) {
			kept = append(kept, i)
			continue
		}
		s.Freed = append(slices.Clone(s.Freed), i.line("freed"))
	}
	s.Instances = kept
	if len(s.Freed) > keptFreed {
		s.Freed = s.Freed[len(s.Freed)-keptFreed:]
	}
	return s
}

// Describe is the snapshot that others read.
func (s State) Describe() Description {
	d := Description{Revision: s.Revision, Generation: s.Live, Published: s.Published}
	for _, i := range s.Instances {
		line := i.line("active")
		if !i.live {
			line.State = "draining"
			if slices.Contains(s.Next.instances, i.id) {
				line.State = "staged"
			}
		}
		for _, l := range s.Leases.All() {
			if l.instance == i.id {
				line.Holders = append(line.Holders, l.holder)
			}
		}
		slices.Sort(line.Holders)
		d.Instances = append(d.Instances, line)
	}
	d.Instances = append(d.Instances, s.Freed...)
	return d
}

// line describes an instance by names alone: it outlives the instance and must hold nothing of it.
func (i instance) line(state string) Instance {
	out := Instance{ID: i.id, Version: i.offer.Version, State: state}
	for _, k := range i.offer.Kinds {
		out.Channels = append(out.Channels, k.Name)
	}
	for _, m := range i.offer.Methods {
		out.Methods = append(out.Methods, m.Name)
	}
	return out
}
