// Package ipxe predicts from an iPXE script, and from what the TFTP server has,
// which files iPXE asks for and what it boots.
//
// It follows the plain cases: set, isset, iseq, goto, chain, kernel, initrd,
// imgargs, boot and their companions, with || and &&, and the settings of
// [Client]. Whatever depends on a person, on hardware or on another server
// (menus, prompts, shells, HTTP, SAN disks) is named, and called dynamic.
package ipxe

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"path"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
)

// A Client is the machine that boots, as far as scripts look at it.
type Client struct {
	MAC           net.HardwareAddr
	UUID          string
	Addr, Gateway netip.Addr
	Mask          netip.Addr
	Server        netip.Addr // next-server
	BootFile      string     // the script's own name
	EFI           bool
}

// Limits of what a hostile script can make of itself.
const (
	maxSteps = 10_000
	maxDepth = 16
	maxValue = 16 << 10
)

// IsScript says whether a boot file is a script.
func IsScript(src []byte) bool { return bytes.HasPrefix(src, []byte("#!ipxe")) }

// Predict says what iPXE does once it has fetched the script c.BootFile. The
// script itself is the first of the lookups.
func Predict(c Client, files pxelinux.Files) *pxelinux.Prediction {
	p := &predictor{client: c, files: files, out: new(pxelinux.Prediction), cwd: path.Dir("/" + c.BootFile), vars: map[string]string{}}
	l := p.ask(pxelinux.UseConfig, c.BootFile, conf.Pos{})
	if !l.Found {
		p.end(pxelinux.Stops, conf.Pos{}, "the script %s is not there", l.File)
	} else if p.script(l) && p.out.Boot.Outcome == "" {
		p.end(pxelinux.Stops, p.last, "the script ends without booting anything")
	}
	return p.out
}

type predictor struct {
	client Client
	files  pxelinux.Files
	out    *pxelinux.Prediction
	vars   map[string]string
	cwd    string // folder of the script that runs
	steps  int
	depth  int
	last   conf.Pos
}

// end is the end of the prediction. It returns false, so that callers can return
// it.
func (p *predictor) end(o pxelinux.Outcome, at conf.Pos, format string, args ...any) bool {
	p.out.Boot.Outcome, p.out.Boot.Reason, p.out.Boot.Pos = o, fmt.Sprintf(format, args...), at
	return false
}

func (p *predictor) report(effect conf.Effect, at conf.Pos, id, hint, format string, args ...any) {
	if len(p.out.Problems) < 1000 {
		p.out.Problems = append(p.out.Problems, conf.Problem{Pos: at, Effect: effect, ID: id, Hint: hint, Text: fmt.Sprintf(format, args...)})
	}
}

// ask adds a lookup.
func (p *predictor) ask(use pxelinux.Use, uri string, at conf.Pos) pxelinux.Lookup {
	l := pxelinux.Lookup{File: p.resolve(uri), Use: use, Pos: at}
	if !l.Elsewhere() {
		size, ok := p.files.Size(l.Name)
		l.Found = ok && size > 0
	}
	p.out.Lookups = append(p.out.Lookups, l)
	return l
}

// resolve is what iPXE asks for by a URI: one without a scheme belongs to the
// folder of the script (RFC 3986, section 5).
func (p *predictor) resolve(uri string) pxelinux.File {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		if strings.HasPrefix(uri, "/") || uri == p.client.BootFile {
			return pxelinux.File{Scheme: "tftp", Name: uri}
		}
		return pxelinux.File{Scheme: "tftp", Name: path.Join(p.cwd, uri)}
	}
	host, name, _ := strings.Cut(rest, "/")
	if scheme == "mtftp" || scheme == "tftm" {
		// The same files, by multicast; a port of MTFTP has one of them.
		host, _, _ = strings.Cut(host, ":")
		scheme = "tftp"
	}
	if scheme == "tftp" && host == p.client.Server.String() {
		host = ""
	}
	return pxelinux.File{Scheme: scheme, Host: host, Name: "/" + name}
}

// A statement is one command of a line, with what joins it to the one before.
type statement struct {
	join  string // "", "||" or "&&"
	words []pxelinux.Value
}

// script runs a script that is there. It returns false when the boot is decided.
func (p *predictor) script(l pxelinux.Lookup) bool {
	if p.depth++; p.depth > maxDepth {
		return p.end(pxelinux.Dynamic, l.Pos, "scripts lead from one to the next more than %d times", maxDepth)
	}
	defer func() { p.depth-- }()
	file, src, err := p.files.Read(l.Name)
	if err != nil {
		return p.end(pxelinux.Stops, l.Pos, "the script %s cannot be read: %v", l.File, err)
	}
	before := p.cwd
	p.cwd = path.Dir("/" + l.Name)
	defer func() { p.cwd = before }()
	lines := strings.Split(string(src), "\n")
	labels := map[string]int{}
	for i, line := range lines {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), ":"); ok {
			if word := strings.Fields(name); len(word) > 0 {
				labels[word[0]] = i
			}
		}
	}
	for i := 0; i < len(lines); i++ {
		if p.steps++; p.steps > maxSteps {
			return p.end(pxelinux.Dynamic, conf.Pos{File: file, Line: i + 1}, "the script goes round in circles")
		}
		ok, jump := true, ""
		for _, s := range split(conf.Pos{File: file, Line: i + 1, Col: 1}, lines[i]) {
			if len(s.words) == 0 || s.join == "||" && ok || s.join == "&&" && !ok {
				continue
			}
			p.last = s.words[0].Pos
			var decided bool
			if ok, jump, decided = p.command(s.words); decided {
				return false
			}
			if jump != "" {
				break
			}
		}
		switch at, known := labels[jump]; {
		case jump == "" && ok:
		case jump == "":
			return p.end(pxelinux.Stops, p.last, "the command fails, and nothing stands behind it for that case (||)")
		case !known:
			return p.end(pxelinux.Stops, p.last, "there is no label %q", jump)
		default:
			i = at
		}
	}
	return true
}

// split cuts a line into statements and their words, without expanding anything.
func split(pos conf.Pos, line string) []statement {
	var all []statement
	s := statement{}
	for i := 0; i < len(line); {
		c := line[i]
		switch {
		case strings.IndexByte(" \t\r", c) >= 0:
			i++
		case c == '#' && len(s.words) == 0, c == ':' && len(s.words) == 0 && len(all) == 0:
			return append(all, s)
		default:
			begin := i
			for i < len(line) && strings.IndexByte(" \t\r", line[i]) < 0 {
				i++
			}
			at := pos
			at.Col += begin
			if word := line[begin:i]; word == "||" || word == "&&" {
				all = append(all, s)
				s = statement{join: word}
			} else {
				s.words = append(s.words, pxelinux.Value{Text: word, Pos: at})
			}
		}
	}
	return append(all, s)
}

// expand replaces settings. ok is false if the value of one is not known here.
func (p *predictor) expand(s string) (out string, missing string) {
	for range 32 {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return s, missing
		}
		begin := strings.LastIndex(s[:end], "${")
		if begin < 0 {
			return s, missing
		}
		v, known := p.setting(s[begin+2 : end])
		if !known && missing == "" {
			missing = s[begin+2 : end]
		}
		s = s[:begin] + v + s[end+1:]
	}
	return s, missing
}

// setting is the value of one; known if it can be told here, be it that there is
// none.
func (p *predictor) setting(name string) (string, bool) {
	name, format, _ := strings.Cut(name, ":")
	if v, ok := p.vars[name]; ok {
		return v, true
	}
	for _, card := range []string{"net0/", "netX/", "net0.dhcp/", "netX.dhcp/"} {
		name = strings.TrimPrefix(name, card)
	}
	addr := func(a netip.Addr) string {
		if !a.IsValid() {
			return ""
		}
		return a.String()
	}
	switch name {
	case "mac":
		switch format {
		case "hexhyp":
			return strings.ReplaceAll(p.client.MAC.String(), ":", "-"), true
		case "hexraw":
			return strings.ReplaceAll(p.client.MAC.String(), ":", ""), true
		}
		return p.client.MAC.String(), true
	case "ip":
		return addr(p.client.Addr), true
	case "netmask":
		return addr(p.client.Mask), true
	case "gateway":
		return addr(p.client.Gateway), true
	case "next-server":
		return addr(p.client.Server), true
	case "filename":
		return p.client.BootFile, true
	case "uuid":
		return p.client.UUID, p.client.UUID != ""
	case "cwduri":
		return "tftp://" + addr(p.client.Server) + strings.TrimSuffix(p.cwd, "/") + "/", true
	case "platform":
		if p.client.EFI {
			return "efi", true
		}
		return "pcbios", true
	}
	for _, known := range known {
		if known == name {
			return "", false // it has a value, that only the machine knows
		}
	}
	return "", true // a name of the script's own that is not set
}

// known are settings whose values only DHCP, or the machine, or the build of
// iPXE tells.
var known = []string{"hostname", "domain", "dns", "buildarch", "version", "manufacturer", "product", "serial", "asset", "busid", "chip",
	"user-class", "root-path", "san-filename", "initiator-iqn", "username", "password", "keymap", "proxydhcp/filename", "proxydhcp/next-server",
	"proxydhcp/dhcp-server", "dhcp-server", "memsize", "unixtime", "vendor-class", "arch"}
