package exports

import (
	"maps"
	"slices"
	"strings"
)

// nearest is a known option at one slip's distance, "" if there is none.
func nearest(opt string) string {
	for _, table := range [][]string{keys(flags), keys(withoutEffect), {"anonuid", "anongid", "fsid", "sec"}} {
		for _, known := range table {
			if strings.EqualFold(opt, known) || slip(opt, known) {
				return known
			}
		}
	}
	return ""
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// slip says whether a becomes b by one insertion, deletion, replacement or
// exchange of neighbours, or by - for _.
func slip(a, b string) bool {
	a = strings.ReplaceAll(a, "-", "_")
	if a == b {
		return true
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	if len(a)+i <= 2 || len(b)+i <= 2 {
		return false // ro, rw and sync are all near to something
	}
	switch {
	case len(a) > 0 && a[1:] == b, len(b) > 0 && a == b[1:]:
		return true
	case len(a) > 0 && len(b) > 0 && a[1:] == b[1:]:
		return true
	case len(a) > 1 && len(b) > 1:
		return a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
	}
	return false
}
