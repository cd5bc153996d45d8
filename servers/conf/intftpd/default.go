package intftpd

import (
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// ReadDefault reads Debian's /etc/default/tftpd-hpa, which the start script
// sources: lines of NAME=VALUE or NAME="VALUE", of which TFTP_USERNAME,
// TFTP_DIRECTORY, TFTP_ADDRESS and TFTP_OPTIONS count. Whatever else a shell
// could run there is a Doubt.
func ReadDefault(file string, src []byte) (*Service, conf.Problems) {
	p := &parser{s: newService(), standalone: true}
	vars := map[string]Value{}
	n := 0
	for line := range strings.Lines(string(src)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		text := strings.TrimLeft(line, " \t")
		pos := conf.Pos{File: file, Line: n, Col: len(line) - len(text) + 1}
		if text == "" || text[0] == '#' {
			continue
		}
		if rest, found := strings.CutPrefix(text, "export "); found {
			pos.Col += len(text) - len(rest)
			text = rest
		}
		name, value, ok := assignment(text)
		if !ok {
			p.report(conf.Doubt, pos, "intftpd-shell", `write NAME="VALUE"`,
				"this line is more shell than is understood here")
			continue
		}
		pos.Col += strings.Index(text, "=") + 1
		if q := text[len(name)+1:]; strings.HasPrefix(q, `"`) || strings.HasPrefix(q, `'`) {
			pos.Col++
		}
		vars[name] = Value{Text: value, Pos: pos}
	}
	args := []Value{{Text: "--listen"}}
	for _, v := range []struct{ option, name string }{
		{"--user", "TFTP_USERNAME"}, {"--address", "TFTP_ADDRESS"}, {"", "TFTP_OPTIONS"}, {"", "TFTP_DIRECTORY"},
	} {
		words := split(vars[v.name])
		if v.option != "" {
			args = append(args, Value{Text: v.option, Pos: vars[v.name].Pos})
		}
		args = append(args, words...)
	}
	p.args(args)
	p.finish()
	if len(split(vars["TFTP_DIRECTORY"])) == 0 {
		p.report(conf.Warning, conf.Pos{File: file, Line: 1, Col: 1}, "intftpd-no-directory",
			"set TFTP_DIRECTORY", "no directory is set, so every world-readable file of the host is served")
	}
	return p.s, p.problems
}

// assignment reads NAME=VALUE with nothing in it that a shell would expand.
func assignment(s string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(s, "=")
	if !ok || name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return "", "", false
	}
	quote := byte(0)
	if value != "" && (value[0] == '"' || value[0] == '\'') {
		quote = value[0]
		end := strings.IndexByte(value[1:], quote)
		if end < 0 {
			return "", "", false
		}
		rest := strings.TrimLeft(value[end+2:], " \t")
		if rest != "" && rest[0] != '#' {
			return "", "", false
		}
		value = value[1 : end+1]
	} else {
		word, rest, _ := strings.Cut(value, " ")
		if rest = strings.TrimLeft(rest, " \t"); rest != "" && rest[0] != '#' {
			return "", "", false
		}
		value = word
	}
	bad := "$`\\"
	switch quote {
	case 0:
		bad += "\"'|&;<>()*?[~\t"
	case '\'':
		bad = ""
	}
	return name, value, !strings.ContainsAny(value, bad)
}

// split is a shell's splitting of an unquoted variable.
func split(v Value) []Value {
	var words []Value
	for i := 0; i < len(v.Text); {
		if v.Text[i] == ' ' || v.Text[i] == '\t' {
			i++
			continue
		}
		end := i
		for end < len(v.Text) && v.Text[end] != ' ' && v.Text[end] != '\t' {
			end++
		}
		pos := v.Pos
		pos.Col += i
		words = append(words, Value{Text: v.Text[i:end], Pos: pos})
		i = end
	}
	return words
}
