package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"wontfix"
)

// maxScan is the most bytes that a saved scan may have.
const maxScan = 512 << 20

// jsonScan writes the scan itself. docs/scan-json.md describes the form.
func jsonScan(w io.Writer, s *wontfix.Scan, _ Options) error { return writeJSON(w, s, "  ") }

// jsonlScan writes one finding on each line and nothing else.
func jsonlScan(w io.Writer, s *wontfix.Scan, _ Options) error {
	b := bufio.NewWriter(w)
	for i := range s.Findings {
		if err := writeJSON(b, &s.Findings[i], ""); err != nil {
			return err
		}
	}
	return b.Flush()
}

// writeJSON writes v and a line end. Lists that are nil are written as empty,
// and characters that [Clean] replaces as escapes, so that JSON in a terminal
// is as harmless as text.
func writeJSON(w io.Writer, v any, indent string) error {
	b, err := marshal(v, indent)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

func marshal(v any, indent string) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(filled(reflect.ValueOf(v)).Interface()); err != nil {
		return nil, err
	}
	return escapeHidden(buf.Bytes()), nil
}

// filled returns a copy of v in which no list or map that JSON would write as
// null is nil, and none that JSON leaves out is empty. What holds no list is
// shared with v.
func filled(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || v.Elem().Kind() != reflect.Struct {
			return v
		}
		p := reflect.New(v.Type().Elem())
		p.Elem().Set(filled(v.Elem()))
		return p
	case reflect.Struct:
		c := reflect.New(v.Type()).Elem()
		c.Set(v)
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Tag.Get("json") == "-" {
				continue
			}
			c.Field(i).Set(filled(v.Field(i)))
			if _, after, _ := strings.Cut(f.Tag.Get("json"), ","); after == "omitempty" && f.Type.Kind() == reflect.Slice && v.Field(i).Len() == 0 {
				c.Field(i).SetZero()
			}
		}
		return c
	case reflect.Slice:
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			c.Index(i).Set(filled(v.Index(i)))
		}
		return c
	case reflect.Map:
		if v.IsNil() {
			return reflect.MakeMap(v.Type())
		}
	}
	return v
}

// escapeHidden writes each hidden character of JSON as \uXXXX. Outside of
// strings JSON has none but the line end.
func escapeHidden(b []byte) []byte {
	i := bytes.IndexFunc(b, func(r rune) bool { return r >= 0x7f && hidden(r) })
	if i < 0 {
		return b
	}
	out := append(make([]byte, 0, len(b)+64), b[:i]...)
	for i < len(b) {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r < 0x7f || !hidden(r):
			out = append(out, b[i:i+n]...)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	return out
}

// ReadScan reads a scan that was saved as JSON. Its errors say what the text is
// instead of a scan, as far as that can be told.
func ReadScan(r io.Reader) (*wontfix.Scan, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxScan+1))
	if err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	}
	if len(b) > maxScan {
		return nil, fmt.Errorf("scan: is larger than %d MiB; save it with a filter, such as --priority", maxScan>>20)
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, errors.New("scan: is empty; save one with: wontfix scan -f json -o scan.json")
	}
	var head struct{ Schema string }
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, notScan(b, err)
	}
	if head.Schema != wontfix.ScanSchema {
		return nil, otherSchema(head.Schema)
	}
	s := new(wontfix.Scan)
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("scan: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return filled(reflect.ValueOf(s)).Interface().(*wontfix.Scan), nil
}

// notScan tells the kinds of text that are no JSON document apart.
func notScan(b []byte, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return errors.New(`scan: is JSON, but not an object with a text "schema"; save a scan with: wontfix scan -f json -o scan.json`)
	}
	line := 1 + bytes.Count(b[:min(int(syntax.Offset), len(b))], []byte("\n"))
	first, _, more := bytes.Cut(bytes.TrimSpace(b), []byte("\n"))
	switch {
	case more && json.Valid(first):
		return errors.New("scan: has one JSON value on each line (jsonl), which holds findings only; save the scan with -f json")
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b}):
		return errors.New("scan: is compressed with gzip; decompress it first")
	case b[0] != '{' && first[0] != '{':
		return errors.New("scan: is not JSON; save one with: wontfix scan -f json -o scan.json")
	}
	return fmt.Errorf("scan:%d: is JSON that breaks off or is damaged: %w", line, err)
}

// otherSchema says why a document of that schema cannot be read.
func otherSchema(schema string) error {
	name, version := cutSchema(schema)
	wantName, wantVersion := cutSchema(wontfix.ScanSchema)
	switch {
	case schema == "":
		return errors.New(`scan: is JSON without a "schema", so it is no scan; save one with: wontfix scan -f json -o scan.json`)
	case name != wantName:
		return fmt.Errorf("scan: has schema %q, and a scan has %q", schema, wontfix.ScanSchema)
	case version > wantVersion:
		return fmt.Errorf("scan: has schema %q, which is newer than this program's %q; read it with a newer wontfix", schema, wontfix.ScanSchema)
	}
	return fmt.Errorf("scan: has schema %q, which this program does not read; it reads %q", schema, wontfix.ScanSchema)
}

// cutSchema splits "wontfix/scan/1" into the name and the number.
func cutSchema(s string) (name string, version int) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return s, 0
	}
	version, _ = strconv.Atoi(s[i+1:])
	return s[:i], version
}
