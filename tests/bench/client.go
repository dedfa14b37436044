package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"holdfast/tests/rig"
)

// post is what a load consists of.
type post struct {
	path    string
	headers []string
	body    string
}

// pressure is how much of it there is.
type pressure struct {
	connections int
	rate        float64 // 0: flat out
	warmup      time.Duration
	during      time.Duration
	requests    uint64 // 0: by time only
	first       uint64
}

// answers are the last line of the generator, as far as it is looked at.
type answers struct {
	Rate     float64           `json:"rps"`
	P50      float64           `json:"p50_ms"`
	P99      float64           `json:"p99_ms"`
	Answers  uint64            `json:"answers"`
	Non2xx   uint64            `json:"non2xx"`
	Statuses map[string]uint64 `json:"statuses"`
	Errors   map[string]uint64 `json:"errors"`
	Failed   uint64            `json:"failed"`
	Requests uint64            `json:"requests"`
	Unsent   uint64            `json:"unsent"`
	CPU      float64           `json:"client_cpu_us_per_request"`
}

// load runs the generator against a server. Whatever was not answered 2xx is an error.
func (b *bench) load(g *rig.Gateway, what post, p pressure) (answers, error) {
	body, err := os.CreateTemp(b.Dir, "body-")
	if err != nil {
		return answers{}, err
	}
	defer os.Remove(body.Name())
	_, err = body.WriteString(what.body)
	if err := errors.Join(err, body.Close()); err != nil {
		return answers{}, err
	}
	args := []string{
		g.URL + what.path, "--body=@" + body.Name(), fmt.Sprintf("--connections=%d", p.connections), fmt.Sprintf("--rate=%g", p.rate),
		"--duration=" + p.during.String(), "--warmup=" + p.warmup.String(), fmt.Sprintf("--requests=%d", p.requests),
		fmt.Sprintf("--first=%d", p.first), "--timeout=30s",
	}
	for _, h := range what.headers {
		args = append(args, "--header="+h)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(b.Peer, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return answers{}, fmt.Errorf("load %s: %w: %s", what.path, err, stderr.String())
	}
	a, err := lastLine[answers](string(out))
	if err == nil && (a.Non2xx > 0 || a.Failed > 0) {
		err = fmt.Errorf("load %s: not all was answered 2xx: statuses %v, errors %v\n%s", what.path, a.Statuses, a.Errors, g.Log())
	}
	return a, err
}

// lastLine decodes the last line of a program's output.
func lastLine[T any](out string) (v T, err error) {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	last := lines[len(lines)-1]
	if err := json.Unmarshal([]byte(last), &v); err != nil {
		return v, fmt.Errorf("read the last line of the output: %w: %s", err, last)
	}
	return v, nil
}

// payloads.
const (
	bodySize     = 1 << 10 // bytes, of every body
	bearerSecret = "bench-secret-of-an-account"
	bubblesWord  = "bench-password"
	callbackKey  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// filled is a document as long as it has to be on the wire; of the three parts the text is the one that can be of any length.
func filled(before, after string) string {
	wire := strings.NewReplacer("{n}", strings.Repeat("0", 12), "{c}", strings.Repeat("0", 5), "{t}", strings.Repeat("0", 16))
	return before + strings.Repeat("x", bodySize-len(wire.Replace(before+after))) + after
}

// webhookPost is a message of a program: one conversation a connection, no message twice.
func webhookPost(conversation string) post {
	return post{
		path: "/hook/a0", headers: []string{"Content-Type: application/json", "Authorization: Bearer " + bearerSecret + "-0"},
		body: filled(`{"id":"m-{n}","conversation":"`+conversation+`","sender":"somebody","text":"sent at {t} `, `"}`),
	}
}

// bubblesPost is a message as a BlueBubbles server posts it: somebody else's, or ours that it has sent.
func bubblesPost(ours bool) post {
	return post{
		path: "/bluebubbles-webhook?password=" + bubblesWord, headers: []string{"Content-Type: application/json"},
		body: filled(`{"type":"new-message","data":{"originalROWID":1,"guid":"B-{n}","text":"`,
			`","attributedBody":null,"handle":{"originalROWID":3,"address":"+1555{c}","service":"iMessage","country":"us"},"handleId":3,`+
				`"otherHandle":0,"attachments":[],"subject":"","error":0,"dateCreated":1767225600000,"dateRead":null,"dateDelivered":null,`+
				fmt.Sprintf(`"isFromMe":%t,`, ours)+`"hasDdResults":false,"isArchived":false,"itemType":0,"groupTitle":null,"groupActionType":0,`+
				`"associatedMessageGuid":null,"associatedMessageType":null,"chats":[{"originalROWID":2,"guid":"iMessage;-;+1555{c}","style":45,`+
				`"chatIdentifier":"+1555{c}","isArchived":false,"displayName":""}]}}`),
	}
}
