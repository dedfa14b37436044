package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// closest is the candidate that takes the fewest changes, case aside; of equals the first by name.
func closest(got string, candidates []string) string {
	sorted := slices.Sorted(slices.Values(candidates))
	if len(sorted) == 0 {
		return ""
	}
	return slices.MinFunc(sorted, func(a, b string) int { return cmp.Compare(changes(got, a), changes(got, b)) })
}

// meant is the closest candidate if a slip of the pen explains the difference, else nothing.
func meant(got string, candidates []string) string {
	best := closest(got, candidates)
	if n := changes(got, best); best == "" || n > 1+len(best)/4 || n >= len(best) {
		return ""
	}
	return best
}

// changes counts the letters to insert, drop or replace (Levenshtein), case aside.
func changes(a, b string) int {
	from, to := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range to {
			cost := diagonal
			if r != s {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(to)]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
