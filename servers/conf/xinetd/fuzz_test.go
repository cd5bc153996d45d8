package xinetd_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/servers/conf/xinetd"
)

// pieces are files that may include each other, by their numbers.
type pieces []string

func (p pieces) File(name string) (string, []byte, error) {
	if n := int(name[len(name)-1] - '0'); n >= 0 && n < len(p) {
		return name, []byte(p[n]), nil
	}
	return name, nil, errors.New("no such file")
}

func (p pieces) Dir(string) (names []string, err error) {
	for n := range p {
		names = append(names, "/d/"+string(rune('0'+n)))
	}
	return names, nil
}

// FuzzParse reads files that include each other, parted by lines of "--".
func FuzzParse(f *testing.F) {
	f.Add([]byte("defaults\n{\n instances = 60\n only_from = 10.0.{1,2}\n}\nincludedir /d\n--\nservice tftp\n{\n" +
		" disable = no\n socket_type = dgram\n protocol = udp\n wait = yes\n user = root\n server = /usr/sbin/in.tftpd\n" +
		" server_args = -s /tftpboot\n only_from += 10.0.0.0/8 192.168.0.1\n no_access -= 10.1.1.1\n}\n"))
	f.Add([]byte("include /d/1\n--\ninclude /d/0\n"))
	f.Add([]byte("includedir /d\n--\nincludedir /d\n--\nincludedir /d\n"))
	f.Add([]byte("service tftp // a note\n{\n disable = yes (or no)\n per_source = UNLIMITED\n cps = 100 2\n port = 69\n bind = 10.0.0.1\n"))
	client := netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, src []byte) {
		files := pieces(strings.SplitN(string(src), "\n--\n", 10))
		c, problems := xinetd.Parse("/d/0", []byte(files[0]), files)
		for _, p := range problems {
			if p.Pos.Line < 1 || p.Pos.Col < 1 || p.ID == "" || p.Error() == "" {
				t.Errorf("%+v", p)
			}
		}
		if s := c.Service("tftp"); s != nil {
			s.Runs()
			s.Allows(client)
			s.HasFlag("NAMEINARGS")
		}
	})
}
