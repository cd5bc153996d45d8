package scenarios

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// decodeYAML reads a document strictly: a field that does not exist is an error
// and not a wish unheard. Errors carry file:line:col.
func decodeYAML(file string, src []byte, into any) error {
	return yamlError(file, yaml.UnmarshalWithOptions(src, into, yaml.Strict()))
}

// yamlError gives an error of the decoder its place in the file.
func yamlError(file string, err error) error {
	if err == nil {
		return nil
	}
	pos := conf.Pos{File: file}
	text := err.Error()
	if y, ok := errors.AsType[yaml.Error](err); ok {
		text = y.GetMessage()
		if t := y.GetToken(); t != nil && t.Position != nil {
			pos.Line, pos.Col = t.Position.Line, t.Position.Column
		}
	}
	// The innermost cause may be a place of our own.
	if a, ok := errors.AsType[*placedError](err); ok {
		pos.Line, pos.Col, text = a.line, a.col, a.text
	}
	text, _, _ = strings.Cut(text, "\n")
	return fmt.Errorf("%s: %s", pos, text)
}

// A placedError is something wrong with the value of one node.
type placedError struct {
	line, col int
	text      string
}

func (e *placedError) Error() string { return e.text }

func errorAt(n ast.Node, format string, a ...any) error {
	p := n.GetToken().Position
	return &placedError{p.Line, p.Column, fmt.Sprintf(format, a...)}
}

// placed gives err the place of n, unless it has a nearer one.
func placed(n ast.Node, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[yaml.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*placedError](err); ok {
		return err
	}
	return errorAt(n, "%v", err)
}

// at is a value that remembers its line.
type at[T any] struct {
	v         T
	line, col int
}

// UnmarshalYAML implements [yaml.NodeUnmarshaler].
func (a *at[T]) UnmarshalYAML(n ast.Node) error {
	p := n.GetToken().Position
	a.line, a.col = p.Line, p.Column
	return placed(n, yaml.NodeToValue(n, &a.v, yaml.Strict()))
}

// pos is where the value stands; nowhere for a value that is not in the file.
func (a at[T]) pos(file string) conf.Pos {
	if a.line == 0 {
		return conf.Pos{}
	}
	return conf.Pos{File: file, Line: a.line, Col: a.col}
}

// named is a mapping whose order counts.
type named[T any] []entry[T]

type entry[T any] struct {
	name string
	at[T]
}

// UnmarshalYAML implements [yaml.NodeUnmarshaler].
func (m *named[T]) UnmarshalYAML(n ast.Node) error {
	if _, null := n.(*ast.NullNode); null {
		return nil
	}
	mapping, ok := n.(ast.MapNode)
	if !ok {
		return errorAt(n, "a mapping of names is wanted here")
	}
	seen := map[string]bool{}
	for it := mapping.MapRange(); it.Next(); {
		var e entry[T]
		if err := yaml.NodeToValue(it.Key(), &e.name); err != nil {
			return placed(it.Key(), err)
		}
		if seen[e.name] {
			return errorAt(it.Key(), "%q is there twice", e.name)
		}
		seen[e.name] = true
		if err := e.UnmarshalYAML(it.Value()); err != nil {
			return err
		}
		p := it.Key().GetToken().Position
		e.line, e.col = p.Line, p.Column
		*m = append(*m, e)
	}
	return nil
}
