package verdict

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pxeproof/pxeproof/captures"
)

// valueText is a field's value as Match.Value writes it; ok is false if the
// event has no such field.
func valueText(e *captures.Event, field string) (text string, ok bool) {
	if field == BootFile {
		f := bootFile(e)
		return f, f != ""
	}
	switch v := e.Get(field).(type) {
	case nil:
		return "", false
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case bool:
		return strconv.FormatBool(v), true
	case netip.Addr:
		return v.String(), v.IsValid()
	case net.HardwareAddr:
		return v.String(), true
	case []byte:
		return hexPairs(v), true
	default:
		return fmt.Sprint(v), true
	}
}

// bootFile is the boot file of a DHCP message: the header's, else option 67
// (RFC 2132, 9.5), which may end in a NUL.
func bootFile(e *captures.Event) string {
	if f := e.Text("dhcp.file"); f != "" {
		return f
	}
	return strings.TrimRight(e.Text("dhcp.option.bootfile_name"), "\x00")
}

func hexPairs(b []byte) string {
	var s strings.Builder
	for i, c := range b {
		if i > 0 {
			s.WriteByte(':')
		}
		s.WriteString(hex.EncodeToString([]byte{c}))
	}
	return s.String()
}

// check says whether the event meets the condition, and what it has instead.
func (m *compiledMatch) check(e *captures.Event) (ok bool, got string) {
	got, there := valueText(e, m.Field)
	if !there {
		return m.Op == Missing || m.Op == NotEqual, "nothing"
	}
	switch m.Op {
	case Equal, "":
		ok = got == m.Value
	case NotEqual:
		ok = got != m.Value
	case OneOf:
		ok = slices.Contains(m.Values, got)
	case Prefix:
		ok = strings.HasPrefix(got, m.Value)
	case Contains:
		ok = strings.Contains(got, m.Value)
	case Regexp:
		ok = m.re != nil && m.re.MatchString(got)
	case AtLeast, AtMost:
		a, errA := strconv.ParseFloat(got, 64)
		b, errB := strconv.ParseFloat(m.Value, 64)
		ok = errA == nil && errB == nil && (m.Op == AtLeast && a >= b || m.Op == AtMost && a <= b)
	case Present:
		ok = true
	}
	return ok, got
}

// want is the condition in words.
func (m *Match) want() string {
	switch m.Op {
	case Equal, "":
		return m.Value
	case NotEqual:
		return "anything but " + m.Value
	case OneOf:
		return "one of " + strings.Join(m.Values, ", ")
	case Prefix:
		return m.Value + "…"
	case Contains:
		return "…" + m.Value + "…"
	case Regexp:
		return "/" + m.Value + "/"
	case Present:
		return "any value"
	case Missing:
		return "nothing"
	}
	return string(m.Op) + " " + m.Value
}

type compiledMatch struct {
	Match
	re *regexp.Regexp
}

// compile checks a Match and prepares it.
func (m Match) compile() (compiledMatch, error) {
	c := compiledMatch{Match: m}
	if m.Field == "" {
		return c, fmt.Errorf("a match names no field")
	}
	switch m.Op {
	case "", Equal, NotEqual, Prefix, Contains, Present, Missing:
	case OneOf:
		if len(m.Values) == 0 {
			return c, fmt.Errorf("match of %s: %q has no values", m.Field, m.Op)
		}
	case AtLeast, AtMost:
		if _, err := strconv.ParseFloat(m.Value, 64); err != nil {
			return c, fmt.Errorf("match of %s: %q needs a number, not %q", m.Field, m.Op, m.Value)
		}
	case Regexp:
		re, err := regexp.Compile(m.Value)
		if err != nil {
			return c, fmt.Errorf("match of %s: %w", m.Field, err)
		}
		c.re = re
	default:
		return c, fmt.Errorf("match of %s: %q is no operator", m.Field, m.Op)
	}
	return c, nil
}

// sameFile says whether two names mean the same file in a server's root:
// slashes of either kind, doubled or leading, do not count, nor does ".".
func sameFile(a, b string) bool { return cleanName(a) == cleanName(b) }

func cleanName(name string) string {
	if cleanAlready(name) {
		return name
	}
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '\\' })
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "." }), "/")
}

func cleanAlready(name string) bool {
	return name != "" && name[0] != '/' && name[0] != '.' &&
		!strings.Contains(name, `\`) && !strings.Contains(name, "//") && !strings.Contains(name, "/.") &&
		name[len(name)-1] != '/'
}

// baseName is the last part of a file's name.
func baseName(name string) string {
	name = cleanName(name)
	return name[strings.LastIndexByte(name, '/')+1:]
}
