package captures

import "slices"

// ranges is a set of numbers as sorted ranges [from, to) that do not touch.
type ranges struct {
	r []span
}

type span struct{ from, to int64 }

// maxRanges bounds a set. One that is more ragged than this loses its last
// ranges: what was seen is then undercounted, never overcounted.
const maxRanges = 4096

// add puts [from, to) in and returns how much of it was new.
func (s *ranges) add(from, to int64) int64 {
	if from >= to {
		return 0
	}
	// Nearly always it goes on where the last range ends.
	if n := len(s.r); n > 0 && s.r[n-1].to == from {
		s.r[n-1].to = to
		return to - from
	}
	i, _ := slices.BinarySearchFunc(s.r, from, func(e span, v int64) int {
		if e.to < v {
			return -1
		}
		return 1
	})
	fresh := to - from
	j := i
	lo, hi := from, to
	for ; j < len(s.r) && s.r[j].from <= to; j++ {
		fresh -= max(0, min(s.r[j].to, to)-max(s.r[j].from, from))
		lo, hi = min(lo, s.r[j].from), max(hi, s.r[j].to)
	}
	if i == j {
		if len(s.r) >= maxRanges {
			return 0
		}
		s.r = slices.Insert(s.r, i, span{lo, hi})
		return fresh
	}
	s.r[i] = span{lo, hi}
	s.r = slices.Delete(s.r, i+1, j)
	return fresh
}

// covers says whether all of [from, to) is in.
func (s *ranges) covers(from, to int64) bool {
	if from >= to {
		return true
	}
	for _, e := range s.r {
		if e.from <= from && to <= e.to {
			return true
		}
	}
	return false
}

// remove takes one number out and says whether it was in.
func (s *ranges) remove(v int64) bool {
	for i := len(s.r) - 1; i >= 0; i-- {
		e := s.r[i]
		if v >= e.to {
			return false
		}
		if v < e.from {
			continue
		}
		switch {
		case e.from == v && e.to == v+1:
			s.r = slices.Delete(s.r, i, i+1)
		case e.from == v:
			s.r[i].from++
		case e.to == v+1:
			s.r[i].to--
		case len(s.r) < maxRanges:
			s.r[i].to = v
			s.r = slices.Insert(s.r, i+1, span{v + 1, e.to})
		}
		return true
	}
	return false
}
