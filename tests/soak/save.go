package main

import (
	"os"
	"time"
)

// way is how an editor or a tool saves a file.
type way struct {
	name  string
	save  func(path, content string) error
	whole bool // no reader ever sees a part of it, nor nothing
}

// ways of saving, as they are met.
var ways = []way{
	{"in place", inPlace, false},
	{"by rename", byRename, true},
	{"as vim does", asVim, false},
	{"in pieces", inPieces, false},
}

const pause = 15 * time.Millisecond // between pieces

func inPlace(path, content string) error { return os.WriteFile(path, []byte(content), 0o600) }

// byRename writes beside the file and puts it in its place.
func byRename(path, content string) error {
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// asVim moves the file away and writes a new one, so that for a moment there is none.
func asVim(path, content string) error {
	if err := os.Rename(path, path+"~"); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return os.Remove(path + "~")
}

// inPieces is what a slow upload looks like.
func inPieces(path, content string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	const pieces = 3
	for i := range pieces {
		if i > 0 {
			time.Sleep(pause)
		}
		if _, err := f.WriteString(content[len(content)*i/pieces : len(content)*(i+1)/pieces]); err != nil {
			return err
		}
	}
	return nil
}
