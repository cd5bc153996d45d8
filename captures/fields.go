package captures

import (
	"net"
	"net/netip"
)

// Get is the value of the first field called name, nil if there is none.
func (e *Event) Get(name string) any {
	for i := range e.Fields {
		if e.Fields[i].Name == name {
			return e.Fields[i].Value
		}
	}
	return nil
}

// Text is the field's value if it is a string, else "".
func (e *Event) Text(name string) string { s, _ := e.Get(name).(string); return s }

// Int is the field's value if it is a number, else -1.
func (e *Event) Int(name string) int64 {
	if n, ok := e.Get(name).(int64); ok {
		return n
	}
	return -1
}

// Addr is the field's value if it is an address, else the zero Addr.
func (e *Event) Addr(name string) netip.Addr { a, _ := e.Get(name).(netip.Addr); return a }

// Bytes is the field's value if it is raw bytes or a MAC, else nil.
func (e *Event) Bytes(name string) []byte {
	switch b := e.Get(name).(type) {
	case []byte:
		return b
	case net.HardwareAddr:
		return b
	}
	return nil
}

// Is says whether the field is true.
func (e *Event) Is(name string) bool { b, _ := e.Get(name).(bool); return b }
