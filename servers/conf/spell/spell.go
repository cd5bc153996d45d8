// Package spell finds the word that somebody may have meant.
package spell

import "strings"

// Nearest returns the known word that is nearest to word, without regard to
// case, or "" if none is near: one letter wrong in a word of up to four, two in
// one of up to eight, three beyond. Two letters that changed places count as
// one.
func Nearest(word string, known ...string) string {
	word = strings.ToLower(word)
	best, limit := "", 1+min(len(word)-1, 8)/4
	for _, k := range known {
		// The first of equals wins.
		if d := distance(word, strings.ToLower(k)); d <= limit && d < len(k) {
			best, limit = k, d-1
		}
	}
	return best
}

// distance is the optimal string alignment distance of a and b, in bytes.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	before, last, this := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		this[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			this[j] = min(last[j]+1, this[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				this[j] = min(this[j], before[j-2]+1)
			}
		}
		before, last, this = last, this, before
	}
	return last[len(b)]
}
