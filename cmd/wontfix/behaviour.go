package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"wontfix"
)

// behaviourSchema names the form of the file that keeps what clients were seen
// to do.
const behaviourSchema = "wontfix/behaviour/1"

// maxBehaviour is how large the file may be.
const maxBehaviour = 8 << 20

// A behaviourFile is what probes of this machine have seen. It is no tracker's
// word and not in the database, which others may have made.
type behaviourFile struct {
	Schema    string              `json:"schema"`
	Behaviour []wontfix.Behaviour `json:"behaviour"`
}

// behaviourPath is beside the database.
func (e *env) behaviourPath() (string, error) {
	db, err := e.dbPath()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(db), "behaviour.json"), nil
}

// parseBehaviour reads a file's bytes.
func parseBehaviour(data []byte) ([]wontfix.Behaviour, error) {
	if len(data) > maxBehaviour {
		return nil, fmt.Errorf("larger than %d MB", maxBehaviour>>20)
	}
	var f behaviourFile
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&f); err != nil {
		return nil, err
	}
	if f.Schema != behaviourSchema {
		return nil, fmt.Errorf("schema %q, and %q is read here", f.Schema, behaviourSchema)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	for _, b := range f.Behaviour {
		if b.ID == "" || b.Client == "" || b.Time.IsZero() || !slices.Contains(wontfix.BehaviourShows(), string(b.Shows)) {
			return nil, fmt.Errorf("behaviour of %q for %q is incomplete", b.Client, b.ID)
		}
	}
	return f.Behaviour, nil
}

// behaviour returns what was seen of the machine's clients. A file that cannot
// be read is a warning, and nothing was seen.
func (e *env) behaviour() []wontfix.Behaviour {
	path, err := e.behaviourPath()
	if err != nil {
		return nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var list []wontfix.Behaviour
	if err == nil {
		defer f.Close()
		var data []byte
		if data, err = io.ReadAll(io.LimitReader(f, maxBehaviour+1)); err == nil {
			list, err = parseBehaviour(data)
		}
	}
	if err != nil {
		e.warn("%s: %v: what probes have seen is left out; another wontfix probe writes it anew", path, err)
	}
	return list
}

// keepBehaviour adds to the file what a probe has seen, in the place of what was
// seen of the same clients before.
func (e *env) keepBehaviour(p *wontfix.Probe) error {
	if len(p.Behaviour) == 0 {
		return nil
	}
	path, err := e.behaviourPath()
	if err != nil {
		return err
	}
	list := slices.DeleteFunc(e.behaviour(), func(old wontfix.Behaviour) bool {
		return slices.ContainsFunc(p.Behaviour, func(b wontfix.Behaviour) bool { return b.ID == old.ID && b.Client == old.Client && b.Path == old.Path })
	})
	list = append(list, p.Behaviour...)
	slices.SortStableFunc(list, func(a, b wontfix.Behaviour) int { return strings.Compare(a.ID+"\x00"+a.Client, b.ID+"\x00"+b.Client) })
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return writeFile(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(behaviourFile{behaviourSchema, list})
	})
}

// running reports whether the machine that is looked at is the one that runs:
// what its clients do says nothing of another.
func (t *target) running() bool {
	return !t.given() || t.root != "" && filepath.Clean(t.root) == "/"
}
