package admin

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/actors/control"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
)

func TestCallsAreAnsweredLineByLine(t *testing.T) {
	f := newFace(t)
	const none = `"this line is not JSON: want one call, such as {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}"`
	for _, c := range []struct{ name, say, hear string }{
		{"a call", `{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a": [1, 2]}}`, `{"jsonrpc":"2.0","id":1,"result":{"a":[1,2]}}`},
		{"an id that is a text", `{"jsonrpc":"2.0","id":"x","method":"echo","params":[1]}`, `{"jsonrpc":"2.0","id":"x","result":[1]}`},
		{"a result that is nothing", `{"jsonrpc":"2.0","id":1,"method":"nothing"}`, `{"jsonrpc":"2.0","id":1,"result":null}`},
		{"an error of the method", `{"jsonrpc":"2.0","id":1,"method":"fail"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"the disk is full","data":{"free":0}}}`},
		{"an owner that answers something else", `{"jsonrpc":"2.0","id":1,"method":"odd"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"odd: a bug: its owner gave an answer of another kind"}}`},
		{"a method that nobody knows", `{"jsonrpc":"2.0","id":1,"method":"Echo"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"unknown method \"Echo\"; rpc.discover lists them"}}`},
		{"no method", `{"jsonrpc":"2.0","id":1}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"the call names no method"}}`},
		{"no JSON", `status`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":` + none + `}}`},
		{"JSON that is no call", `"status"`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"request is not a JSON object"}}`},
		{"another version", `{"jsonrpc":"1.0","id":1,"method":"echo"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"invalid version marker"}}`},
		{"another version and no id", `{"method":"echo"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid version marker"}}`},
		{"a field too many", `{"jsonrpc":"2.0","id":1,"method":"echo","parms":{}}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"extra fields in request","data":["parms"]}}`},
		{"an empty line and then a call", "\n  \n" + `{"jsonrpc":"2.0","id":1,"method":"nothing"}`, `{"jsonrpc":"2.0","id":1,"result":null}`},
		{
			"a batch", `[{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]},{"jsonrpc":"2.0","method":"echo","params":[2]},{"jsonrpc":"2.0","id":3,"method":"x"}]`,
			`[{"jsonrpc":"2.0","id":1,"result":[1]},{"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"unknown method \"x\"; rpc.discover lists them"}}]`,
		},
		{"a batch of one", `[{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}]`, `[{"jsonrpc":"2.0","id":1,"result":[1]}]`},
		{"an empty batch", `[]`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"want one call, or a batch of 1 to 16"}}`},
		{
			"a batch that is too long", "[" + strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"echo"},`, callsMax) + `{}]`,
			`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"want one call, or a batch of 1 to 16"}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := f.dial()
			l.t = t
			l.say(c.say + "\n")
			l.hear(c.hear)
			if err := l.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			l.ended()
		})
	}
}

func TestANotificationIsCarriedOutAndNotAnswered(t *testing.T) {
	f := newFace(t)
	l := f.dial()
	l.say(`{"jsonrpc":"2.0","method":"echo","params":[5]}` + "\n" + `{"jsonrpc":"2.0","id":null,"method":"unknown"}` + "\n" +
		`[{"jsonrpc":"2.0","method":"fail"}]` + "\n" + `{"jsonrpc":"2.0","id":1,"method":"nothing"}` + "\n")
	l.hear(`{"jsonrpc":"2.0","id":1,"result":null}`)
	kittest.Wait(f.conn, func(c registry.Call) bool { return c.Method == "echo" })
	kittest.Wait(f.conn, func(c registry.Call) bool { return c.Method == "fail" })
}

func TestTheOwnerLearnsWhoCalls(t *testing.T) {
	f := newFace(t)
	theirs := kittest.NewProbe(t, f.sys, "plugin").Answering(f.answer)
	f.publishMethods(registry.Method{Name: "theirs", Owner: theirs.Addr()})
	l := f.dial()
	l.say(`{"jsonrpc":"2.0","id":1,"method":"theirs"}` + "\n")
	l.hear(`{"jsonrpc":"2.0","id":1,"result":null}`)
	open, call := kittest.Wait[control.Open](f.control), kittest.Wait[registry.Call](theirs)
	if !strings.HasPrefix(open.Peer, "uid=") || !strings.Contains(open.Peer, " pid=") || call.Caller != "control/admin.1 "+open.Peer {
		t.Errorf("opened by %q, called by %q", open.Peer, call.Caller)
	}
}

func TestAClientThatHalfClosesGetsEveryAnswer(t *testing.T) {
	f := newFace(t)
	l := f.dial()
	// The last line has no end, as printf leaves it.
	l.say(`{"jsonrpc":"2.0","id":1,"method":"slow"}` + "\n" + `{"jsonrpc":"1.0","method":"x"}` + "\nno JSON\n" +
		`{"jsonrpc":"2.0","id":2,"method":"echo","params":[2]}`)
	if err := l.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	heard := map[string]bool{}
	for range 3 {
		got, err := l.r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		heard[got[:30]] = true
	}
	f.finish(f.slow("slow"), `"late"`)
	l.hear(`{"jsonrpc":"2.0","id":1,"result":"late"}`)
	l.ended()
	if len(heard) != 2 { // the two errors without an id begin alike
		t.Errorf("heard %v", heard)
	}
	kittest.Wait[control.Close](f.control)
}

func TestASlowCallDelaysNoOther(t *testing.T) {
	f := newFace(t)
	l := f.dial()
	l.say(`{"jsonrpc":"2.0","id":1,"method":"slow"}` + "\n" + `{"jsonrpc":"2.0","method":"slow2"}` + "\n")
	slow := f.slow("slow")
	f.slow("slow2")
	l.say(`{"jsonrpc":"2.0","id":2,"method":"echo","params":[2]}` + "\n")
	l.hear(`{"jsonrpc":"2.0","id":2,"result":[2]}`)
	f.finish(slow, "1")
	l.hear(`{"jsonrpc":"2.0","id":1,"result":1}`)
}

func TestCallsOfAConnectionAreBounded(t *testing.T) {
	f := newFace(t)
	l := f.dial()
	l.say(strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"slow"}`+"\n", callsMax+5))
	open := func() []kit.In {
		var out []kit.In
		for _, in := range f.conn.Ins() {
			if _, is := in.Msg.(registry.Call); is {
				out = append(out, in)
			}
		}
		return out
	}
	if !kittest.Eventually(func() bool { return len(open()) == callsMax }) {
		t.Fatalf("%d calls are under way", len(open()))
	}
	f.finish(open()[0], "1")
	l.hear(`{"jsonrpc":"2.0","id":1,"result":1}`)
	if !kittest.Eventually(func() bool { return len(open()) == callsMax+1 }) {
		t.Fatalf("%d calls were made, want one more than fit", len(open()))
	}
	for _, in := range open()[1:] {
		f.finish(in, "1")
	}
}

func TestALineThatIsTooLongEndsTheConnectionWithTheReason(t *testing.T) {
	f := newFace(t)
	l := f.dial()
	l.say(`{"jsonrpc":"2.0","id":1,"method":"echo","params":["` + strings.Repeat("x", frameMax-100) + `"]}` + "\n")
	if got, err := l.r.ReadString('\n'); err != nil || len(got) < frameMax-100 {
		t.Fatalf("a long line got %d bytes, %v", len(got), err)
	}
	go func() { _, _ = io.WriteString(l, `["`+strings.Repeat("x", frameMax)+`"]`+"\n") }()
	l.hear(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"a line is longer than 4194304 bytes"}}`)
}

func TestTheMethodTableIsReadAtEveryCall(t *testing.T) {
	f := newFace(t)
	l := f.dial()
	const call, unknown = `{"jsonrpc":"2.0","id":1,"method":"new","params":[1]}` + "\n", `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"unknown method \"new\"; rpc.discover lists them"}}`
	l.say(call)
	l.hear(unknown)
	f.publish("new")
	l.say(call)
	l.hear(`{"jsonrpc":"2.0","id":1,"result":[1]}`)
	f.publish()
	l.say(call)
	l.hear(unknown)
	f.publishMethods(registry.Method{Name: "new", Owner: kit.Named("gone")})
	l.say(call)
	l.hear(`{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"new: who answers it is gone: the gateway is reloading or stopping; try again"}}`)
}

func TestConnectionsAreBounded(t *testing.T) {
	f := newFace(t)
	for range connectionsMax {
		f.dial()
	}
	if !kittest.Eventually(func() bool { return f.opened() == connectionsMax }) {
		t.Fatalf("%d connections", f.opened())
	}
	l := f.dial()
	l.hear(`{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"too many connections to the admin socket: close one"}}`)
	l.ended()
	client, err := Dial(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Call(t.Context(), "echo", nil, nil); err == nil || !strings.Contains(err.Error(), "too many connections") {
		t.Errorf("the client says %v", err)
	}
	_ = client.Close()
}

func TestACloseDuringACallEndsEverything(t *testing.T) {
	f := newFace(t)
	client, err := Dial(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan error, 1)
	go func() { heard <- client.Call(t.Context(), "slow", nil, nil) }()
	half := f.dial()
	half.say(`{"jsonrpc":"2.0","id":1,"method":"slow2"}`)
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	slow := f.slow("slow")
	f.slow("slow2")
	f.Close()
	if err := <-heard; err == nil || err.Error() != "slow: the gateway ended the connection before it answered: see its log" {
		t.Errorf("the client says %v", err)
	}
	half.ended()
	f.finish(slow, "1") // nobody hears it
	if n := f.opened(); n > 0 {
		t.Errorf("%d connections are left", n)
	}
	f.dial().ended()
}

func TestAClientThatGoesAwayIsForgotten(t *testing.T) {
	f := newFace(t)
	l := f.dial()
	l.say(`{"jsonrpc":"2.0","id":1,"method":"slow"}` + "\n")
	slow := f.slow("slow")
	_ = l.Close()
	f.finish(slow, "1")
	kittest.Wait[control.Close](f.control)
	if !kittest.Eventually(func() bool { return f.opened() == 0 }) {
		t.Error("the connection is still there")
	}
}

// A client that ends without reading its answers hears no others, so its calls are not waited for.
func TestAClientThatBreaksOffIsForgottenAtOnce(t *testing.T) {
	f := newFace(t)
	l := f.dial()
	l.say(`{"jsonrpc":"2.0","id":1,"method":"nothing"}` + "\n")
	if _, err := l.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	l.say(`{"jsonrpc":"2.0","id":2,"method":"nothing"}` + "\n" + `{"jsonrpc":"2.0","id":3,"method":"slow"}` + "\n")
	f.slow("slow")
	kittest.Wait(f.conn, func(c registry.Call) bool { return c.Method == "nothing" })
	l.breakOff()
	kittest.Wait[control.Close](f.control)
}

func TestWithoutControlTheReasonIsSaid(t *testing.T) {
	f := newFace(t)
	f.sys.Stop(f.control.Addr())
	if !kittest.Eventually(func() bool { return !f.sys.Alive(f.control.Addr()) }) {
		t.Fatal("control does not stop")
	}
	client, err := Dial(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Call(t.Context(), "echo", nil, nil); err == nil || !strings.Contains(err.Error(), "the gateway is starting or stopping: try again") {
		t.Errorf("the client says %v", err)
	}
}

func TestTheClientDecodesResultsAndErrors(t *testing.T) {
	f := newFace(t)
	client, err := Dial(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var got []int
	if err := client.Call(t.Context(), "echo", []int{1, 2}, &got); err != nil || len(got) != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	var raw json.RawMessage
	if err := client.Call(t.Context(), "echo", map[string]int{"a": 1}, &raw); err != nil || string(raw) != `{"a":1}` {
		t.Errorf("got %s, %v", raw, err)
	}
	if err := client.Call(t.Context(), "fail", nil, nil); err == nil || err.Error() != "the disk is full" {
		t.Errorf("got %v", err)
	}
}

func TestALongPathToTheStateFolderWorks(t *testing.T) {
	f := newFace(t, func(f *face, _ *Options) {
		f.dir = filepath.Join(f.dir, strings.Repeat("d", 120), strings.Repeat("e", 120))
		if err := os.MkdirAll(f.dir, 0o700); err != nil {
			f.t.Fatal(err)
		}
	})
	client, err := Dial(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Call(t.Context(), "nothing", nil, nil); err != nil {
		t.Error(err)
	}
	_ = client.Close()
	if info, err := os.Lstat(filepath.Join(f.dir, SocketName)); err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket is %v, %v", info, err)
	}
}
