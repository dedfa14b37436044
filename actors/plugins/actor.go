package plugins

import (
	"context"
	"encoding/json"
	"errors"

	"holdfast/actors/kit"
)

// errResult is a plugin's fault.
var errResult = errors.New("a bug in the plugin: its result is no JSON; please report it")

// Spec is the actor ready to be started.
func Spec(registry kit.Addr) kit.Spec {
	return kit.Def[State]{
		Kind:  "plugins",
		Core:  true, // nothing else starts it again
		State: State{Registry: registry},
		Step:  Step,
		Work:  func(life context.Context, what any) (any, error) { return what.(job).do(life) }, //nolint:forcetypeassert // the machine has no other job
	}.Spec()
}

// do runs the plugin's code until it returns; its context ends with its deadline, or with the actor.
func (j job) do(life context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(life, callWithin)
	defer cancel()
	result, err := j.call(ctx, j.params)
	switch {
	case err != nil:
		return nil, err
	case len(result) == 0:
		return []byte("null"), nil
	case !json.Valid(result):
		return nil, errResult
	}
	return result, nil
}
