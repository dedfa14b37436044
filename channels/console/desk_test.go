package console

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/channels"
	"holdfast/channels/channeltest"
	"holdfast/config"
)

const try = channels.Account("console:try")

// instance is one instance with the runs of its accounts.
type instance struct {
	t     *testing.T
	desk  *desk
	offer channels.Offer
	inbox *channeltest.Inbox
	link  channels.Channel
	seq   uint64
}

func newInstance(t *testing.T, s *Settings) *instance {
	t.Helper()
	if ps := s.Validate(); ps != nil {
		t.Fatalf("settings: %v", ps)
	}
	d := newDesk(*s)
	return &instance{t: t, desk: d, offer: d.offer(), inbox: channeltest.NewInbox(nil)}
}

// run begins a run of the account try; the returned function ends it.
func (i *instance) run() (end func()) {
	i.t.Helper()
	k := i.offer.Kinds[0]
	i.link = k.Connect(k.Settings(), channels.Env{Account: try})
	ctx, cancel := context.WithCancel(i.t.Context())
	over := make(chan error, 1)
	go func() { over <- i.link.Run(ctx, i.inbox) }()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-over; err != nil {
			i.t.Errorf("Run returned %v", err)
		}
	}
}

// call calls a method with params as JSON and reads the result.
func call[R any](i *instance, method, params string) (R, error) {
	i.t.Helper()
	var out R
	n := slices.IndexFunc(i.offer.Methods, func(m channels.Method) bool { return m.Name == method })
	raw, err := i.offer.Methods[n].Call(i.t.Context(), []byte(params))
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		i.t.Fatalf("%s answered %s: %v", method, raw, err)
	}
	return out, nil
}

// say begins a call of console.say and waits until all is quiet; the result comes when it comes.
func (i *instance) say(params string) chan SayResult {
	i.t.Helper()
	out := make(chan SayResult, 1)
	go func() {
		r, err := call[SayResult](i, "console.say", params)
		if err != nil {
			i.t.Errorf("console.say %s: %v", params, err)
		}
		out <- r
	}()
	synctest.Wait()
	return out
}

// items are the lines handed in so far.
func (i *instance) ids() (out []string) {
	for _, one := range i.inbox.Items() {
		out = append(out, one.ID)
	}
	return out
}

// reply sends an answer.
func (i *instance) reply(to, conversation, text string, change ...func(*channels.Reply)) channels.Receipt {
	i.t.Helper()
	i.seq++
	r := channels.Reply{Seq: i.seq, Account: try, Conversation: conversation, ReplyTo: to, Part: 1, Parts: 1, Text: text}
	for _, f := range change {
		f(&r)
	}
	receipt, err := i.link.Send(i.t.Context(), r)
	if err != nil {
		i.t.Fatal(err)
	}
	synctest.Wait()
	return receipt
}

func part(n, of int) func(*channels.Reply) {
	return func(r *channels.Reply) { r.Part, r.Parts = n, of }
}

// texts is the transcript as "from: text" of each line.
func (i *instance) texts(conversation string) (out []string) {
	i.t.Helper()
	r, err := call[TranscriptResult](i, "console.transcript", `{"account":"console:try","conversation":"`+conversation+`"}`)
	if err != nil {
		i.t.Fatal(err)
	}
	for _, l := range r.Lines {
		out = append(out, l.From+": "+l.Text)
	}
	return out
}

func check(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestLaw5_ALineIsSafeBeforeItsAnswerIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, newSettings())
		defer i.run()()
		release := i.inbox.Hold()
		answer := i.say(`{"account":"console:try","text":"hello","wait":"0s"}`)
		if len(answer) > 0 {
			t.Fatal("console.say returned before the line was safe")
		}
		release()
		got := <-answer
		if items := i.inbox.Items(); len(items) != 1 || items[0].ID != got.ID || got.Answered {
			t.Errorf("got %+v, and handed in %+v", got, items)
		}
	})
}

func TestAWaitHasTheAnswerOfItsLine(t *testing.T) {
	for _, c := range []struct {
		name     string
		play     func(i *instance, one, two string) // replies, to two lines said one after the other
		one, two SayResult                          // what they get, apart from their ids
	}{
		{"each has its own", func(i *instance, one, two string) {
			i.reply(one, "console", "1")
			i.reply(two, "console", "2")
		}, SayResult{Answered: true, Answers: []string{"1"}}, SayResult{Answered: true, Answers: []string{"2"}}},
		{"an answer in parts is whole with the last", func(i *instance, one, two string) {
			i.reply(one, "console", "1a", part(1, 2))
			i.reply(one, "console", "1b", part(2, 2))
			i.reply(two, "console", "2", part(1, 2))
		}, SayResult{Answered: true, Answers: []string{"1a", "1b"}}, SayResult{Answers: []string{"2"}}},
		{"one answer to both lines", func(i *instance, _, two string) {
			i.reply(two, "console", "both")
		}, SayResult{Answered: true, Answers: []string{"both"}}, SayResult{Answered: true, Answers: []string{"both"}}},
		{"one to the first alone", func(i *instance, one, _ string) {
			i.reply(one, "console", "1")
		}, SayResult{Answered: true, Answers: []string{"1"}}, SayResult{Answers: []string{}}},
		{"one in another conversation", func(i *instance, one, two string) {
			i.reply(two, "other", "x")
		}, SayResult{Answers: []string{}}, SayResult{Answers: []string{}}},
		{"a message that answers nothing", func(i *instance, _, _ string) {
			i.reply("", "console", "by the way")
		}, SayResult{Answers: []string{}}, SayResult{Answers: []string{}}},
		{"one to a line that nobody knows", func(i *instance, _, _ string) {
			i.reply("line-x", "console", "x")
		}, SayResult{Answers: []string{}}, SayResult{Answers: []string{}}},
		{"a repeated reply counts once", func(i *instance, one, _ string) {
			i.reply(one, "console", "1", part(1, 2))
			i.seq--
			i.reply(one, "console", "1", part(1, 2))
			i.reply(one, "console", "2", part(2, 2))
		}, SayResult{Answered: true, Answers: []string{"1", "2"}}, SayResult{Answers: []string{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newInstance(t, &Settings{Wait: config.Duration(DefaultWait), Transcript: 100})
				defer i.run()()
				began := time.Now()
				one := i.say(`{"account":"console:try","text":"a"}`)
				two := i.say(`{"account":"console:try","text":"b"}`)
				ids := i.ids()
				c.play(i, ids[0], ids[1])
				c.one.ID, c.two.ID = ids[0], ids[1]
				for which, pair := range map[string][2]SayResult{"first": {<-one, c.one}, "second": {<-two, c.two}} {
					got, want := pair[0], pair[1]
					if got.ID != want.ID || got.Answered != want.Answered || !slices.Equal(got.Answers, want.Answers) || got.Answers == nil {
						t.Errorf("the %s got %+v, want %+v", which, got, want)
					}
				}
				if whole := c.one.Answered && c.two.Answered; (time.Since(began) == 0) != whole {
					t.Errorf("it took %s", time.Since(began))
				}
			})
		})
	}
}

func TestAnAnswerIsHeardThoughTheTranscriptIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, &Settings{Wait: config.Duration(DefaultWait), Transcript: 1})
		defer i.run()()
		answer := i.say(`{"account":"console:try","text":"a"}`)
		i.reply(i.ids()[0], "console", "1")
		if got := <-answer; !got.Answered {
			t.Errorf("got %+v", got)
		}
		check(t, "the transcript", i.texts(""), []string{"agent: 1"})
	})
}

func TestTheTranscript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, &Settings{Wait: config.Duration(time.Second), Transcript: 4})
		end := i.run()
		<-i.say(`{"account":"console:try","text":"a","wait":"0s"}`)
		<-i.say(`{"account":"console:try","text":"b","conversation":"other","wait":"1s"}`)
		i.reply("", "console", "", func(r *channels.Reply) {
			r.Attachments = []channels.Attachment{{Name: "cat.png", Type: "image/png"}, {}}
		})
		i.reply("", "other", "unknown command", func(r *channels.Reply) { r.Notice = true })
		check(t, "all of it", i.texts(""), []string{"operator: a", "operator: b", "agent: [cat.png, image/png]\n[file, of no known type]", "gateway: unknown command"})
		check(t, "one conversation", i.texts("other"), []string{"operator: b", "gateway: unknown command"})
		i.reply("", "console", "2")
		end()
		check(t, "after the run it is there, without the oldest", i.texts("console"), []string{"agent: [cat.png, image/png]\n[file, of no known type]", "agent: 2"})
		defer i.run()()
		check(t, "and in the next run", i.texts("other"), []string{"operator: b", "gateway: unknown command"})
		other := newInstance(t, newSettings())
		if _, err := call[TranscriptResult](other, "console.transcript", `{"account":"console:try"}`); err == nil {
			t.Error("another instance has a transcript too")
		}
	})
}

func TestARepeatedSendIsLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, newSettings())
		defer i.run()()
		find := func() (channels.Receipt, bool) {
			r, found, err := i.link.(channels.Finder).Find(t.Context(), channels.Reply{Seq: 1}, nil)
			if err != nil {
				t.Error(err)
			}
			return r, found
		}
		if _, found := find(); found {
			t.Error("found what was not sent")
		}
		first := i.reply("", "console", "1")
		i.seq--
		again := i.reply("", "console", "1")
		if got, found := find(); !found || got != first || again != first || first.ID == "" {
			t.Errorf("sent as %v, again as %v, found as %v %t", first, again, got, found)
		}
	})
}

func TestWhyALineIsNotTaken(t *testing.T) {
	const hello = `{"account":"console:try","text":"hello"}`
	for _, c := range []struct {
		name   string
		before func(i *instance)
		params string
		want   string
		code   int // 0: not the caller's fault
	}{
		{"no account runs", func(*instance) {}, hello, "console:try is not running, nor is any other console: add channels.console.accounts.try and reload, or see gateway channels", 0},
		{"its run has ended", func(i *instance) { i.run()() }, hello, "console:try is not running, nor", 0},
		{"another one runs", func(i *instance) { i.run() }, `{"account":"console:tri","text":"x"}`, "console:tri is not running; console:try is: see gateway channels", 0},
		{"an account of another channel", func(i *instance) { i.run() }, `{"account":"webhook:a","text":"x"}`, `account: got "webhook:a", want an account of this channel such as console:try`, channels.CodeParams},
		{"a channel for an account", func(i *instance) { i.run() }, `{"account":"console","text":"x"}`, `account: got "console", want`, channels.CodeParams},
		{"its run is being replaced", func(i *instance) { i.run(); i.inbox.Fail(channels.ErrGone) }, hello, "console:try is being restarted and took nothing: say it again", 0},
		{"the journal fails", func(i *instance) { i.run(); i.inbox.Fail(errors.New("disk")) }, hello, "hand the line in to console:try: disk; whether it is safe is not known: see gateway journal ls --account console:try", 0},
		{"nothing to say", func(i *instance) { i.run() }, `{"account":"console:try","text":" \n"}`, "text: want something to say", channels.CodeParams},
		{"too much", func(i *instance) { i.run() }, `{"account":"console:try","text":"` + strings.Repeat("ä", TextLimit+1) + `"}`, "text: got 20001 characters, want at most 20000", channels.CodeParams},
		{"a name as long as a book", func(i *instance) { i.run() }, `{"account":"console:try","text":"x","conversation":"` + strings.Repeat("x", 201) + `"}`, "conversation: got 201 bytes, want at most 200", channels.CodeParams},
		{"a wait that is longer than is set", func(i *instance) { i.run() }, `{"account":"console:try","text":"x","wait":"31s"}`, "wait: got 31s, want a duration from 0s to 30s, which is plugins.entries.console.config.wait", channels.CodeParams},
		{"a wait below zero", func(i *instance) { i.run() }, `{"account":"console:try","text":"x","wait":"-1s"}`, "wait: got -1s", channels.CodeParams},
		{"a wait that is no duration", func(i *instance) { i.run() }, `{"account":"console:try","text":"x","wait":"soon"}`, `params: got "soon", want a duration such as`, channels.CodeParams},
		{"a field that is not there", func(i *instance) { i.run() }, `{"acount":"console:try"}`, `params: unknown field "acount"; there are account, text, conversation, wait`, channels.CodeParams},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newInstance(t, newSettings())
				c.before(i)
				_, err := call[SayResult](i, "console.say", c.params)
				if err == nil || !strings.HasPrefix(err.Error(), c.want) {
					t.Fatalf("got %v, want %s", err, c.want)
				}
				var fault *channels.CallError
				if errors.As(err, &fault) != (c.code != 0) || c.code != 0 && fault.Code != c.code {
					t.Errorf("got the code of %+v, want %d", fault, c.code)
				}
				if len(i.ids()) > 0 {
					t.Error("the line was handed in")
				}
				if r := i.desk.rooms[try]; r != nil && len(r.waits) > 0 {
					t.Error("somebody waits for its answer")
				}
				if lines, err := call[TranscriptResult](i, "console.transcript", `{"account":"console:try"}`); err == nil && len(lines.Lines) > 0 {
					t.Errorf("it stands in the transcript: %+v", lines)
				}
			})
		})
	}
}

func TestALaterRunIsNotSentAwayByAnEarlierOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, newSettings())
		first := i.run()
		i.inbox = channeltest.NewInbox(nil)
		defer i.run()()
		first()
		<-i.say(`{"account":"console:try","text":"a","wait":"0s"}`)
		if len(i.ids()) != 1 {
			t.Error("the line did not go to the later run")
		}
	})
}

func TestAWaitEndsWithTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, newSettings())
		defer i.run()()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		got, err := i.desk.say(ctx, SayParams{Account: try, Text: "a"})
		if err != nil || got.Answered || time.Since(began) != time.Second || len(i.ids()) != 1 {
			t.Errorf("got %+v, %v after %s", got, err, time.Since(began))
		}
	})
}

func TestAnAnswerToALineThatNobodyWaitsForAnswersThoseBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, newSettings())
		defer i.run()()
		one := i.say(`{"account":"console:try","text":"a"}`)
		two := <-i.say(`{"account":"console:try","text":"b","wait":"0s"}`)
		i.reply(two.ID, "console", "both")
		if got := <-one; !got.Answered || !slices.Equal(got.Answers, []string{"both"}) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestAnAnswerIsWholeOnce(t *testing.T) {
	d := newDesk(*newSettings())
	defer d.enter(try, channeltest.NewInbox(nil))()
	_, w, err := d.begin(try, "line-a", said{"console", "a"})
	if err != nil {
		t.Fatal(err)
	}
	for seq, text := range []string{"1", "2"} {
		d.heard(try, channels.Reply{Seq: uint64(seq + 1), Conversation: "console", ReplyTo: "line-a", Part: 1, Parts: 1, Text: text})
	}
	if got, whole := d.end(try, w); !whole || !slices.Equal(got, []string{"1"}) {
		t.Errorf("got %q, whole: %t", got, whole)
	}
}
