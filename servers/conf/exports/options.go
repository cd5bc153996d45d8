package exports

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// names are all the options that exportfs knows.
var names = slices.Concat([]string{"anonuid", "anongid", "fsid", "sec"},
	slices.Sorted(maps.Keys(flags)), slices.Sorted(maps.Keys(withoutEffect)))

// options reads the option list w.text[from:to] into o. It reports false if
// exportfs would not take it.
func (p *parser) options(w token, from, to int, o *Options) bool {
	ok, ids := true, false // ids: the list of squash_uids= goes on
	for from < to {
		from += len(w.text[from:to]) - len(strings.TrimLeft(w.text[from:to], " \t"))
		end := to
		if i := strings.IndexByte(w.text[from:to], ','); i >= 0 {
			end = from + i
		}
		opt := w.text[from:end]
		if from < to && !(ids && isIDs(opt)) {
			ids = strings.HasPrefix(opt, "squash_uids=") || strings.HasPrefix(opt, "squash_gids=")
			ok = p.option(w.at(from), opt, o) && ok
		}
		from = end + 1
	}
	return ok
}

// isIDs says whether s can be an element of squash_uids=0-99,100.
func isIDs(s string) bool { return s != "" && strings.Trim(s, "0123456789-") == "" && s[0] != '-' }

// option applies one option.
func (p *parser) option(pos conf.Pos, opt string, o *Options) bool {
	name, value, hasValue := strings.Cut(opt, "=")
	if set, ok := flags[opt]; ok {
		set(o)
		return true
	}
	if why, ok := withoutEffect[opt]; ok {
		p.report(pos, conf.Note, "option-without-effect", "", "%s has no effect here: %s", opt, why)
		return true
	}
	switch {
	case name == "mountpoint" || name == "mp":
		p.report(pos, conf.Note, "option-without-effect", "", "%s is not checked here", name)
		return true
	case !hasValue:
		return p.unknown(pos, opt, opt)
	}
	switch name {
	case "anonuid":
		return p.id(pos, name, value, &o.AnonUID)
	case "anongid":
		return p.id(pos, name, value, &o.AnonGID)
	case "fsid":
		if !validFSID(value) {
			p.refuse(pos, "option-value", "give a number, a UUID or root", "bad fsid %q", value)
			return false
		}
		o.FSID = value
		p.report(pos, conf.Note, "option-without-effect", "", "fsid has no effect here: handles are made from paths")
	case "sec":
		return p.security(pos, value, o)
	case "refer", "replicas":
		p.report(pos, conf.Note, "option-without-effect", "", "%s is for NFS version 4", name)
	case "squash_uids", "squash_gids":
		p.report(pos, conf.Note, "option-without-effect", "", "%s has no effect: Linux's server does not know it", name)
	default:
		return p.unknown(pos, opt, name)
	}
	return true
}

// unknown refuses an option that exportfs does not know.
func (p *parser) unknown(pos conf.Pos, opt, name string) bool {
	hint := ""
	if near := spell.Nearest(name, names...); near != "" {
		hint = "did you mean " + near + "?"
	}
	p.refuse(pos, "unknown-option", hint, "unknown option %q", opt)
	return false
}

// id reads a user or group number, as strtol into an int does: -2 and
// 4294967294 are the same.
func (p *parser) id(pos conf.Pos, name, value string, to *uint32) bool {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < -1<<31 || n > 1<<32-1 {
		p.refuse(pos, "option-value", "give a number", "%s wants a number, not %q", name, value)
		return false
	}
	*to = uint32(n)
	return true
}

// security reads sec=sys:krb5. AUTH_SYS is all that is spoken here.
func (p *parser) security(pos conf.Pos, value string, o *Options) bool {
	o.Security = nil
	usable := false
	for _, flavor := range strings.Split(value, ":") {
		switch flavor {
		case "sys", "unix":
			flavor, usable = "sys", true
		case "none", "null":
			flavor, usable = "none", true
		case "krb5", "krb5i", "krb5p":
		default:
			p.refuse(pos, "option-value", "known are sys, none, krb5, krb5i, krb5p", "unknown security flavor %q", flavor)
			return false
		}
		o.Security = append(o.Security, flavor)
	}
	if !usable {
		p.report(pos, conf.Doubt, "security", "a boot without Kerberos needs sec=sys",
			"sec=%s alone: Kerberos is not supported here, and nobody can mount this", value)
	}
	return true
}

// validFSID is what exportfs takes: root, a number, or 32 hexadecimal digits
// with anything between them.
func validFSID(v string) bool {
	if _, err := strconv.ParseUint(v, 0, 64); v == "root" || err == nil {
		return true
	}
	digits := 0
	for _, c := range v {
		if strings.ContainsRune("0123456789abcdefABCDEF", c) {
			digits++
		}
	}
	return digits == 32
}

// flags are the options without a value that change an answer.
var flags = map[string]func(*Options){
	"ro":               func(o *Options) { o.ReadOnly = true },
	"rw":               func(o *Options) { o.ReadOnly = false },
	"sync":             func(o *Options) { o.Async = false },
	"async":            func(o *Options) { o.Async = true },
	"secure":           func(o *Options) { o.Insecure = false },
	"insecure":         func(o *Options) { o.Insecure = true },
	"root_squash":      func(o *Options) { o.RootSquash = true },
	"no_root_squash":   func(o *Options) { o.RootSquash = false },
	"all_squash":       func(o *Options) { o.AllSquash = true },
	"no_all_squash":    func(o *Options) { o.AllSquash = false },
	"subtree_check":    func(o *Options) { o.SubtreeCheck = true },
	"no_subtree_check": func(o *Options) { o.SubtreeCheck = false },
	"crossmnt":         func(o *Options) { o.CrossMount = true },
	"nocrossmnt":       func(o *Options) { o.CrossMount = false },
	"nohide":           func(o *Options) { o.NoHide = true },
	"hide":             func(o *Options) { o.NoHide = false },
	"nordirplus":       func(o *Options) { o.NoReadDirPlus = true },
}

// withoutEffect are those that change none, and why.
var withoutEffect = map[string]string{
	"wdelay":         "writes are made when they come",
	"no_wdelay":      "writes are made when they come",
	"auth_nlm":       "there is no lock manager",
	"no_auth_nlm":    "there is no lock manager",
	"secure_locks":   "there is no lock manager",
	"insecure_locks": "there is no lock manager",
	"acl":            "access control lists are not served",
	"no_acl":         "access control lists are not served",
	"pnfs":           "it is for NFS version 4",
	"no_pnfs":        "it is for NFS version 4",
	"security_label": "it is for NFS version 4",
}
