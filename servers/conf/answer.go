package conf

// A Sourced is a value with the place of the statement that it comes from. The
// zero Pos says that no statement does: it is the server's own, or the client's.
type Sourced[T any] struct {
	Value T
	Pos   Pos
}

// An OptionValue is a DHCP option of a server's answer.
type OptionValue struct {
	Code  uint8
	Name  string // as the configuration's language calls it; may be empty
	Value []byte
	Pos   Pos
}
