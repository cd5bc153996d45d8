package dhcp_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
)

// TestSyntaxAgainstISC shows both readers small files, right and wrong ones, and
// wants them to agree on which dhcpd would start with.
func TestSyntaxAgainstISC(t *testing.T) {
	program := findDHCPD(t)
	b, err := os.ReadFile("testdata/syntax.txt")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "dhcpd.conf")
	for part := range strings.SplitSeq(string(b), "\n----\n") {
		// What a file of interest may leave out.
		text := strings.ReplaceAll(part, "@", "subnet 10.0.0.0 netmask 255.255.255.0 {") + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(program, "-t", "-4", "-cf", file).CombinedOutput()
		if _, exited := err.(*exec.ExitError); err != nil && !exited {
			t.Fatal(err)
		}
		_, problems, perr := dhcpd.Parse(file, []byte(text), os.DirFS("/"))
		if perr != nil {
			t.Fatal(perr)
		}
		refused := false
		for _, p := range problems {
			refused = refused || p.Effect == conf.Refusal
		}
		if refused != (err != nil) {
			t.Errorf("dhcpd refuses: %v, the reader: %v\n%s\ndhcpd says: %s\nthe reader: %v", err != nil, refused, text,
				complaint(string(out), file), problems)
		}
	}
}

// complaint is what dhcpd says about a file, without its greeting.
func complaint(out, file string) string {
	if i := strings.Index(out, file); i >= 0 {
		out = out[i:]
	}
	out, _, _ = strings.Cut(out, "If you think")
	return strings.TrimSpace(out)
}
