package reload

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/supervisor"
	"holdfast/config"
	"holdfast/config/edit"
)

// wrote is a write that ends like this.
func wrote(r edit.Result, err error) func(writing) (any, error) {
	return func(writing) (any, error) {
		if err != nil {
			return nil, err
		}
		return written{result: r, candidate: &Candidate{Config: &config.Config{}}}, nil
	}
}

// good is the result of a write that changed a secret.
var good = edit.Result{Hash: "new", Changed: []string{"channels.webhook.accounts.b.auth.secret"}, Warnings: []string{"mind"}}

func TestLaw11_AChangeIsAnsweredWithTheReportOfItsReload(t *testing.T) {
	p := booted(t)
	p.prepare("rotated")
	p.asked = nil
	var job writing
	p.write = func(j writing) (any, error) {
		job = j
		if len(p.asked)+len(p.edits) > 0 {
			t.Errorf("asked %v and answered %v before the file was written", p.asked, p.edits)
		}
		return wrote(good, nil)(j)
	}
	order := Edit{Path: "channels.webhook.accounts.b.auth.secret", Value: []byte(`"x"`), Options: edit.Options{Base: "old"}, Caller: "me"}
	p.give(order)
	if len(p.edits) != 1 || len(p.reports) != 1 {
		t.Fatalf("%d answers and %d reports, want one and that of the boot", len(p.edits), len(p.reports))
	}
	got := p.edits[0]
	if diff := kittest.Diff(good, got.Result); diff != "" || got.Err != nil || got.Dry || got.Plan != nil {
		t.Errorf("the answer is %+v: %s", got, diff)
	}
	if r := got.Report; r == nil || r.Caller != "me" || r.Revision != 2 || r.Units["webhook:b"].Result != "applied" || r.Units["webhook:a"].Result != "applied" {
		t.Errorf("the report is %+v", got.Report)
	}
	if diff := kittest.Diff(writing{order, load{listen: listen, bound: listen}}, job); diff != "" {
		t.Errorf("the job was %s", diff)
	}
}

func TestAChangeThatWritesNothingIsAnsweredAtOnceAndReloadsNothing(t *testing.T) {
	for _, c := range []struct {
		name  string
		order Edit
		write func(writing) (any, error)
		want  Edited
	}{
		{"the file says so already", Edit{}, wrote(edit.Result{Hash: "old"}, nil), Edited{Result: edit.Result{Hash: "old"}}},
		{"it is refused", Edit{}, wrote(good, edit.ErrChanged), Edited{Err: edit.ErrChanged}},
		{"the write panics", Edit{}, wrote(good, kit.ErrPanic), Edited{Err: kit.ErrPanic}},
		{
			"the write says something else",
			Edit{},
			func(writing) (any, error) { return 7, nil },
			Edited{Err: errors.New("a bug: the write says nothing")},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := booted(t)
			p.asked, p.write = nil, c.write
			p.give(c.order)
			if len(p.edits) != 1 || len(p.asked) > 0 || p.state.count != 1 {
				t.Fatalf("answers %+v, asked %v, %d reloads", p.edits, p.asked, p.state.count)
			}
			if got := p.edits[0]; fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestADryChangeSaysWhatAReloadWouldDo(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	next := prepared(t, read(t, three(at("/a", "1"), at("/b", "9"), at("/c", "3"))))
	p.write = func(writing) (any, error) { return written{good, next}, nil }
	p.give(Edit{Options: edit.Options{Dry: true}})
	if len(p.edits) != 1 || len(p.asked) > 0 || p.state.count != 1 {
		t.Fatalf("answers %+v, asked %v, %d reloads", p.edits, p.asked, p.state.count)
	}
	got := p.edits[0]
	if !got.Dry || got.Report != nil || got.Plan == nil || len(got.Plan.Units) != 1 || got.Plan.Units[0].Name != "webhook:b" || got.Plan.Revision != 2 {
		t.Errorf("got %+v, plan %+v", got, got.Plan)
	}
}

func TestOneChangeIsWrittenAtATimeAndEachIsAnsweredOnce(t *testing.T) {
	p := booted(t)
	s := p.state
	var effects []kit.Effect
	asker := func(n int) kit.Return { return kit.ReturnTo(kit.Named("admin"), uint64(n)) }
	var tag any // of the write under way
	begun := func() (out []string) {
		for _, do := range kittest.All[kit.Do](effects) {
			if job, writes := do.Job.(writing); writes {
				out, tag = append(out, job.order.Path), do.Tag
			}
		}
		return out
	}
	for n := range editsMost + 3 {
		s, effects = Step(s, kit.In{Msg: Edit{Path: fmt.Sprint(n)}, From: asker(n), Now: now})
		switch begun, answers := begun(), kittest.All[kit.Answer](effects); {
		case n == 0 && (len(begun) != 1 || len(answers) != 0):
			t.Fatalf("the first one: %+v", effects)
		case n > 0 && n <= editsMost && len(effects) != 0:
			t.Fatalf("number %d does not wait: %+v", n, effects)
		case n > editsMost && (len(answers) != 1 || answers[0].To != asker(n) || !errors.Is(answers[0].Msg.(Edited).Err, ErrBusy)):
			t.Fatalf("number %d finds room: %+v", n, effects)
		}
	}
	for n := range editsMost + 1 {
		s, effects = Step(s, kit.In{Msg: kit.Done{Tag: tag, Err: edit.ErrInvalid}, Now: now})
		if a := kittest.One[kit.Answer](t, effects); a.To != asker(n) {
			t.Errorf("the end of number %d is told to %v", n, a.To)
		}
		if begun := begun(); n < editsMost && (len(begun) != 1 || begun[0] != fmt.Sprint(n+1)) || n == editsMost && len(begun) > 0 {
			t.Errorf("after number %d begins %v", n, begun)
		}
	}
}

func TestChangesThatAreWrittenDuringAReloadWaitForTheNextOne(t *testing.T) {
	p := booted(t)
	p.prepare("rotated")
	p.write = wrote(good, nil)
	p.hangs = true
	p.give(Reload{Caller: "first"})
	running := p.state.run
	p.hangs = false
	for range 2 {
		p.give(Edit{Caller: "later"})
	}
	if len(p.edits) > 0 || p.state.run != running {
		t.Fatalf("answered %+v before the reload that knows of the change", p.edits)
	}
	p.give(kit.Done{Tag: tag{running.number, "load"}, Msg: loaded{candidate: p.next}})
	if len(p.edits) != 2 || p.edits[0].Report != p.edits[1].Report || p.edits[0].Report.Caller != "later" || p.state.count != 3 {
		t.Errorf("answered %+v after %d reloads, want both by one reload of their own", p.edits, p.state.count)
	}
}

// put asks a real reload for a change.
func (b *bench) put(m Edit) Edited {
	b.t.Helper()
	if m.Options.Base == "" {
		r, err := known.File(b.src, nil).Get("")
		if err != nil {
			b.t.Fatal(err)
		}
		m.Options.Base = r.Hash
	}
	answer, err := b.sys.Ask(b.t.Context(), b.at, m)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer.(Edited)
}

func (b *bench) content() string {
	b.t.Helper()
	content, err := os.ReadFile(b.file)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(content)
}

func TestLaw11_OnlyWhatIsGoodIsWrittenAndItTakesEffect(t *testing.T) {
	b := newBench(t)
	first := strings.Replace(two, "%s", "secret", 1) + "# ours\n"
	b.boot(first)
	path := "channels.webhook.accounts.b.auth.secret"
	taken := json.RawMessage(`{"channels":{"webhook":{"accounts":{"b":{"path":"/a","auth":{"secret":"one"}}}}}}`)
	for _, c := range []struct {
		name  string
		order Edit
		want  error
		says  string
	}{
		{"a kind that nobody has", Edit{Path: "agents.default.kind", Value: []byte(`"oracle"`)}, edit.ErrInvalid, "oracle"},
		{"a setting that the network refuses", Edit{Path: "channels.webhook.accounts.b.path", Value: []byte(`"/healthz"`)}, edit.ErrInvalid, "belongs to the gateway"},
		{"accounts that cannot be told apart", Edit{Patch: true, Value: taken}, edit.ErrInvalid, "webhook:b"},
		{"a base that is another file's", Edit{Path: path, Value: []byte(`"x"`), Options: edit.Options{Base: "abc"}}, edit.ErrChanged, "read it again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := b.put(c.order)
			if !errors.Is(got.Err, c.want) || !strings.Contains(got.Err.Error(), c.says) || got.Report != nil {
				t.Errorf("got %+v, want %v with %q", got, c.want, c.says)
			}
		})
	}
	if got := b.put(Edit{Path: path, Value: []byte(`"dry"`), Options: edit.Options{Dry: true}}); got.Err != nil || got.Plan == nil || len(got.Plan.Units) != 1 {
		t.Errorf("a dry one: %+v", got)
	}
	if b.content() != first || b.ends.Load() != 1 {
		t.Fatalf("the file is %s\nafter %d reloads", b.content(), b.ends.Load())
	}
	got := b.put(Edit{Path: path, Value: []byte(`"rotated"`), Caller: "me"})
	if got.Err != nil || got.Report == nil || got.Report.Units["webhook:b"].Result != "applied" || got.Report.Revision != 2 {
		t.Fatalf("a good one: %+v", got)
	}
	if want := strings.Replace(first, "secret: secret", "secret: rotated", 1); b.content() != want {
		t.Errorf("the file is\n%s\nwant\n%s", b.content(), want)
	}
	kittest.Wait[supervisor.Apply](b.boss)
	if r := b.report(Reload{Caller: "test"}); r.Units["webhook:b"].Result != "unchanged" {
		t.Errorf("the file that was written was not the one that was loaded: %+v", r)
	}
}

// A change of where the gateway listens is judged for the new address, as its reload will judge it.
func TestAChangeIsJudgedAsItsReloadWould(t *testing.T) {
	b := newBench(t)
	b.boot(three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	got := b.put(Edit{Path: "gateway.listen", Value: []byte(`"127.0.0.1:18790"`), Options: edit.Options{Dry: true}})
	if got.Err != nil || got.Plan == nil || len(got.Plan.Units) != 1 || got.Plan.Units[0].Name != unitListen {
		t.Errorf("got %+v, plan %+v", got, got.Plan)
	}
}
