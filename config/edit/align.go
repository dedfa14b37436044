package edit

// pair is an item of the old and one of the new list that are equal.
type pair struct{ old, now int }

// An item that was taken over from the old list is the same one, wherever else the same value stands.
const (
	likeness = 1 << 20
	identity = 1
	cells    = 1 << 20 // of the table below, for lists of a thousand items
)

func score(a, b *value) int {
	switch {
	case a == b:
		return likeness + identity
	case equal(a, b):
		return likeness
	}
	return 0
}

// common finds what two lists have in common, in order: as much as possible. If as much is equal place by place, then
// those, because then nothing was put in or taken out.
func common(old, now []*value) []pair {
	inPlace, best := placeByPlace(old, now)
	if len(old)*len(now) > cells {
		return inPlace
	}
	table := make([][]int, len(old)+1) // the best score from here on
	for i := range table {
		table[i] = make([]int, len(now)+1)
	}
	for i := len(old) - 1; i >= 0; i-- {
		for j := len(now) - 1; j >= 0; j-- {
			table[i][j] = max(table[i+1][j], table[i][j+1])
			if s := score(old[i], now[j]); s > 0 {
				table[i][j] = max(table[i][j], table[i+1][j+1]+s)
			}
		}
	}
	if len(old) == len(now) && best >= table[0][0] {
		return inPlace
	}
	var out []pair
	for i, j := 0, 0; i < len(old) && j < len(now); {
		switch s := score(old[i], now[j]); {
		case s > 0 && table[i][j] == table[i+1][j+1]+s:
			out = append(out, pair{i, j})
			i, j = i+1, j+1
		case table[i][j] == table[i+1][j]:
			i++
		default:
			j++
		}
	}
	return out
}

func placeByPlace(old, now []*value) (out []pair, total int) {
	for i := range min(len(old), len(now)) {
		if s := score(old[i], now[i]); s > 0 {
			out = append(out, pair{i, i})
			total += s
		}
	}
	return out, total
}
