package xinetd

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// Numbers of values that an attribute takes.
const (
	anyNumber = -1 // any, with = alone
	set       = -2 // any, with += and -= too
)

// arity says how many values an attribute of a service takes.
var arity = map[string]int{
	"socket_type": 1, "protocol": 1, "wait": 1, "user": 1, "group": 1, "server": 1,
	"server_args": anyNumber, "instances": 1, "log_on_success": set, "log_on_failure": set,
	"log_type": anyNumber, "only_from": set, "no_access": set, "access_times": anyNumber,
	"type": anyNumber, "rpc_version": 1, "rpc_number": 1, "id": 1, "env": set, "port": 1,
	"passenv": set, "flags": anyNumber, "nice": 1, "redirect": 2, "banner": 1, "bind": 1,
	"interface": 1, "per_source": 1, "groups": 1, "banner_success": 1, "banner_fail": 1,
	"cps": 2, "disable": 1, "max_load": 1, "rlimit_as": 1, "rlimit_cpu": 1, "rlimit_data": 1,
	"rlimit_rss": 1, "rlimit_stack": 1, "rlimit_files": 1, "v6only": 1, "deny_time": 1,
	"umask": 1, "mdns": 1, "libwrap": 1,
}

// defaultable are the attributes that a defaults entry may have.
var defaultable = []string{
	"log_type", "log_on_success", "log_on_failure", "disabled", "no_access", "only_from",
	"instances", "passenv", "banner", "bind", "interface", "per_source", "groups",
	"banner_success", "banner_fail", "cps", "enabled", "max_load", "v6only", "umask", "mdns",
}

func (p *parser) service(name Value, attributes []Attribute) {
	s := &Service{Name: name, ID: name.Text}
	seen := map[string]conf.Pos{}
	for _, a := range attributes {
		n, known := arity[a.Name.Text]
		if !known {
			hint := ""
			if near := spell.Nearest(a.Name.Text, keys(arity)...); near != "" {
				hint = "did you mean " + near + "?"
			}
			p.report(conf.Warning, a.Name.Pos, "xinetd-unknown-attribute", hint,
				"xinetd knows no attribute %q and passes over the line", a.Name.Text)
			continue
		}
		key := a.Name.Text
		if key == "interface" {
			key = "bind"
		}
		first, again := seen[key]
		switch {
		case again && n != set:
			p.report(conf.Warning, a.Name.Pos, "xinetd-attribute-twice", "",
				"%s is set already (%s), and xinetd passes over this line", a.Name.Text, first)
			continue
		case a.Op != "=" && n != set:
			p.report(conf.Warning, a.Name.Pos, "xinetd-bad-operator", "write =",
				"%s does not take %s, and xinetd passes over the line", a.Name.Text, a.Op)
			continue
		case n > 0 && len(a.Values) != n:
			p.report(conf.Warning, a.Name.Pos, "xinetd-value-count", "keep the value alone; a note goes into a line of its own that begins with #",
				"%s takes %s, not %d, and xinetd passes over the line", a.Name.Text, plural(n), len(a.Values))
			continue
		}
		seen[key] = a.Name.Pos
		s.Attributes = append(s.Attributes, a)
		p.set(s, key, a)
	}
	p.c.Services = append(p.c.Services, s)
}

func plural(n int) string {
	if n == 1 {
		return "one value"
	}
	return fmt.Sprintf("%d values", n)
}

// off keeps a service from running. The first reason stays.
func (s *Service) off(pos conf.Pos, format string, args ...any) {
	if s.Runs() {
		s.Off, s.Why = pos, fmt.Sprintf(format, args...)
	}
}

// bad is xinetd's answer to a value that it cannot read: no service.
func (p *parser) bad(s *Service, v Value, what string) {
	p.report(conf.Refusal, v.Pos, "xinetd-bad-value", "", "%q is no %s, and xinetd disables the service", v.Text, what)
	s.off(v.Pos, "%q is no %s", v.Text, what)
}

func (p *parser) set(s *Service, key string, a Attribute) {
	one := Value{Pos: a.Name.Pos}
	if len(a.Values) > 0 {
		one = a.Values[0]
	}
	switch key {
	case "disable":
		switch one.Text {
		case "yes":
			p.report(conf.Warning, one.Pos, "xinetd-disabled", "write: disable = no",
				"the service %s is disabled, so nobody answers", s.Name.Text)
			s.off(one.Pos, "it is disabled")
		case "no":
		default:
			p.bad(s, one, "yes or no")
		}
	case "id":
		s.ID = one.Text
	case "socket_type":
		s.SocketType = one
		p.oneOf(s, one, "socket type", "stream", "dgram", "raw", "seqpacket")
	case "protocol":
		s.Protocol = one
	case "wait":
		s.Wait = one
		p.oneOf(s, one, "yes or no", "yes", "no")
	case "user":
		s.User = one
	case "server":
		s.Server = one
	case "server_args":
		s.Args = a.Values
		p.notes(a)
		if len(a.Values) == 0 {
			p.report(conf.Refusal, a.Name.Pos, "xinetd-bad-value", "", "server_args has no value, and xinetd disables the service")
			s.off(a.Name.Pos, "server_args has no value")
		}
	case "flags":
		s.Flags = a.Values
		for _, v := range a.Values {
			p.oneOf(s, v, "flag", "REUSE", "INTERCEPT", "NORETRY", "IDONLY", "NAMEINARGS", "NODELAY",
				"KEEPALIVE", "NOLIBWRAP", "SENSOR", "IPv4", "IPv6", "LABELED")
		}
	case "type":
		s.Type = a.Values
		for _, v := range a.Values {
			p.oneOf(s, v, "service type", "RPC", "INTERNAL", "UNLISTED", "SPECIAL", "TCPMUX", "TCPMUXPLUS")
		}
	case "port":
		s.Port = one
		if n, err := strconv.Atoi(one.Text); err != nil || n < 0 || n > 65535 {
			p.bad(s, one, "port")
		}
	case "bind":
		s.Bind = one
	case "only_from":
		s.OnlyFrom = p.hosts(s.OnlyFrom, a)
	case "no_access":
		s.NoAccess = p.hosts(s.NoAccess, a)
	case "access_times":
		s.AccessTimes = a.Values
	case "per_source":
		s.PerSource = one
		p.limit(s, one)
	case "instances":
		s.Instances = one
		p.limit(s, one)
	case "cps":
		s.CPS = a.Values
		for _, v := range a.Values {
			if _, err := strconv.ParseUint(v.Text, 10, 32); err != nil {
				p.bad(s, v, "number")
			}
		}
	}
}

func (p *parser) oneOf(s *Service, v Value, what string, known ...string) {
	if !slices.Contains(known, v.Text) {
		p.bad(s, v, what)
	}
}

func (p *parser) limit(s *Service, v Value) {
	if n, err := strconv.Atoi(v.Text); v.Text != "UNLIMITED" && (err != nil || n < 0) {
		p.bad(s, v, "number or UNLIMITED")
	}
}

// notes looks for remarks behind arguments: xinetd has no such comments, and
// gives every word to the program.
func (p *parser) notes(a Attribute) {
	for _, v := range a.Values {
		if strings.HasPrefix(v.Text, "//") || strings.HasPrefix(v.Text, "#") || strings.HasPrefix(v.Text, "(") {
			p.report(conf.Warning, v.Pos, "xinetd-note-in-arguments", "put it into a line of its own that begins with #",
				"xinetd has no comments behind a value: %s and what follows are arguments of the program", v.Text)
			return
		}
	}
}

// finish fills in the defaults, and takes out what cannot run.
func (p *parser) finish() {
	var enabled, disabled []Value
	haveEnabled := false
	for _, a := range p.c.Defaults {
		if !slices.Contains(defaultable, a.Name.Text) {
			p.report(conf.Warning, a.Name.Pos, "xinetd-unknown-attribute", "",
				"%q does not belong into defaults, and xinetd passes over the line", a.Name.Text)
			continue
		}
		switch a.Name.Text {
		case "enabled":
			enabled, haveEnabled = append(enabled, a.Values...), true
		case "disabled":
			disabled = append(disabled, a.Values...)
		}
	}
	for _, s := range p.c.Services {
		p.fill(s)
		if haveEnabled {
			if slices.ContainsFunc(enabled, func(v Value) bool { return v.Text == s.ID }) {
				// The list is the last word, even over disable = yes.
				s.Off, s.Why = conf.Pos{}, ""
			} else {
				s.off(s.Name.Pos, "the defaults enable other services alone")
			}
		}
		for _, v := range disabled {
			if v.Text == s.ID {
				s.off(v.Pos, "the defaults disable it")
			}
		}
		p.require(s)
	}
}

// fill takes from the defaults what the service does not set.
func (p *parser) fill(s *Service) {
	for _, a := range p.c.Defaults {
		if !slices.Contains(defaultable, a.Name.Text) || a.Name.Text == "enabled" || a.Name.Text == "disabled" {
			continue
		}
		own := slices.ContainsFunc(s.Attributes, func(b Attribute) bool {
			// += and -= change what the defaults say; = replaces it.
			return b.Name.Text == a.Name.Text && (b.Op == "=" || arity[a.Name.Text] != set)
		})
		n := arity[a.Name.Text]
		if own || n > 0 && len(a.Values) != n {
			continue
		}
		switch a.Name.Text {
		case "only_from", "no_access":
			p.mergeHosts(s, a)
		default:
			p.set(s, a.Name.Text, a)
		}
	}
}

// require keeps a service from running that lacks something.
func (p *parser) require(s *Service) {
	if !s.Runs() || slices.ContainsFunc(s.Type, func(v Value) bool { return v.Text == "INTERNAL" }) {
		return
	}
	for _, need := range []struct {
		name string
		v    Value
	}{{"socket_type", s.SocketType}, {"wait", s.Wait}, {"user", s.User}, {"server", s.Server}} {
		if !need.v.IsSet() {
			p.report(conf.Refusal, s.Name.Pos, "xinetd-missing-attribute", "add it",
				"the service %s has no %s, and xinetd disables it", s.Name.Text, need.name)
			s.off(s.Name.Pos, "it has no %s", need.name)
		}
	}
	if s.HasFlag("IPv4") && s.HasFlag("IPv6") {
		s.off(s.Name.Pos, "it has the flags IPv4 and IPv6 at once")
	}
}

// includable are the files of a directory that xinetd reads, as paths and in
// its order.
func includable(dir string, names []string) []string {
	var files []string
	for _, n := range names {
		if n != "" && !strings.Contains(n, ".") && !strings.HasSuffix(n, "~") {
			files = append(files, path.Join(dir, n))
		}
	}
	slices.Sort(files)
	return files
}

func keys(m map[string]int) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}
