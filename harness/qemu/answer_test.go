package qemu

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestAnswering(t *testing.T) {
	answers := []Answer{{"Press Ctrl-B", " "}, {"login: ", "root\n"}}
	in := "iPXE\r\nPress Ctrl-A\nPress Ctrl-B...\rPress Ctrl-B\nlogin: login: \x1b[0m" +
		"\nP\r\x1b[25;02Hress Ct\x1b[25;08H\x1b[25;09Hrl-B\x1b[25;12H\x1b[25;13H..." // SeaBIOS's clock ticks
	want := []string{" ", " ", "root\n", "root\n", " "}
	for name, r := range map[string]io.Reader{
		"whole":        strings.NewReader(in),
		"byte by byte": iotest.OneByteReader(strings.NewReader(in)),
	} {
		var got []string
		var raw bytes.Buffer
		s := &screen{line: func(time.Time, string) {}, printed: answering(answers, func(keys string) error { got = append(got, keys); return nil })}
		if err := readConsole(r, &raw, s); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: typed %q, %v; want %q", name, got, err, want)
		}
		if raw.String() != in {
			t.Errorf("%s: the raw log differs from what came: %q", name, raw.String())
		}
	}
}
