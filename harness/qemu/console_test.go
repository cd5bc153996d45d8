package qemu

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func lines(t *testing.T, in string) []string {
	t.Helper()
	var got []string
	var raw bytes.Buffer
	err := ReadConsole(strings.NewReader(in), &raw, func(_ time.Time, s string) { got = append(got, s) })
	if err != nil {
		t.Fatal(err)
	}
	if raw.String() != in {
		t.Errorf("the raw log differs from what came: %q", raw.String())
	}
	return got
}

func TestReadConsole(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"plain", "one\r\ntwo\r\n\r\n", []string{"one", "two"}},
		{"no end of line", "boot: ", []string{"boot:"}},
		{"SeaBIOS clears the screen", "\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS (version 1)\r\n", []string{"SeaBIOS (version 1)"}},
		{"colours", "\x1b[0;1miPXE 1.0\x1b[0m -- \x1b[0;36mhttp\r\n", []string{"iPXE 1.0 -- http"}},
		{"a prompt erased by blanks", "Press Ctrl-B...\r               \r\nnext\r\n", []string{"next"}},
		{"a prompt erased by backspaces", "ab\b \b\b \bnet0: open\r\n", []string{"net0: open"}},
		{"cursor movement ends a line", "Boot menu\x1b[5;1HLine five\r\n", []string{"Boot menu", "Line five"}},
		{"SeaBIOS's clock ticks within a line", "say\r\n\rNo UI directiv\x1b[25;14H\x1b[25;15He found!\r\n\rboot: ", []string{"say", "No UI directive found!", "boot:"}},
		{"at its beginning", "P\r\x1b[25;02HXELINUX 6.04\r\r\n", []string{"PXELINUX 6.04"}},
		{"at its end", "Loading vmlinuz... ok\x1b[25;21H\x1b[25;22H\r\nnext\r\n", []string{"Loading vmlinuz... ok", "next"}},
		{"after a character twice", "pxelii\x1b[25;06Hnux\r\n", []string{"pxelinux"}},
		{"behind a blank", "No UI \x1b[25;06H\x1b[25;07Hfound\r\n", []string{"No UI found"}},
		{"after letters of two bytes", "für \x1b[25;04H\x1b[25;05Halle\r\n", []string{"für alle"}},
		{"in a line that was begun elsewhere", "\x1b[7;20HBoot fai\x1b[07;27H\x1b[07;28Hled\r\n", []string{"Boot failed"}},
		{"another row, at the same column", "\x1b[3;1Hone\x1b[4;4Htwo\x1b[5;4H", []string{"one", "two"}},
		{"the same row, over its text", "\x1b[3;1Hin 5 s\x1b[3;1Hin 4 s\r\n", []string{"in 5 s", "in 4 s"}},
		{"not UTF-8", "a\xffb\n", []string{"a�b"}},
		{"an escape cut short", "text\x1b[", []string{"text"}},
	} {
		if got := lines(t, c.in); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestReadConsoleGivesPrompts(t *testing.T) {
	r, w := io.Pipe()
	got := make(chan string, 8)
	done := make(chan error, 1)
	go func() {
		done <- ReadConsole(r, nil, func(_ time.Time, s string) { got <- s })
	}()
	io.WriteString(w, "boot: ")
	if s := <-got; s != "boot:" {
		t.Errorf("prompt: %q", s)
	}
	io.WriteString(w, "linux\r\n")
	if s := <-got; s != "boot: linux" {
		t.Errorf("the prompt with its answer: %q", s)
	}
	w.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func FuzzReadConsole(f *testing.F) {
	f.Add([]byte("\x1b[2J\x1b[0mSeaBIOS\r\n\b\b\r"))
	f.Add([]byte("\x1b[999999999999;1H"))
	f.Add([]byte("\xc3\xbcb\x1b[25;2H\x1b[;99999999999999999999H\x1b[f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = ReadConsole(bytes.NewReader(b), nil, func(_ time.Time, s string) {
			if strings.ContainsAny(s, "\x1b\r\n") || len(s) > 4*maxLine {
				t.Errorf("line %q", s)
			}
		})
	})
}
