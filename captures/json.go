package captures

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
	"unicode/utf8"
)

// The JSON form of an Event, one a line in events.jsonl:
//
//	{"at":"2026-01-02T15:04:05.123456789Z","frame":{"number":12},"port":"tap0",
//	 "source":"wire","host":"52:54:00:12:34:56","kind":"dhcp.offer",
//	 "fields":{"dhcp.ip.server":"0.0.0.0","dhcp.option.uuid":"00525400"},
//	 "types":{"dhcp.ip.server":"addr","dhcp.option.uuid":"bytes"}}
//
// frame, port, host, fields and types are left out if they are empty. Fields
// keep their order. A field that is not a string, a whole number or true/false
// has its type in types: "addr" (an IP address), "mac", "bytes" (in hex), or
// "text" (in hex: a string that is not UTF-8).

var sourceNames = [...]string{Wire: "wire", Console: "console", Server: "server", Harness: "harness"}

// String is "wire", "console", "server" or "harness".
func (s Source) String() string {
	if int(s) < len(sourceNames) {
		return sourceNames[s]
	}
	return fmt.Sprintf("source(%d)", uint8(s))
}

// MarshalText is String, for known sources alone.
func (s Source) MarshalText() ([]byte, error) {
	if int(s) >= len(sourceNames) {
		return nil, fmt.Errorf("unknown event source %d", uint8(s))
	}
	return []byte(sourceNames[s]), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *Source) UnmarshalText(b []byte) error {
	for i, n := range sourceNames {
		if n == string(b) {
			*s = Source(i)
			return nil
		}
	}
	return fmt.Errorf("unknown event source %q", b)
}

type jsonEvent struct {
	At     time.Time         `json:"at"`
	Frame  *Frame            `json:"frame,omitempty"`
	Port   string            `json:"port,omitempty"`
	Source Source            `json:"source"`
	Host   string            `json:"host,omitempty"`
	Kind   Kind              `json:"kind"`
	Fields json.RawMessage   `json:"fields,omitempty"`
	Types  map[string]string `json:"types,omitempty"`
}

// MarshalJSON writes an event in the form above. It fails on a field whose
// value is of a type that Field does not allow.
func (e Event) MarshalJSON() ([]byte, error) {
	j := jsonEvent{At: e.At, Port: e.Port, Source: e.Source, Host: e.Host, Kind: e.Kind}
	if e.Frame != (Frame{}) {
		j.Frame = &e.Frame
	}
	if len(e.Fields) > 0 {
		var b bytes.Buffer
		b.WriteByte('{')
		for i, f := range e.Fields {
			if i > 0 {
				b.WriteByte(',')
			}
			value, kind, err := plain(f.Value)
			if err != nil {
				return nil, fmt.Errorf("event %s, field %s: %w", e.Kind, f.Name, err)
			}
			if kind != "" {
				if j.Types == nil {
					j.Types = make(map[string]string)
				}
				j.Types[f.Name] = kind
			}
			name, err := json.Marshal(f.Name)
			if err != nil {
				return nil, err
			}
			text, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			b.Write(name)
			b.WriteByte(':')
			b.Write(text)
		}
		b.WriteByte('}')
		j.Fields = b.Bytes()
	}
	return json.Marshal(j)
}

// plain is a field's value as JSON has it, and its type if that does not show.
func plain(v any) (value any, kind string, err error) {
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) {
			return hex.EncodeToString([]byte(v)), "text", nil
		}
		return v, "", nil
	case int64, bool:
		return v, "", nil
	case netip.Addr:
		if !v.IsValid() {
			return "", "addr", nil
		}
		return v.String(), "addr", nil
	case net.HardwareAddr:
		return v.String(), "mac", nil
	case []byte:
		return hex.EncodeToString(v), "bytes", nil
	}
	return nil, "", fmt.Errorf("a value of type %T", v)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Event) UnmarshalJSON(b []byte) error {
	var j jsonEvent
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*e = Event{At: j.At, Port: j.Port, Source: j.Source, Host: j.Host, Kind: j.Kind}
	if j.Frame != nil {
		e.Frame = *j.Frame
	}
	if len(j.Fields) == 0 || bytes.Equal(j.Fields, []byte("null")) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(j.Fields))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(err, fmt.Errorf("event %s: fields is no object", e.Kind))
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		value, err := d.Token()
		if err != nil {
			return err
		}
		f := Field{Name: name.(string)} // an object's names are strings
		if f.Value, err = typed(value, j.Types[f.Name]); err != nil {
			return fmt.Errorf("event %s, field %s: %w", e.Kind, f.Name, err)
		}
		e.Fields = append(e.Fields, f)
	}
	return nil
}

// typed is the value that plain made into JSON.
func typed(v any, kind string) (any, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case json.Number:
		return v.Int64()
	case string:
		switch kind {
		case "":
			return v, nil
		case "addr":
			if v == "" {
				return netip.Addr{}, nil
			}
			return netip.ParseAddr(v)
		case "mac":
			if v == "" {
				return net.HardwareAddr{}, nil
			}
			return net.ParseMAC(v)
		case "bytes":
			return hex.DecodeString(v)
		case "text":
			b, err := hex.DecodeString(v)
			return string(b), err
		}
		return nil, fmt.Errorf("unknown type %q", kind)
	}
	return nil, fmt.Errorf("%v is neither text, a number nor true or false", v)
}
