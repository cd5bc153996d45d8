package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheck has each exit status of check, and its forms of output.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	article, err := filepath.Abs("../../scenarios/check/testdata/article")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args   string
		status int
		stdout string // a part; "" for none at all
		stderr string
	}{
		{"kickstart-nfs", exitPass, "", ""},
		{"kickstart-nfs -v", exitPass, ": note: ", ""},
		{article, exitFail, "[range-holds-router]", ""},
		{article + "/root", exitFail, "[kickstart-typographic-quote]", ""},
		{article + "/root/etc/exports", exitFail, "1 warning", ""},
		{"nobody", exitInput, "", `no file, folder or scenario "nobody"`},
		{dir, exitInput, "", "nothing that can be checked"},
		{"", exitInput, "", "check --help"},
		{article + " --json --sarif", exitInput, "", "choose one"},
	} {
		status, out, errs := pxeproof(t, dir, append([]string{"check"}, strings.Fields(tt.args)...)...)
		if status != tt.status || !strings.Contains(out, tt.stdout) || tt.stdout == "" && out != "" || !strings.Contains(errs, tt.stderr) {
			t.Errorf("check %s: status %d\n%s%s", tt.args, status, out, errs)
		}
	}
	for _, form := range []string{"--json", "--sarif"} {
		status, out, errs := pxeproof(t, dir, "check", article, form)
		if status != exitFail || !json.Valid([]byte(out)) || errs != "" {
			t.Errorf("check %s: status %d\n%s%s", form, status, out, errs)
		}
	}
}
