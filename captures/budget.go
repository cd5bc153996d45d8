package captures

// A budget bounds the bytes that are held back until more arrives.
type budget struct{ used, limit int }

// take asks for n bytes; false: there is no room for them.
func (b *budget) take(n int) bool {
	if b.used+n > b.limit {
		return false
	}
	b.used += n
	return true
}

// free gives n bytes back.
func (b *budget) free(n int) { b.used -= n }

// clip is s, cut to at most n bytes: names and messages that go into transfers
// stay there.
func clip(s string, n int) string { return s[:min(len(s), n)] }

const (
	maxFileName  = 1024
	maxErrorText = 512
)
