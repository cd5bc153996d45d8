package intftpd

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// An argument is an option that in.tftpd takes.
type argument struct {
	short byte   // 0 if there is none
	long  string // "" if there is none
	value bool   // it wants one
}

// arguments are those of 5.2; 5.3 adds -W and others.
var arguments = []argument{
	{'4', "ipv4", false}, {'6', "ipv6", false}, {'c', "create", false}, {'s', "secure", false},
	{'p', "permissive", false}, {'v', "verbose", false}, {0, "verbosity", true},
	{'V', "version", false}, {'l', "listen", false}, {'L', "foreground", false},
	{'a', "address", true}, {'B', "blocksize", true}, {'u', "user", true}, {'U', "umask", true},
	{'r', "refuse", true}, {'t', "timeout", true}, {'T', "retransmit", true},
	{'R', "port-range", true}, {'m', "map-file", true}, {'P', "pidfile", true},
}

// tftpOptions are those that -r may refuse: the ones in.tftpd knows.
var tftpOptions = []string{"blksize", "blksize2", "tsize", "timeout", "utimeout", "rollover"}

// ParseArgs reads in.tftpd's arguments, without the program's name. It takes
// them in any order, as getopt_long does: "-s" has no argument of its own, and
// the directory may stand anywhere.
func ParseArgs(args []Value) (*Service, conf.Problems) {
	p := &parser{s: newService()}
	p.args(args)
	p.finish()
	return p.s, p.problems
}

type parser struct {
	s          *Service
	problems   conf.Problems
	standalone bool
	ipv4, ipv6 bool
	address    Value
}

func (p *parser) report(effect conf.Effect, pos conf.Pos, id, hint, format string, args ...any) {
	p.problems = append(p.problems, conf.Problem{
		Pos: pos, Effect: effect, ID: id, Hint: hint, Text: fmt.Sprintf(format, args...),
	})
}

// exit is in.tftpd ending at its start.
func (p *parser) exit(pos conf.Pos, id, hint, format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	p.report(conf.Refusal, pos, id, hint, "%s, and in.tftpd ends", why)
	p.s.off(pos, why)
}

func (p *parser) args(args []Value) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch text := arg.Text; {
		case text == "--":
			p.s.Dirs = append(p.s.Dirs, args...)
			return
		case strings.HasPrefix(text, "--"):
			args = p.long(arg, args)
		case len(text) > 1 && text[0] == '-':
			args = p.short(arg, args)
		default:
			p.s.Dirs = append(p.s.Dirs, arg)
		}
	}
}

// long obeys "--name", "--name=value" or "--name value". A name may be cut
// short where that leaves no choice.
func (p *parser) long(arg Value, rest []Value) []Value {
	name, value, has := strings.Cut(arg.Text[2:], "=")
	var found []argument
	for _, a := range arguments {
		if a.long == name {
			found = []argument{a}
			break
		}
		if strings.HasPrefix(a.long, name) {
			found = append(found, a)
		}
	}
	if len(found) != 1 {
		p.unknown(arg)
		return rest
	}
	v := Value{Text: value, Pos: arg.Pos}
	v.Pos.Col += len(arg.Text) - len(value)
	switch a := found[0]; {
	case a.value && !has && len(rest) == 0:
		p.missing(arg)
	case a.value && !has:
		p.set(a, arg, rest[0])
		return rest[1:]
	case !a.value && has:
		p.unknown(arg)
	default:
		p.set(a, arg, v)
	}
	return rest
}

// short obeys a cluster such as "-vs" or "-unobody".
func (p *parser) short(arg Value, rest []Value) []Value {
	for i := 1; i < len(arg.Text); i++ {
		at := slices.IndexFunc(arguments, func(a argument) bool { return a.short == arg.Text[i] })
		if at < 0 {
			p.unknown(Value{Text: "-" + arg.Text[i:i+1], Pos: arg.Pos})
			continue
		}
		a := arguments[at]
		if !a.value {
			p.set(a, arg, Value{})
			continue
		}
		if v := (Value{Text: arg.Text[i+1:], Pos: arg.Pos}); v.Text != "" {
			v.Pos.Col += i + 1
			p.set(a, arg, v)
			return rest
		}
		if len(rest) == 0 {
			p.missing(arg)
			return nil
		}
		p.set(a, arg, rest[0])
		return rest[1:]
	}
	return rest
}

func (p *parser) unknown(arg Value) {
	hint := "5.2 takes those of its manual page; later versions have more"
	var names []string
	for _, a := range arguments {
		names = append(names, "--"+a.long)
	}
	if near := spell.Nearest(arg.Text, names...); near != "" && strings.HasPrefix(arg.Text, "--") {
		hint = "did you mean " + near + "?"
	}
	p.report(conf.Warning, arg.Pos, "intftpd-unknown-option", hint,
		"in.tftpd 5.2 knows no option %q; it says so in the log and goes on", arg.Text)
}

func (p *parser) missing(arg Value) {
	p.report(conf.Warning, arg.Pos, "intftpd-option-without-value", "add its value",
		"%q wants a value; in.tftpd passes over it", arg.Text)
}

func (p *parser) set(a argument, arg, v Value) {
	s := p.s
	switch a.long {
	case "ipv4":
		p.ipv4, p.ipv6 = true, false
	case "ipv6":
		p.ipv4, p.ipv6 = false, true
	case "create":
		s.Create = arg
	case "secure":
		s.Secure = arg
	case "permissive":
		s.Permissive = arg
	case "listen", "foreground":
		p.standalone = true
	case "version":
		p.exit(arg.Pos, "intftpd-version-only", "take -V out", "-V only prints the version")
	case "address":
		p.address = v
	case "user":
		s.User = v
	case "map-file":
		if s.MapFile.IsSet() {
			p.exit(arg.Pos, "intftpd-two-map-files", "keep one", "-m is given twice")
			return
		}
		s.MapFile = v
		p.report(conf.Doubt, v.Pos, "intftpd-map-file", "",
			"names are rewritten by the rules in %s, which are not read here", v.Text)
	case "blocksize":
		n, ok := atoi(v.Text)
		if !ok || n < MinBlockSize || n > MaxBlockSize {
			p.exit(v.Pos, "intftpd-block-size", "", "%q is no block size from %d to %d", v.Text, MinBlockSize, MaxBlockSize)
			return
		}
		s.BlockSizeMax = Number{n, v.Pos}
	case "retransmit":
		n, ok := atoi(v.Text)
		if !ok || n < 10_000 || n > 255_000_000 {
			p.exit(v.Pos, "intftpd-retransmit", "", "%q is no time from 10000 to 255000000 microseconds", v.Text)
			return
		}
		s.Retransmit = time.Duration(n) * time.Microsecond
	case "port-range":
		from, to, found := strings.Cut(v.Text, ":")
		low, ok1 := atoi(from)
		high, ok2 := atoi(to)
		if !found || !ok1 || !ok2 || low > high || high >= 65535 {
			p.exit(v.Pos, "intftpd-port-range", "write it as 4096:32760", "%q is no range of ports", v.Text)
			return
		}
		s.PortRange = v
	case "refuse":
		known := slices.ContainsFunc(tftpOptions, func(o string) bool { return strings.EqualFold(o, v.Text) })
		if !known {
			p.exit(v.Pos, "intftpd-refuse-unknown", "it knows "+strings.Join(tftpOptions, ", "),
				"-r %s names an option that in.tftpd 5.2 does not know", v.Text)
			return
		}
		s.Refuse = append(s.Refuse, v)
	case "umask":
		if _, err := strconv.ParseUint(v.Text, 8, 32); err != nil {
			p.exit(v.Pos, "intftpd-umask", "", "%q is no octal number", v.Text)
		}
	}
}

// finish checks what shows only when all arguments are there.
func (p *parser) finish() {
	s := p.s
	switch {
	case p.ipv4:
		s.Network = "udp4"
	case p.ipv6:
		s.Network = "udp6"
	}
	if p.address.IsSet() && p.standalone {
		a, ok := parseAddress(p.address.Text)
		if !ok {
			p.report(conf.Doubt, p.address.Pos, "intftpd-address", "write an address, in [] if it is IPv6, and :port",
				"%q is looked up by in.tftpd, and what it is there is not known here", p.address.Text)
		} else {
			s.Address = a
		}
	}
	if !s.Secure.IsSet() {
		for _, d := range s.Dirs {
			if !path.IsAbs(d.Text) {
				p.report(conf.Warning, d.Pos, "intftpd-relative-directory", "write an absolute path, or add -s",
					"without -s only absolute names are served, and none begins with %q", d.Text)
			}
		}
		return
	}
	switch len(s.Dirs) {
	case 0:
		pos := s.Secure.Pos
		p.exit(pos, "intftpd-no-directory", "name the directory", "-s is there without a directory")
	case 1:
	default:
		p.exit(s.Dirs[1].Pos, "intftpd-two-directories", "leave one", "-s takes one directory, and %q is a second", s.Dirs[1].Text)
	}
}

// atoi reads an unsigned decimal number and nothing else.
func atoi(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil
}
