package reload

import (
	"testing"

	"holdfast/actors/kit"
	"holdfast/config"
	"holdfast/config/edit"
)

// FuzzStep looks for a history after which somebody has no report, something is applied that was not published, or the next
// reload does not bring the file.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 0, 0, 9, 200})
	f.Add([]byte{16, 80, 32, 4, 8, 130, 66})
	var files []*config.Config
	for _, text := range []string{
		three(at("/a", "1"), at("/b", "2"), at("/c", "3")), three(at("/b", "1"), at("/a", "2"), at("/c", "3")),
		three(at("/a2", "1"), at("/b", "9"), "enabled: false, "+at("/c", "3")), moved(),
	} {
		files = append(files, read(f, text))
	}
	f.Fuzz(func(t *testing.T, history []byte) {
		p := newPlay(t)
		take := func(cfg *config.Config) {
			own := *cfg
			p.next, p.faults = prepared(t, &own), nil
		}
		take(files[0])
		p.give(Boot{Candidate: p.next})
		p.reports = nil
		wishes := 0
		for n, b := range history {
			take(files[b&3])
			p.bound = nil
			if b&4 != 0 {
				p.bound = &port{}
			}
			if b&8 != 0 {
				p.faults = config.Problems{{Path: "x"}}
			}
			silent := int(b >> 4)
			p.answer = func(msg any) (any, error) {
				if silent--; silent == 0 && b&16 != 0 {
					return nil, kit.ErrLate
				}
				return agree(msg)
			}
			wishes++
			if n%6 == 5 {
				p.write = wrote(edit.Result{Changed: []string{"x"}[:b>>5&1]}, []error{nil, edit.ErrInvalid}[b>>6&1])
				p.give(Edit{Options: edit.Options{Dry: b&128 != 0}, Caller: "fuzz"})
			} else {
				p.give(Reload{Target: []string{"", "", "", "webhook:a", "ghost"}[n%5], AllOrNothing: b&64 != 0, DryRun: b&128 != 0 && b&32 != 0, Caller: "fuzz"})
			}
			if len(p.reports)+len(p.edits) != wishes || len(p.state.edits) != 0 || p.state.Phase != Idle || p.state.run != nil {
				t.Fatalf("%d wishes, %d reports, phase %s", wishes, len(p.reports), p.state.Phase)
			}
		}
		p.answer, p.bound = agree, &port{}
		take(files[1])
		p.give(Reload{Caller: "calm"})
		if r := p.last(); r.Err != "" || len(Difference(p.state.Applied, p.next, 1, 1).Units) != 0 || len(p.state.Unapplied) != 0 {
			t.Fatalf("after a reload without a fault: %+v, unapplied %v", r, p.state.Unapplied)
		}
	})
}
