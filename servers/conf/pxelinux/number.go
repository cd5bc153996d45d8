package pxelinux

import (
	"strconv"
	"strings"
)

// maxNumber bounds what a number may be, so that no sum of them overflows.
const maxNumber = 1 << 31

// cNumber reads a number as strtol does: blanks, a sign, digits, and whatever
// follows them is left. Whole says that nothing did, and that there were
// digits. In base 0 a leading 0x means hexadecimal and 0 octal.
func cNumber(s string, base int) (n int, whole bool) {
	s = strings.Trim(s, " \t\n\v\f\r")
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = strings.Trim(s[:1], "+"), s[1:]
	}
	if base == 0 {
		switch base = 10; {
		case len(s) > 2 && strings.EqualFold(s[:2], "0x"):
			base, s = 16, s[2:]
		case len(s) > 1 && s[0] == '0':
			base = 8
		}
	}
	end := 0
	for end < len(s) {
		if d, err := strconv.ParseUint(s[end:end+1], 16, 8); err != nil || int(d) >= base {
			break
		}
		end++
	}
	v, err := strconv.ParseInt(sign+s[:end], base, 64)
	v = min(max(v, -maxNumber), maxNumber)
	return int(v), err == nil && end == len(s)
}
