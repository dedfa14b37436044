package explore

import "math/bits"

// digest is 128 bits of hash; states are known by it.
type digest [2]uint64

const (
	prime1 = 0x9E3779B97F4A7C15
	prime2 = 0xC2B2AE3D27D4EB4F
	prime3 = 0xD6E8FEB86659FD93
)

// word mixes 64 bits in.
func (d *digest) word(x uint64) {
	hi, lo := bits.Mul64(d[0]^x^prime1, prime2)
	d[0] = hi ^ lo ^ bits.RotateLeft64(d[1], 23)
	hi, lo = bits.Mul64(d[1]^bits.RotateLeft64(x, 32)^prime3, prime1)
	d[1] = hi ^ lo ^ bits.RotateLeft64(d[0], 17)
}

// text mixes a string in, with its length.
func (d *digest) text(s string) {
	d.word(uint64(len(s)))
	for len(s) >= 8 {
		d.word(uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56)
		s = s[8:]
	}
	var last uint64
	for i := range len(s) {
		last |= uint64(s[i]) << (8 * i)
	}
	d.word(last)
}

// nameOf gives a name a number.
func nameOf(s string) uint64 {
	var d digest
	d.text(s)
	return d[0]
}
