package store

import (
	"context"
	"iter"
	"slices"
	"strings"

	"wontfix"
)

// A compactRow is a statement as [DB.Sorted] keeps it.
type compactRow struct {
	entry, where, saying, line, evidence uint32
}

// Sorted yields all statements of a tracker, in order of id, source and label,
// each by code point; statements that are equal in all three are in order of
// line. It keeps some twenty bytes for each statement.
func (db *DB) Sorted(ctx context.Context, name string) iter.Seq2[wontfix.Statement, error] {
	return func(yield func(wontfix.Statement, error) bool) {
		s, err := db.sorter(ctx, name)
		if err != nil {
			yield(wontfix.Statement{}, err)
			return
		}
		names := newLabeller(s.catalog)
		for _, r := range s.rows {
			var out wontfix.Statement
			v, of := &s.dict.sayings[r.saying], names.entry(int(r.entry))
			s.dict.statement(v, &out)
			w := &s.where[r.where]
			out.Source, out.Label, out.Release = w.source, w.label.text, w.label.release
			if v.release != 0 {
				out.Release = wontfix.Release{}
				if text := s.dict.strings[v.release]; text != noRelease {
					out.Release, _ = wontfix.ParseRelease(text) // it was read from a release
				}
			}
			out.ID, out.File, out.Published = of.id, of.file, of.published
			if v.file != 0 {
				out.File = s.dict.strings[v.file]
			}
			out.Line, out.EvidenceLine = int(r.line), int(r.evidence)
			if !yield(out, nil) {
				return
			}
		}
	}
}

// A sorter has the statements of a tracker in order.
type sorter struct {
	catalog *catalog
	dict    *dictionary
	where   []packedBlob // without data
	rows    []compactRow
}

func (db *DB) sorter(ctx context.Context, name string) (*sorter, error) {
	t, err := db.open(ctx, name)
	if err != nil {
		return nil, err
	}
	s := &sorter{catalog: t.catalog, dict: newDictionary()}
	rows := make([]compactRow, 0, t.counts.Statements)
	var in blob
	for p, err := range db.packed(ctx, t, Filter{}) {
		if err != nil {
			return nil, err
		}
		if rows, err = s.add(rows, &in, p); err != nil {
			return nil, db.damagedBlob(p, err)
		}
	}
	// The rows of one entry are put together by counting; what is left to
	// sort are short runs.
	start := make([]uint32, s.catalog.len()+1)
	rank := s.rank()
	for i := range rows {
		rows[i].entry = rank[rows[i].entry]
		start[rows[i].entry+1]++
	}
	for i := 1; i < len(start); i++ {
		start[i] += start[i-1]
	}
	next := slices.Clone(start)
	s.rows = make([]compactRow, len(rows))
	for _, r := range rows {
		s.rows[next[r.entry]] = r
		next[r.entry]++
	}
	back := make([]uint32, len(rank))
	for i, r := range rank {
		back[r] = uint32(i)
	}
	order := s.order()
	for i := range back {
		run := s.rows[start[i]:start[i+1]]
		slices.SortStableFunc(run, func(a, b compactRow) int {
			if a.where != b.where {
				return int(order[a.where]) - int(order[b.where])
			}
			return int(a.line) - int(b.line)
		})
		for j := range run {
			run[j].entry = back[i]
		}
	}
	return s, nil
}

// add appends the rows of one blob.
func (s *sorter) add(rows []compactRow, in *blob, p packedBlob) ([]compactRow, error) {
	if err := in.read(p.data, p.common()); err != nil {
		return rows, err
	}
	where := uint32(len(s.where))
	s.where = append(s.where, packedBlob{label: p.label, source: p.source})
	numbers := make([]uint32, len(in.says))
	for i := range in.says {
		numbers[i] = s.dict.again(&in.says[i], in.modes[i], p.label.release)
	}
	at := 0
	for i := range in.len() {
		says, line, evidence, ok := in.next()
		if !ok {
			return rows, errBytes
		}
		entry := s.catalog.of(in, i, &at)
		if entry < 0 {
			return rows, errBytes
		}
		rows = append(rows, compactRow{uint32(entry), where, numbers[says], uint32(line), uint32(evidence)})
	}
	return rows, in.end()
}

// rank returns the place of each entry in the order of the ids' texts.
func (s *sorter) rank() []uint32 {
	names := newLabeller(s.catalog)
	order := make([]uint32, s.catalog.len())
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		return strings.Compare(names.entry(int(a)).id, names.entry(int(b)).id)
	})
	rank := make([]uint32, len(order))
	for i, o := range order {
		rank[o] = uint32(i)
	}
	return rank
}

// order returns the place of each blob in the order of source and label.
func (s *sorter) order() []uint32 {
	list := make([]uint32, len(s.where))
	for i := range list {
		list[i] = uint32(i)
	}
	slices.SortFunc(list, func(a, b uint32) int {
		x, y := &s.where[a], &s.where[b]
		if c := strings.Compare(x.source, y.source); c != 0 {
			return c
		}
		return strings.Compare(x.label.text, y.label.text)
	})
	order := make([]uint32, len(list))
	for i, l := range list {
		order[l] = uint32(i)
	}
	return order
}
