package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"wontfix"
	"wontfix/version"
)

// Changelog looks for a vulnerability in the installed changelog of a package.
// If an entry up to the installed version names it, line is the entry's
// heading and the item that does, on one line. A package without a readable
// changelog of its own source names nothing.
func Changelog(fsys fs.FS, pkg wontfix.Package, id string) (line string, ok bool, err error) {
	_, text, err := openChangelog(fsys, &pkg)
	if err != nil || text == nil {
		return "", false, err
	}
	eachEntry(text, func(heading, body []byte) bool {
		if at := findID(body, id); at >= 0 && upTo(heading, &pkg) {
			h, _, _ := bytes.Cut(heading, []byte(";"))
			line, ok = oneLine(h)+" "+oneLine(item(body, at)), true
		}
		return !ok
	})
	return line, ok, nil
}

// Backports returns, for each source package, the vulnerabilities that its
// installed changelog names, up to the installed version. The first of a
// source's binary packages with a changelog speaks for all; one that cannot be
// read is a problem only if no other speaks.
func Backports(fsys fs.FS, packages []wontfix.Package) ([]wontfix.Backport, []wontfix.Problem) {
	groups := make(map[[2]string][]int)
	var keys [][2]string
	for i := range packages {
		k := [2]string{packages[i].Source, packages[i].SourceVersion}
		if groups[k] == nil {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], i)
	}
	backports := make([]wontfix.Backport, len(keys))
	problems := make([][]wontfix.Problem, len(keys))
	work := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(keys)) {
		wg.Go(func() {
			for k := range work {
				for _, i := range groups[keys[k]] {
					b, done, err := backport(fsys, &packages[i])
					if err != nil {
						problems[k] = append(problems[k], wontfix.Problem{File: b.File, Text: cause(err).Error()})
					}
					if done {
						backports[k], problems[k] = b, nil
						break
					}
				}
			}
		})
	}
	for k := range keys {
		work <- k
	}
	close(work)
	wg.Wait()
	backports = slices.DeleteFunc(backports, func(b wontfix.Backport) bool { return len(b.IDs) == 0 })
	slices.SortStableFunc(backports, func(a, b wontfix.Backport) int { return strings.Compare(a.Source, b.Source) })
	return backports, slices.Concat(problems...)
}

// backport reads one changelog. done says that it speaks for the source.
func backport(fsys fs.FS, p *wontfix.Package) (b wontfix.Backport, done bool, err error) {
	file, text, err := openChangelog(fsys, p)
	b = wontfix.Backport{Source: p.Source, Version: p.SourceVersion, File: file}
	if err != nil || text == nil {
		return b, false, err
	}
	ids := make(map[string]struct{})
	eachEntry(text, func(heading, body []byte) bool {
		if upTo(heading, p) {
			eachID(body, func(at, end int) bool {
				if id := body[at:end]; !has(ids, id) {
					ids[string(id)] = struct{}{}
				}
				return true
			})
		}
		return true
	})
	for id := range ids {
		b.IDs = append(b.IDs, id)
	}
	slices.Sort(b.IDs)
	return b, true, nil
}

func has(ids map[string]struct{}, id []byte) bool {
	_, ok := ids[string(id)]
	return ok
}

// openChangelog reads the Debian changelog of a package: changelog.Debian.gz,
// or changelog.gz for one that has no upstream (Debian Policy 12.7). text is
// nil if there is none, or if it is that of another source: then it proves
// nothing about this one.
func openChangelog(fsys fs.FS, p *wontfix.Package) (file string, text []byte, err error) {
	if !legalName(p.Name) {
		return "", nil, nil
	}
	names := []string{"changelog.Debian.gz", "changelog.Debian"}
	if !strings.Contains(p.SourceVersion, "-") {
		names = append(names, "changelog.gz", "changelog")
	}
	for _, name := range names {
		file = "usr/share/doc/" + p.Name + "/" + name
		text, err = readChangelog(fsys, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return file, nil, err
		}
		if source, _, ok := parseHeading(text); !ok || source != p.Source {
			return file, nil, nil
		}
		return file, text, nil
	}
	return "", nil, nil
}

func readChangelog(fsys fs.FS, file string) ([]byte, error) {
	f, err := openFile(fsys, file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rd io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("no gzip: %w", err)
		}
		defer z.Close()
		rd = z
	}
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(io.LimitReader(rd, maxChangelog+1)); err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	if buf.Len() > maxChangelog {
		return nil, fmt.Errorf("larger than %d bytes: not read", maxChangelog)
	}
	return buf.Bytes(), nil
}

// eachEntry calls f with the heading and the body of each entry of a changelog
// (deb-changelog(5)) until f returns false. A heading begins in the first
// column; the body is all until the next.
func eachEntry(text []byte, f func(heading, body []byte) bool) {
	for len(text) > 0 {
		heading, rest, _ := bytes.Cut(text, []byte("\n"))
		if _, _, ok := parseHeading(heading); !ok {
			text = rest
			continue
		}
		end := 0
		for end < len(rest) {
			i := bytes.IndexByte(rest[end:], '\n')
			if i < 0 {
				end = len(rest)
				break
			}
			end += i + 1
			if _, _, ok := parseHeading(rest[end:]); ok {
				break
			}
		}
		if !f(heading, rest[:end]) {
			return
		}
		text = rest[end:]
	}
}

// parseHeading reads "source (version) suite; urgency=…" at the beginning of
// text.
func parseHeading(text []byte) (source, ver string, ok bool) {
	if len(text) == 0 || text[0] == ' ' || text[0] == '\t' || text[0] == '\n' {
		return "", "", false
	}
	line, _, _ := bytes.Cut(text[:min(len(text), 1024)], []byte("\n"))
	name, rest, ok := bytes.Cut(line, []byte(" ("))
	if !ok {
		return "", "", false
	}
	v, rest, ok := bytes.Cut(rest, []byte(")"))
	if !ok || !bytes.Contains(rest, []byte(";")) || !legalName(string(name)) {
		return "", "", false
	}
	return string(name), string(v), true
}

// upTo reports whether an entry is of the installed version or an older one.
func upTo(heading []byte, p *wontfix.Package) bool {
	_, v, ok := parseHeading(heading)
	return ok && version.Dpkg(v, p.SourceVersion) <= 0
}

// eachID calls f with the place of each CVE name in b until f returns false.
func eachID(b []byte, f func(at, end int) bool) {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte("CVE-"))
		if i < 0 {
			return
		}
		at := from + i
		end := at + 4
		year := digits(b[end:])
		if from = end; year != 4 {
			continue
		}
		if end += year; end >= len(b) || b[end] != '-' {
			continue
		}
		n := digits(b[end+1:])
		if n < 4 || n > 19 {
			continue
		}
		end += 1 + n
		from = end
		if !f(at, end) {
			return
		}
	}
}

func digits(b []byte) int {
	n := 0
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return n
}

// findID returns the place of one CVE name in b, or -1.
func findID(b []byte, id string) int {
	found := -1
	eachID(b, func(at, end int) bool {
		if string(b[at:end]) == id {
			found = at
		}
		return found < 0
	})
	return found
}

// item returns the text around a place in an entry: from the line of the
// bullet (*) that it belongs to, to the end of its own line.
func item(body []byte, at int) []byte {
	end := len(body)
	if i := bytes.IndexByte(body[at:], '\n'); i >= 0 {
		end = at + i
	}
	begin := bytes.LastIndexByte(body[:at], '\n') + 1
	for b := begin; ; b = bytes.LastIndexByte(body[:b-1], '\n') + 1 {
		line := bytes.TrimLeft(body[b:end], " \t")
		if len(line) == 0 || line[0] == '\n' {
			break
		}
		if line[0] == '*' {
			begin = b
			break
		}
		if b == 0 {
			break
		}
	}
	return body[begin:end]
}

const maxItem = 400

// oneLine puts text on one line and cuts it to a length that can be shown.
func oneLine(b []byte) string {
	s := strings.Join(strings.Fields(string(b)), " ")
	if len(s) > maxItem {
		s = strings.ToValidUTF8(s[:maxItem-3], "") + "…"
	}
	return s
}
