package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// maxTags bounds tags of tags of ... a commit.
const maxTags = 16

// Commits calls fn with every commit that can be reached from tip, without
// those for which known returns true and what is reached through them alone.
// The order is any. The bytes are fn's to keep. Tip may be a tag of a commit.
//
// A commit that the repository lacks is told to missing, be it tip or a parent
// (as in a shallow clone); it is not an error. Both known and missing may be
// nil. Each commit is asked for and told once.
func (r *Repository) Commits(ctx context.Context, tip ID, known func(ID) bool, missing func(ID), fn func(id ID, raw []byte) error) error {
	rd := r.reader()
	defer r.release(rd)
	todo := []ID{tip}
	seen := map[ID]bool{tip: true}
	tags := 0 // that tip was, one naming the next
	for len(todo) > 0 {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if known != nil && known(id) {
			continue
		}
		kind, raw, err := rd.object(id)
		if errors.Is(err, ErrMissing) {
			if missing != nil {
				missing(id)
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("commit %s: %w", id.Hex(r.size), err)
		}
		var next []ID
		switch {
		case kind == Commit:
			next, err = r.parents(raw)
		case kind == Tag && tags < maxTags && len(seen) == tags+1:
			tags++
			next, err = r.tagged(raw)
		default:
			err = fmt.Errorf("is a %v: %w", kind, ErrDamaged)
		}
		if err != nil {
			return fmt.Errorf("commit %s: %w", id.Hex(r.size), err)
		}
		for _, p := range next {
			if !seen[p] {
				seen[p] = true
				todo = append(todo, p)
			}
		}
		if kind == Commit {
			if err := fn(id, raw); err != nil {
				return err
			}
		}
	}
	return nil
}

// parents returns the parents that the header of a commit names: the lines
// "parent ID" right after the line "tree ID".
func (r *Repository) parents(raw []byte) ([]ID, error) {
	_, raw, ok := r.field(raw, "tree ")
	if !ok {
		return nil, fmt.Errorf("no tree: %w", ErrDamaged)
	}
	var list []ID
	for bytes.HasPrefix(raw, []byte("parent ")) {
		id, rest, ok := r.field(raw, "parent ")
		if !ok {
			return nil, fmt.Errorf("bad parent: %w", ErrDamaged)
		}
		list, raw = append(list, id), rest
	}
	return list, nil
}

// tagged returns what a tag names.
func (r *Repository) tagged(raw []byte) ([]ID, error) {
	id, _, ok := r.field(raw, "object ")
	if !ok {
		return nil, fmt.Errorf("tag without object: %w", ErrDamaged)
	}
	return []ID{id}, nil
}

// field reads a line of a name and an ID, and returns what follows it.
func (r *Repository) field(raw []byte, name string) (ID, []byte, bool) {
	n := len(name) + 2*r.size
	if len(raw) <= n || string(raw[:len(name)]) != name || raw[n] != '\n' {
		return ID{}, nil, false
	}
	id, err := ParseID(string(raw[len(name):n]))
	return id, raw[n+1:], err == nil
}
