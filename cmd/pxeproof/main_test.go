package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness/qemu"
)

// envVerb makes the test binary be pxeproof, sandboxes included.
const envVerb = "PXEPROOF_TEST_VERB"

func TestMain(m *testing.M) {
	if os.Getenv(envVerb) != "" {
		main()
	}
	os.Exit(m.Run())
}

// pxeproof runs the program in a folder, as a person would.
func pxeproof(t *testing.T, dir string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), envVerb+"=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// needVM skips a test where there is no QEMU, except where a skip would hide
// that nothing was tested.
func needVM(t *testing.T) {
	t.Helper()
	if _, err := qemu.LookProgram(""); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("%v; `make setup` installs it", err)
	}
}

// TestStatuses holds every verb to its exit status, and to saying on standard
// error what is wrong, once.
func TestStatuses(t *testing.T) {
	dir := t.TempDir()
	malformed := filepath.Join(dir, "malformed")
	if status, _, stderr := pxeproof(t, dir, "new", malformed, "--empty"); status != exitPass {
		t.Fatal(stderr)
	}
	conf := filepath.Join(malformed, "root/etc/dhcp/dhcpd.conf")
	if err := os.WriteFile(conf, []byte("subnet 192.168.1.0 netmask {\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args string
		want int
		says string // on standard error; of a good end, on standard output
		qemu bool   // it is looked for before what is wrong is met
	}{
		{"no verb", "", exitPass, "Available Commands", false},
		{"help", "new --help", exitPass, "pxeproof new mine", false},
		{"unknown verb", "boot", exitInput, `no verb is called "boot"`, false},
		{"unknown flag", "run kickstart-nfs --fast", exitInput, "unknown flag: --fast", false},
		{"no argument", "run", exitInput, "see pxeproof run --help", false},
		{"unknown scenario", "run kickstart-nfsd", exitInput, `there is no scenario "kickstart-nfsd"`, false},
		{"flags that exclude each other", "run kickstart-nfs --quiet --json", exitInput, "--quiet and --json exclude each other", false},
		{"malformed configuration", "run " + malformed + " --accel tcg", exitInput, conf + ":1:", true},
		{"a file for an asset that nobody knows", "run kickstart-nfs --accel tcg --asset kernl=/etc/passwd", exitInput, `no asset "kernl"`, true},
		{"no QEMU", "run kickstart-nfs --qemu qemu-that-is-not-there", exitLab, "install it", false},
		{"no time", "run kickstart-nfs --timeout -3s", exitInput, "--timeout -3s", false},
		{"a run's folder that cannot be", "run kickstart-nfs --accel tcg --out /etc/passwd", exitInput, "/etc/passwd", true},
		{"no such finding", "explain dhcp-next-server", exitInput, "pxeproof list findings", false},
		{"a finding", "explain dhcp-next-server-unset", exitPass, "siaddr", false},
		{"list of what", "list hosts", exitInput, "hosts", false},
		{"list", "list", exitPass, "kickstart-nfs", false},
		{"list findings", "list findings", exitPass, "dhcp-next-server-unset", false},
		{"not a capture", "judge " + conf, exitInput, conf, false},
		{"no capture", "judge nothing-there.pcap", exitInput, "nothing-there.pcap", false},
		{"folder that is not empty", "new " + malformed, exitInput, "is not empty", false},
		{"size that is none", "new other --limit much", exitInput, "is no size", false},
		{"version", "version", exitPass, "go1", false},
		{"doctor without QEMU", "doctor --qemu qemu-that-is-not-there", exitLab, "", false},
		{"unknown shell", "completion powersheel", exitInput, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.qemu {
				needVM(t)
			}
			status, stdout, stderr := pxeproof(t, dir, strings.Fields(c.args)...)
			if status != c.want {
				t.Fatalf("status %d, want %d\n%s%s", status, c.want, stdout, stderr)
			}
			said := stderr
			if c.want == exitPass {
				said = stdout
			}
			if !strings.Contains(said, c.says) {
				t.Errorf("said %q, want %q", said, c.says)
			}
			if left, err := os.ReadDir(filepath.Join(dir, "runs")); len(left) > 0 {
				t.Errorf("a run that did not begin left %v, %v", left, err)
			}
			if c.want == exitInput && strings.Count(stderr, "pxeproof:") != 1 {
				t.Errorf("standard error: %q, want one line that begins with the program's name", stderr)
			}
		})
	}
}

// TestRunStatuses boots, once to a pass and once to a failure.
func TestRunStatuses(t *testing.T) {
	needVM(t)
	dir := t.TempDir()
	if status, stdout, stderr := pxeproof(t, dir, "new", "mine", "--empty"); status != exitPass || !strings.Contains(stdout, "pxeproof run ./mine") {
		t.Fatalf("status %d\n%s%s", status, stdout, stderr)
	}
	status, stdout, stderr := pxeproof(t, dir, "run", "./mine", "--quiet", "--accel", "tcg")
	if status != exitPass || !strings.HasPrefix(stdout, "PASS  client booted in ") || strings.Count(stdout, "\n") != 1 || stderr != "" {
		whole, _ := filepath.Glob(filepath.Join(dir, "runs/*/verdict.txt"))
		for _, f := range whole {
			text, _ := os.ReadFile(f)
			t.Logf("%s", text)
		}
		t.Errorf("the smallest scenario: status %d\n%s%s", status, stdout, stderr)
	}
	conf := filepath.Join(dir, "mine/root/etc/dhcp/dhcpd.conf")
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	without := bytes.Replace(text, []byte("next-server 192.168.1.2;"), nil, 1)
	if bytes.Equal(text, without) {
		t.Fatalf("%s has no next-server", conf)
	}
	if err := os.WriteFile(conf, without, 0o644); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr = pxeproof(t, dir, "run", "./mine", "--json", "--accel", "tcg")
	var v verdict.Verdict
	if err := json.Unmarshal([]byte(stdout), &v); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	if status != exitFail || v.Status != verdict.Fail {
		t.Errorf("without next-server: status %d\n%s%s", status, stdout, stderr)
	}
}

// TestDoctorTellsReadiness compares the exit status with what is said.
func TestDoctorTellsReadiness(t *testing.T) {
	status, stdout, stderr := pxeproof(t, t.TempDir(), "doctor", "--json")
	var r struct {
		Ready   bool
		Results []struct{ Name, State, Cure string }
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	if r.Ready != (status == exitPass) || !r.Ready && status != exitLab {
		t.Errorf("ready: %v, status %d", r.Ready, status)
	}
	if os.Getenv("CI") == "true" && !r.Ready {
		t.Errorf("this machine cannot run the tests:\n%s", stdout)
	}
}

// TestManualPages wants a page for every verb that is shown, with its example.
func TestManualPages(t *testing.T) {
	dir := t.TempDir()
	if status, _, stderr := pxeproof(t, dir, "man", "pages"); status != exitPass {
		t.Fatal(stderr)
	}
	for _, cmd := range root().Commands() {
		if !cmd.IsAvailableCommand() {
			continue
		}
		page, err := os.ReadFile(filepath.Join(dir, "pages", "pxeproof-"+cmd.Name()+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		if cmd.HasExample() && !bytes.Contains(page, []byte(".SH EXAMPLE")) {
			t.Errorf("the page of %s has no example", cmd.Name())
		}
	}
}

// TestEveryVerbHasAnExample keeps --help useful.
func TestEveryVerbHasAnExample(t *testing.T) {
	for _, cmd := range append(root().Commands(), root()) {
		if !cmd.HasExample() {
			t.Errorf("%s --help has no example", cmd.Name())
		}
		for _, sub := range cmd.Commands() {
			if !sub.HasExample() {
				t.Errorf("%s --help has no example", sub.CommandPath())
			}
		}
	}
}

// TestCompletion asks as a shell does.
func TestCompletion(t *testing.T) {
	for _, c := range []struct{ words, want string }{
		{"run |", "kickstart-nfs\t"},
		{"explain |dhcp-next", "dhcp-next-server-unset\t"},
		{"list |", "findings"},
		{"run --accel |", "tcg"},
	} {
		args := append([]string{"__complete"}, strings.Fields(c.words)...)
		last := len(args) - 1
		args[last] = strings.TrimPrefix(args[last], "|")
		_, stdout, stderr := pxeproof(t, t.TempDir(), args...)
		if !strings.Contains(stdout, c.want) {
			t.Errorf("%q: %q, want %q\n%s", c.words, stdout, c.want, stderr)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		status, stdout, _ := pxeproof(t, t.TempDir(), "completion", shell)
		if status != exitPass || !strings.Contains(stdout, "pxeproof") {
			t.Errorf("completion for %s: status %d", shell, status)
		}
	}
}
