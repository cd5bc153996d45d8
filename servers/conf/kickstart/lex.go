package kickstart

import (
	"strings"
	"unicode/utf8"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A lexed line is its words and what is odd about them.
type lexed struct {
	words []Value
	// quotes are the typographic quotation marks that stand where a plain one
	// would quote, by their place.
	quotes []Value
	// open is the quotation mark that nothing closes.
	open conf.Pos
}

// lex cuts a line into words by the rules of Python's shlex in POSIX mode with
// whitespace_split: blanks separate, both plain quotation marks quote, a
// backslash takes the next character as it is (inside of "…" only before " and
// \), and # begins a comment, in the middle of an unquoted word too. at is
// where the line begins.
func lex(line string, at conf.Pos) lexed {
	var out lexed
	var word strings.Builder
	in := false // a word has begun
	var start conf.Pos
	begin := func(i int) {
		if !in {
			in, start = true, at
			start.Col += i
		}
	}
	end := func() {
		if in {
			out.words = append(out.words, Value{word.String(), start})
			in = false
			word.Reset()
		}
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == ' ' || c == '\t' || c == '\r':
			end()
		case c == '#':
			end()
			return out
		case c == '\'' || c == '"':
			begin(i)
			n, ok := quoted(line[i:], &word)
			if !ok {
				out.open = at
				out.open.Col += i
				end()
				return out
			}
			i += n - 1
		case c == '\\':
			begin(i)
			if i++; i < len(line) {
				word.WriteByte(line[i])
			}
		default:
			begin(i)
			r, n := utf8.DecodeRuneInString(line[i:])
			if strings.ContainsRune("“”„‟", r) {
				pos := at
				pos.Col += i
				out.quotes = append(out.quotes, Value{string(r), pos})
			}
			word.WriteString(line[i : i+n])
			i += n - 1
		}
	}
	end()
	return out
}

// quoted reads what a quotation mark begins, and returns how many bytes that
// is. It is not ok if nothing closes it.
func quoted(s string, into *strings.Builder) (n int, ok bool) {
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == s[0]:
			return i + 1, true
		case c == '\\' && s[0] == '"' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			into.WriteByte(s[i])
		default:
			into.WriteByte(c)
		}
	}
	return len(s), false
}
