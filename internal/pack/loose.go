package pack

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	maxAlternates = 64      // folders of objects
	maxNesting    = 5       // alternates of alternates; Git's own limit
	maxAltFile    = 1 << 20 // bytes of info/alternates
)

// stores returns a folder of objects and those that its info/alternates name,
// each once, the own one first.
func stores(objects string) ([]string, error) {
	info, err := os.Stat(objects)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: not a folder; give the folder \"objects\" of a repository", objects)
	}
	list := []string{filepath.Clean(objects)}
	depth := []int{0}
	for i := 0; i < len(list); i++ {
		more, err := alternates(list[i])
		if err != nil {
			return nil, err
		}
		for _, dir := range more {
			if slices.Contains(list, dir) {
				continue
			}
			if depth[i] == maxNesting || len(list) == maxAlternates {
				return nil, fmt.Errorf("%s: alternates are nested deeper than %d or more than %d; run git repack -ad", list[i], maxNesting, maxAlternates)
			}
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				return nil, fmt.Errorf("%s: info/alternates names %q, which is no folder; mend the file", list[i], dir)
			}
			list, depth = append(list, dir), append(depth, depth[i]+1)
		}
	}
	return list, nil
}

// alternates returns the folders that info/alternates of a folder of objects
// names: one a line, absolute or seen from that folder, perhaps in quotes;
// lines that begin with "#" say nothing.
func alternates(objects string) ([]string, error) {
	name := filepath.Join(objects, "info", "alternates")
	data, err := readRegular(name, maxAltFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []string
	for line := range strings.SplitSeq(string(data), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '"' {
			if text, err := strconv.Unquote(line); err == nil {
				line = text
			}
		}
		dir := filepath.FromSlash(line)
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(objects, dir)
		}
		list = append(list, filepath.Clean(dir))
	}
	return list, nil
}

// readRegular reads a regular file of at most limit bytes.
func readRegular(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: more than %d bytes: %w", name, limit, ErrTooLarge)
	}
	return data, err
}

// loose reads an object that has its own file. The text is the caller's.
func (rd *reader) loose(id *ID) (Kind, []byte, error) {
	hex := id.Hex(rd.Repository.size)
	for _, dir := range rd.stores {
		name := filepath.Join(dir, hex[:2], hex[2:])
		data, err := readRegular(name, MaxBlob+MaxBlob/1000+1024)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, nil, err
		}
		kind, text, err := rd.parseLoose(data)
		if err != nil {
			return 0, nil, fmt.Errorf("%s: %w", name, err)
		}
		return kind, text, nil
	}
	if kind, ok := empty[hex]; ok {
		return kind, []byte{}, nil
	}
	return 0, nil, fmt.Errorf("%s: %w", hex, ErrMissing)
}

// empty has the objects that every repository has, stored or not.
var empty = map[string]Kind{
	"4b825dc642cb6eb9a060e54bf8d69288fbee4904":                         Tree,
	"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391":                         Blob,
	"6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321": Tree,
	"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813": Blob,
}

// parseLoose reads the file of a loose object: a zlib stream of the kind, a
// space, the size in decimal digits, a zero byte and the bytes themselves.
func (rd *reader) parseLoose(data []byte) (Kind, []byte, error) {
	damaged := func(what any) (Kind, []byte, error) {
		return 0, nil, fmt.Errorf("%v: %w", what, ErrDamaged)
	}
	r, err := rd.unzip(bytes.NewReader(data))
	if err != nil {
		return damaged(err)
	}
	b := bufio.NewReaderSize(io.LimitReader(r, MaxBlob+64), 64)
	head, err := b.ReadSlice(0)
	if err != nil {
		return damaged("no header")
	}
	word, digits, _ := strings.Cut(string(head[:len(head)-1]), " ")
	var kind Kind
	for k := Commit; k <= Tag; k++ {
		if word == k.String() {
			kind = k
		}
	}
	size, err := strconv.ParseUint(digits, 10, 63)
	if kind == 0 || err != nil || digits != strconv.FormatUint(size, 10) {
		return damaged("bad header")
	}
	if size > MaxBlob {
		return 0, nil, fmt.Errorf("%d bytes: %w", size, ErrTooLarge)
	}
	if size > uint64(len(data))*maxRatio {
		return damaged("cut off")
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(b, text); err != nil {
		return damaged(err)
	}
	switch _, err := b.ReadByte(); err {
	case nil:
		return damaged(errLong)
	case io.EOF:
		return kind, text, nil
	default:
		return damaged(err)
	}
}
