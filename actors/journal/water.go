package journal

import "fmt"

// DefaultMinFree is how much room the disk must have for the journal to take anything new.
const DefaultMinFree uint64 = 128 << 20

// ballastSize is kept occupied, so that there is something to give when the disk is full.
const ballastSize = 16 << 20

// water decides by the free space of the disk what the journal takes. It is a value.
//
//	free ≥ resume + ballast   the ballast is made again if it is gone
//	free ≥ resume             takes again, if it had stopped (resume is a quarter above min, so it does not flap)
//	free < min                takes nothing new; what was accepted goes on
//	free < min/8              gives the ballast
type water struct {
	dir     string
	min     uint64
	free    uint64
	taken   uint64 // bytes written since the last look
	low     bool
	ballast bool // is there
}

// order is what is to be done with the ballast.
type order uint8

const (
	leaveBallast order = iota
	giveBallast
	makeBallast
)

func (w water) resume() uint64 { return w.min + w.min/4 }

// look takes in how much is free now.
func (w water) look(free uint64) (water, order) {
	w.free, w.taken = free, 0
	switch {
	case free < w.min:
		w.low = true
	case free >= w.resume():
		w.low = false
	}
	switch {
	case free < w.min/8 && w.ballast:
		return w, giveBallast
	case free >= w.resume()+ballastSize && !w.ballast:
		return w, makeBallast
	}
	return w, leaveBallast
}

// wrote notes bytes that went to the disk.
func (w water) wrote(bytes uint64) water {
	w.taken += bytes
	return w
}

// stale tells that so much was written since the last look that it says little by now.
func (w water) stale() bool { return w.taken >= bigBatch }

// why says for people why nothing is taken; empty when it is.
func (w water) why() string {
	if !w.low {
		return ""
	}
	return fmt.Sprintf("%s free on the disk of %s, %s needed: make room there", megabytes(w.free), w.dir, megabytes(w.resume()))
}

func megabytes(n uint64) string { return fmt.Sprintf("%d MiB", n>>20) }
