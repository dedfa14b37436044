package router

import (
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
)

func TestAGraceLastsAsLongAsTheRegistrationSays(t *testing.T) {
	s, _, _ := register(t, State{}, now, claim("a:x", "/old", "1"))
	s, _ = Step(s, kit.In{Msg: Register{Claims: []Claim{claim("a:x", "/new", "1")}, Listen: "127.0.0.1:1", Grace: time.Minute}, From: me, Now: now})
	_, effects := Step(s, kit.In{Msg: Published{}, Now: now})
	if timer := kittest.One[kit.After](t, effects); timer.Delay != time.Minute {
		t.Errorf("the grace is %s, want a minute", timer.Delay)
	}
}

func TestAPublicationOfNothingChangesNothing(t *testing.T) {
	s, _, _ := register(t, State{}, now, claim("a:x", "/a", "1"))
	s, effects := Step(s, kit.In{Msg: Published{}, Now: now})
	if got := table(s); !slices.Equal(got, []string{"/a: a:x"}) || len(effects) != 0 {
		t.Errorf("%v, effects %v", got, effects)
	}
}

// A rename takes what is held along, of that account and of no other.
func TestARenameIsOfOneAccount(t *testing.T) {
	s, _, _ := register(t, State{}, now, claim("a:x", "/x", "1"), claim("a:y", "/y", "2"))
	renamed := claim("a:z", "/z", "1")
	renamed.Formerly = "a:x"
	_, _, got := register(t, s, now, renamed, claim("a:y", "/y2", "2"))
	if want := []string{"/x: a:z held", "/y: a:y held", "/y2: a:y", "/z: a:z"}; !slices.Equal(got, want) {
		t.Errorf("the table is %v, want %v", got, want)
	}
}

func TestAPathOfWhichNobodyCanBeAdmittedIsNotServed(t *testing.T) {
	broken := claim("a:x", "/x", "1")
	broken.Routes[0].Auth[0].Places = nil
	_, refused, got := register(t, State{}, now, broken, claim("a:y", "/y", "2"))
	if len(refused) != 1 || refused[0].Account != "a:x" || !slices.Equal(got, []string{"/y: a:y"}) {
		t.Errorf("refused %+v, the table is %v", refused, got)
	}
}

// Two accounts moved away one after the other, the first for longer: the path is held until both graces are over.
func TestAPathIsHeldUntilTheLastGrace(t *testing.T) {
	for name, graces := range map[string][2]time.Duration{
		"the first is longer":  {2 * time.Hour, time.Minute},
		"the second is longer": {time.Minute, 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := register(t, State{}, now, claim("a:x", "/one", "1"), claim("a:y", "/one", "2"))
			s = moved(s, graces[0], claim("a:x", "/x", "1"), claim("a:y", "/one", "2"))
			s = moved(s, graces[1], claim("a:x", "/x", "1"), claim("a:y", "/y", "2"))
			for _, p := range s.Paths() {
				if p.Path == "/one" && !p.Held.Equal(now.Add(2*time.Hour)) {
					t.Errorf("held until %s, want two hours from %s", p.Held, now)
				}
			}
		})
	}
}

// moved registers and publishes.
func moved(s State, grace time.Duration, claims ...Claim) State {
	s, _ = Step(s, kit.In{Msg: Register{Claims: claims, Listen: "127.0.0.1:1", Grace: grace}, From: me, Now: now})
	s, _ = Step(s, kit.In{Msg: Published{}, Now: now})
	return s
}

func TestARefusedPathSaysWhatIsWrongWithIt(t *testing.T) {
	_, refused, _ := register(t, State{}, now, claim("a:x", "/a%2Fb", "1"))
	if len(refused) != 1 || !strings.Contains(refused[0].Why, "an encoded slash is refused") {
		t.Errorf("refused %+v", refused)
	}
}
