package spell

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"authoritative", "append", "prompt", "timeout", "ontimeout", "label", "ui"}
	for _, tt := range []struct{ word, want string }{
		{"authourtative", "authoritative"},
		{"apend", "append"},
		{"LABLE", "label"},
		{"time-out", "timeout"},
		{"promt", "prompt"},
		{"xy", ""},
		{"bananas", ""},
		{"", ""},
		{"label", "label"},
	} {
		if got := Nearest(tt.word, known...); got != tt.want {
			t.Errorf("Nearest(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}
