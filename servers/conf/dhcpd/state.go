package dhcpd

import "github.com/pxeproof/pxeproof/servers/conf"

// hashSize is the number of buckets of dhcpd's option tables. It shows: without
// a parameter request list, options leave in the order of the buckets.
const hashSize = 17

// A held is an option with the value that a reply is to have, which is
// evaluated only when it is needed.
type held struct {
	option *Option
	value  *expr
	pos    conf.Pos
}

// A table holds the options of one space.
type table [hashSize][]*held

func bucket(code uint32) int { return int((code&31 + code>>5&31) % hashSize) }

func (t *table) find(code uint32) *held {
	for _, h := range t[bucket(code)] {
		if h.option.Code == code {
			return h
		}
	}
	return nil
}

// A state is what a reply is to hold: options, and the parameters of the space
// "server".
type state struct {
	tables map[*Space]*table
}

func newState() *state { return &state{tables: make(map[*Space]*table)} }

func (s *state) find(space *Space, code uint32) *held {
	if s == nil || s.tables[space] == nil {
		return nil
	}
	return s.tables[space].find(code)
}

// put sets an option. One that is there already keeps its place in its bucket;
// a new one comes first in it.
func (s *state) put(h *held) {
	t := s.tables[h.option.Space]
	if t == nil {
		t = new(table)
		s.tables[h.option.Space] = t
	}
	b := bucket(h.option.Code)
	for i, old := range t[b] {
		if old.option.Code == h.option.Code {
			t[b][i] = h
			return
		}
	}
	t[b] = append([]*held{h}, t[b]...)
}

func (s *state) delete(space *Space, code uint32) {
	t := s.tables[space]
	if t == nil {
		return
	}
	b := bucket(code)
	for i, h := range t[b] {
		if h.option.Code == code {
			t[b] = append(t[b][:i:i], t[b][i+1:]...)
			return
		}
	}
}

// each calls f with the options of a space in the order of its table.
func (s *state) each(space *Space, f func(*held)) {
	if t := s.tables[space]; t != nil {
		for i := range t {
			for _, h := range t[i] {
				f(h)
			}
		}
	}
}
