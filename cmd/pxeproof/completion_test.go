package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBashCompletes presses TAB in a bash without the package bash-completion:
// the variables are what bash sets before it calls the function.
func TestBashCompletes(t *testing.T) {
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(dir, "pxeproof")); err != nil {
		t.Fatal(err)
	}
	_, script, _ := pxeproof(t, dir, "completion", "bash")
	for line, want := range map[string]string{
		"pxeproof run kick":                   "kickstart-nfs",
		"pxeproof explain dhcp-next-server-u": "dhcp-next-server-unset",
		"pxeproof doc":                        "doctor",
	} {
		cmd := exec.Command("bash", "--norc", "--noprofile", "-c", script+`
compopt() { :; } # bash's own works on TAB alone
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMP_WORDS=($1)
COMP_CWORD=$((${#COMP_WORDS[@]}-1))
__start_pxeproof
printf '%s' "${COMPREPLY[0]%% *}"`, "bash", line)
		cmd.Env = append(os.Environ(), envVerb+"=1", "PATH="+dir+":"+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("%s<TAB>: %q, %v; want %q", line, out, err, want)
		}
	}
}
