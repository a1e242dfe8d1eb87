package tracker

import (
	"context"
	"fmt"
	"slices"

	"wontfix"
)

// A node is a commit of a graph.
type node struct {
	commit  wontfix.Commit
	tree    objectID
	parents []objectID
	kept    []objectID // those of the parents that commit.Parents has
	cut     bool       // the parents are not at hand, and that is known
	state   int8       // of the walk in order: 0, then 1 on the way, 2 done
	number  int
}

// A graph is the commits that lead to a tip and are not known.
type graph struct {
	tip     objectID
	first   int // the number of the first new commit
	known   map[objectID]int
	nodes   map[objectID]*node
	trees   map[objectID]objectID // of known commits that are parents of new ones
	missing map[objectID]error
	cut     []*node // in order
}

// walk reads the commits that lead to the source's revision.
func (s *Source) walk(ctx context.Context, r objects, known []string) (*graph, error) {
	shallow, err := readShallow(s.shallow)
	if err != nil {
		return nil, err
	}
	g := &graph{
		first: len(known), known: make(map[objectID]int, len(known)), nodes: map[objectID]*node{},
		trees: map[objectID]objectID{}, missing: map[objectID]error{},
	}
	for i, hex := range known {
		id, ok := parseID(hex)
		if !ok {
			return nil, fmt.Errorf("known commit %.80q: not an object ID", hex)
		}
		g.known[id] = i
	}
	g.tip, _ = parseID(s.info.Revision)
	asked := map[objectID]bool{g.tip: true}
	err = r.walk(ctx, g.tip, func(id objectID, raw []byte, err error) []objectID {
		s.meter.report("reading commits", int64(len(g.nodes)), 0)
		var c rawCommit
		if err == nil {
			c, err = parseCommit(raw, s.idSize())
		}
		if err != nil {
			g.missing[id] = err
			return nil
		}
		if _, ok := g.known[id]; ok {
			g.trees[id] = c.tree
			return nil
		}
		n := &node{commit: c.commit, tree: c.tree, parents: c.parents, cut: shallow[id] && len(c.parents) > 0}
		n.commit.ID = id.Hex(s.idSize())
		g.nodes[id] = n
		if n.cut {
			n.parents = nil
		}
		next := make([]objectID, 0, len(n.parents))
		for _, p := range n.parents {
			if !asked[p] {
				asked[p] = true
				next = append(next, p)
			}
		}
		return next
	})
	if err != nil {
		return nil, err
	}
	if err := g.missing[g.tip]; err != nil {
		return nil, fmt.Errorf("commit %s: %w", s.info.Revision, err)
	}
	// The known commits are the ancestors of the last of them. If that one is
	// an ancestor of the tip, each way to it is through new commits alone.
	if len(known) > 0 {
		last := known[len(known)-1]
		if id, _ := parseID(last); !asked[id] {
			return nil, fmt.Errorf("%w: commit %s does not lead to %s", ErrRewritten, last, s.info.Revision)
		}
	}
	return g, nil
}

// order returns the new commits, parents before children: those that lead to
// the first parent of a commit, then those that lead to its second and not to
// the first, and so on. It gives them their numbers and parents.
func (g *graph) order(tip objectID) []*node {
	order := make([]*node, 0, len(g.nodes))
	var way []objectID
	push := func(id objectID) {
		if n := g.nodes[id]; n != nil && n.state == 0 {
			n.state = 1
			way = append(way, id)
		}
	}
	next := make(map[objectID]int) // of a commit on the way: its parent to look at
	for push(tip); len(way) > 0; {
		id := way[len(way)-1]
		n := g.nodes[id]
		if k := next[id]; k < len(n.parents) {
			next[id]++
			push(n.parents[k])
			continue
		}
		delete(next, id)
		way = way[:len(way)-1]
		g.finish(n, g.first+len(order))
		order = append(order, n)
	}
	return order
}

// finish numbers a commit whose parents have their numbers. A parent that is
// on the way still is its own ancestor, which only a damaged repository has.
func (g *graph) finish(n *node, number int) {
	for _, id := range n.parents {
		if k, ok := g.known[id]; ok {
			n.commit.Parents = append(n.commit.Parents, k)
			n.kept = append(n.kept, id)
		} else if p := g.nodes[id]; p != nil && p.state == 2 {
			n.commit.Parents = append(n.commit.Parents, p.number)
			n.kept = append(n.kept, id)
		} else {
			n.commit.Gap = true
		}
	}
	if n.cut {
		n.commit.Gap = true
		g.cut = append(g.cut, n)
	}
	n.number = number
	n.state = 2
}

// tree returns the tree of a commit.
func (g *graph) tree(id objectID) (objectID, bool) {
	if n := g.nodes[id]; n != nil {
		return n.tree, true
	}
	tree, ok := g.trees[id]
	return tree, ok
}

// unseen returns what the repository lacks of the graph.
func (g *graph) unseen() []wontfix.Problem {
	var out []wontfix.Problem
	if len(g.cut) > 0 {
		oldest := slices.MinFunc(g.cut, func(a, b *node) int { return a.commit.Committed.Compare(b.commit.Committed) })
		where := fmt.Sprintf("commit %.12s of %s", oldest.commit.ID, oldest.commit.Committed.Format("2006-01-02"))
		if n := len(g.cut) - 1; n > 0 {
			where += fmt.Sprintf(" and %s after it", count(n, "other"))
		}
		out = append(out, problem("history", "begins at %s, since the repository is shallow: who decided what before is not at hand; fetch it with wontfix sync --history", where))
	}
	var lost []objectID
	for id := range g.missing {
		if _, ok := g.known[id]; !ok {
			lost = append(lost, id)
		}
	}
	if len(lost) > 0 {
		first := slices.MinFunc(lost, func(a, b objectID) int { return slices.Compare(a[:], b[:]) })
		out = append(out, problem("history", "%s cannot be read, nor what is before: the repository is damaged; one of them: %s",
			count(len(lost), "commit"), printable(g.missing[first].Error())))
	}
	return out
}
