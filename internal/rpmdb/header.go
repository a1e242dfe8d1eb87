package rpmdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// The tags that are read, and their types (rpm's rpmtag.h).
const (
	tagName      = 1000
	tagVersion   = 1001
	tagRelease   = 1002
	tagEpoch     = 1003
	tagArch      = 1022
	tagSourceRPM = 1044
	tagModule    = 5096

	typeInt32  = 4
	typeString = 6
)

// The limits of rpm itself.
const (
	maxTags   = 0xffff
	maxHeader = 256 << 20
)

// An entry of a header's index says where in its data a tag's value begins.
type entry struct {
	tag    uint32
	offset int64
}

// header reads what is wanted of a header: the number of entries and of bytes
// of data, then the entries, then the data, all with the high byte first. Only
// the data up to the last wanted tag is looked at.
func header(b *blob) (p Package, err error) {
	var lengths [8]byte
	if err := b.read(lengths[:]); err != nil {
		return p, fmt.Errorf("header: %w", err)
	}
	tags, data := binary.BigEndian.Uint32(lengths[:]), int64(binary.BigEndian.Uint32(lengths[4:]))
	if tags == 0 || tags > maxTags || data > maxHeader {
		return p, fmt.Errorf("header: %d tags with %d bytes of data: no header of a package", tags, data)
	}
	entries, err := index(b, int(tags))
	if err != nil {
		return p, err
	}
	at := int64(0)
	for _, e := range entries {
		if e.offset < at || e.offset >= data {
			return p, fmt.Errorf("header: tag %d is not in its data", e.tag)
		}
		if err := b.skip(e.offset - at); err != nil {
			return p, fmt.Errorf("header: tag %d: %w", e.tag, err)
		}
		used, err := p.set(b, e.tag)
		if err != nil {
			return p, fmt.Errorf("header: tag %d: %w", e.tag, err)
		}
		at = e.offset + used
	}
	if p.Name == "" {
		return p, errors.New("header: no name of a package in it")
	}
	return p, nil
}

// index reads the index and returns the wanted entries in the order of their
// data.
func index(b *blob, tags int) ([]entry, error) {
	var wanted [7]entry
	all := wanted[:0]
	var raw [16]byte
	for range tags {
		if err := b.read(raw[:]); err != nil {
			return nil, fmt.Errorf("header: index: %w", err)
		}
		e := entry{binary.BigEndian.Uint32(raw[:]), int64(binary.BigEndian.Uint32(raw[8:]))}
		kind, count := binary.BigEndian.Uint32(raw[4:]), binary.BigEndian.Uint32(raw[12:])
		want := uint32(typeString)
		switch e.tag {
		case tagName, tagVersion, tagRelease, tagArch, tagSourceRPM, tagModule:
		case tagEpoch:
			want = typeInt32
		default:
			continue
		}
		if kind != want || count != 1 {
			return nil, fmt.Errorf("header: tag %d has %d values of type %d", e.tag, count, kind)
		}
		// What was added on installation stands behind and counts.
		if i := slices.IndexFunc(all, func(x entry) bool { return x.tag == e.tag }); i >= 0 {
			all[i] = e
			continue
		}
		all = append(all, e)
	}
	slices.SortStableFunc(all, func(a, b entry) int { return int(a.offset - b.offset) })
	return all, nil
}

// set reads the value of a tag and returns its length.
func (p *Package) set(b *blob, tag uint32) (int64, error) {
	if tag == tagEpoch {
		var raw [4]byte
		err := b.read(raw[:])
		p.Epoch = strconv.FormatUint(uint64(binary.BigEndian.Uint32(raw[:])), 10)
		return 4, err
	}
	s, used, err := b.text()
	if s == "(none)" {
		s = ""
	}
	switch tag {
	case tagName:
		p.Name = s
	case tagVersion:
		p.Version = s
	case tagRelease:
		p.Release = s
	case tagArch:
		p.Arch = s
	case tagSourceRPM:
		p.SourceRPM = s
	case tagModule:
		p.Module = s
	}
	return used, err
}
