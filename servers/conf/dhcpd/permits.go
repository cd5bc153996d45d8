package dhcpd

import (
	"strconv"
	"time"
)

// permit reads what an allow or deny of a pool is about.
func (c *cursor) permit() (Permit, bool) {
	pm := Permit{Pos: c.pos()}
	clients := true // the word "clients" follows
	t := c.next()
	switch t.word {
	case "unknown":
		pm.Kind = UnknownClients
	case "known":
		pm.Kind = KnownClients
	case "unknown-clients":
		pm.Kind, clients = UnknownClients, false
	case "known-clients":
		pm.Kind, clients = KnownClients, false
	case "authenticated":
		pm.Kind = AuthenticatedClients
	case "unauthenticated":
		pm.Kind = UnauthenticatedClients
	case "all":
		pm.Kind = AllClients
	case "dynamic":
		pm.Kind = DynamicBOOTPClients
		if !c.expect("bootp") {
			return pm, false
		}
	case "members":
		pm.Kind, clients = MembersOf, false
		if !c.expect("of") {
			return pm, false
		}
		if pm.Class = c.className(); pm.Class == nil {
			return pm, false
		}
	case "after":
		pm.Kind, clients = After, false
		var ok bool
		if pm.When, ok = c.date(); !ok {
			return pm, false
		}
	default:
		c.failAt(t, idSyntax, "a kind of client expected, such as known-clients or members of \"class\", not %s", t.describe())
		return pm, false
	}
	return pm, !clients || c.expect("clients")
}

// date reads "W YYYY/MM/DD HH:MM:SS" with an optional offset in seconds,
// "epoch SECONDS", or "never".
func (c *cursor) date() (time.Time, bool) {
	if c.accept("never") {
		return time.Unix(1<<31-1, 0), true
	}
	bad := func(t token) (time.Time, bool) {
		c.failAt(t, idValue, "a date expected, such as 4 2026/01/01 00:00:00, not %s", t.describe())
		return time.Time{}, false
	}
	next := func() (int, token) {
		t := c.next()
		n, err := strconv.Atoi(t.text)
		if t.kind != number || err != nil || n < -1<<31 || n > 1<<32 {
			return -1, t
		}
		return n, t
	}
	if c.accept("epoch") {
		n, t := next()
		if n < 0 {
			return bad(t)
		}
		return time.Unix(int64(n), 0), true
	}
	// After each of the numbers comes this; the first is the day of the week,
	// which dhcpd does not look at.
	var v [7]int
	for i, after := range []string{"", "/", "/", "", ":", ":", ""} {
		n, t := next()
		if n < 0 {
			return bad(t)
		}
		v[i] = n
		if after != "" && !c.expect(after) {
			return time.Time{}, false
		}
	}
	if v[1] < 1900 {
		v[1] += 1900
	}
	when := time.Date(v[1], time.Month(v[2]), v[3], v[4], v[5], v[6], 0, time.UTC)
	if t := c.peek(); !c.atEnd() && t.kind == number {
		c.i++
		offset, _ := strconv.Atoi(t.text)
		when = when.Add(time.Duration(offset) * time.Second)
	}
	return when, true
}
