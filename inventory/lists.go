package inventory

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"runtime"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"wontfix"
	"wontfix/version"
)

const listsDir = "var/lib/apt/lists"

// A list is one package list with what its Release file says.
type list struct {
	file    string // path in the root
	archive wontfix.Archive
	// never is set for archives that apt does not install from by itself
	// (NotAutomatic), and upgrades for those of them that it nevertheless
	// upgrades within (ButAutomaticUpgrades).
	never, upgrades bool

	hits []hit
	err  error
}

// A hit is a stanza of a list for an installed package.
type hit struct {
	pkg               int // index in Machine.Packages
	version, source   string
	sameAsInstalled   bool
	aboveTheInstalled bool
}

// lists reads apt's package lists and sets From, Offer and Listed of the
// installed packages. It follows apt_preferences(5) without the pins that an
// administrator may have set.
func (r *reader) lists() {
	all := r.findLists()
	want := make(map[string][]int, len(r.m.Packages))
	for i := range r.m.Packages {
		name := r.m.Packages[i].Name
		want[name] = append(want[name], i)
	}
	work := make(chan *list)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(all)) {
		wg.Go(func() {
			buf := make([]byte, 256<<10)
			for l := range work {
				buf = l.read(r.fsys, r.m.Packages, want, buf)
			}
		})
	}
	for _, l := range all {
		work <- l
	}
	close(work)
	wg.Wait()

	r.m.Archives = make([]wontfix.Archive, len(all))
	offers := make([]offers, len(r.m.Packages))
	for i, l := range all {
		r.m.Archives[i] = l.archive
		if l.err != nil {
			r.problem(l.file, 0, "%v: what this list offers is not known", l.err)
		}
		rank := l.rank(r.m.Base.Distribution)
		for _, h := range l.hits {
			offers[h.pkg].add(l, &r.m.Archives[i], h, rank)
		}
	}
	for i := range offers {
		p := &r.m.Packages[i]
		p.Listed, p.From, p.Offer = offers[i].listed, offers[i].from, offers[i].best()
	}
}

// offers is what all lists have of one package.
type offers struct {
	listed   bool
	from     *wontfix.Offer // the installed version
	fromRank int
	settled  bool           // an archive with automatic installation offers the installed version
	offer    *wontfix.Offer // highest version above it
	rank     int
	backport *wontfix.Offer // the same among archives that only upgrade
}

func (o *offers) add(l *list, a *wontfix.Archive, h hit, rank int) {
	o.listed = true
	made := func() *wontfix.Offer {
		return &wontfix.Offer{Version: h.version, SourceVersion: h.source, Archive: a}
	}
	if h.sameAsInstalled {
		if o.from == nil || rank < o.fromRank {
			o.from, o.fromRank = made(), rank
		}
		o.settled = o.settled || !l.never
	}
	if !h.aboveTheInstalled || a.Pocket() == "proposed" {
		return
	}
	switch {
	case !l.never:
		c := 1
		if o.offer != nil {
			c = version.Dpkg(h.version, o.offer.Version)
		}
		if c > 0 || c == 0 && rank < o.rank {
			o.offer, o.rank = made(), rank
		}
	case l.upgrades:
		if o.backport == nil || version.Dpkg(h.version, o.backport.Version) > 0 {
			o.backport = made()
		}
	}
}

// best returns what apt would upgrade to. An archive such as -backports is
// followed only by a package whose installed version comes from nowhere else.
func (o *offers) best() *wontfix.Offer {
	if o.offer == nil && !o.settled {
		return o.backport
	}
	return o.offer
}

// rank orders archives that have the same version: security first, then
// updates, then the release itself, and the distribution's own before others.
func (l *list) rank(distribution string) int {
	rank := 2
	switch p := l.archive.Pocket(); {
	case strings.HasSuffix(p, "security") || l.archive.Label == "Debian-Security":
		rank = 0
	case strings.HasSuffix(p, "updates"):
		rank = 1
	case p == "backports":
		rank = 3
	case p == "proposed":
		rank = 4
	}
	if !strings.EqualFold(l.archive.Origin, distribution) && !strings.HasPrefix(l.archive.Origin, "UbuntuESM") {
		rank += 10
	}
	return rank
}

// findLists returns the package lists, sorted by name of file.
func (r *reader) findLists() (all []*list) {
	entries := r.dir(listsDir)
	files := make(map[string]bool)
	for _, e := range entries {
		if !e.IsDir() {
			files[e.Name()] = true
		}
	}
	releases := make(map[string]*list)
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), compression(e.Name()))
		prefix, ok := strings.CutSuffix(name, "_Packages")
		if !ok || e.IsDir() {
			continue
		}
		l := &list{file: listsDir + "/" + e.Name()}
		if base, found := releaseFile(prefix, files); found != "" {
			if releases[found] == nil {
				releases[found] = r.releaseOf(listsDir + "/" + found)
			}
			*l = *releases[found]
			l.file = listsDir + "/" + e.Name()
			l.archive.Component = component(strings.TrimPrefix(prefix, base))
		} else {
			r.problem(l.file, 0, "no Release file beside it: the archive is known by its address alone")
			_, after, _ := strings.Cut(prefix, "_dists_")
			suite, comp, _ := strings.Cut(after, "_")
			l.archive.Suite, l.archive.Component = unescape(suite), component("_"+comp)
		}
		site, _, dists := strings.Cut(prefix, "_dists_")
		if !dists {
			site = strings.TrimSuffix(prefix, "_.")
		}
		l.archive.Site = unescape(strings.TrimRight(site, "_"))
		l.archive.File = l.file
		all = append(all, l)
	}
	return all
}

// releaseFile returns the Release file of the archive that a list belongs to:
// the one whose name shares the longest beginning with the list's, up to an
// underscore.
func releaseFile(prefix string, files map[string]bool) (base, file string) {
	for base = prefix; ; {
		for _, kind := range []string{"_InRelease", "_Release"} {
			if files[base+kind] {
				return base, base + kind
			}
		}
		i := strings.LastIndexByte(base, '_')
		if i < 0 {
			return "", ""
		}
		base = base[:i]
	}
}

// component reads what stands in a list's name behind the suite:
// "_main_binary-amd64".
func component(s string) string {
	s, _, _ = strings.Cut(s, "_binary-")
	return unescape(strings.TrimLeft(s, "_"))
}

// unescape turns a name of apt's into the path that it was made of: slashes
// have become underscores, and underscores %5f.
func unescape(s string) string {
	s = strings.ReplaceAll(s, "_", "/")
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// releaseOf reads a Release or InRelease file (Debian wiki, "DebianRepository/
// Format").
func (r *reader) releaseOf(file string) *list {
	l := &list{}
	a := &l.archive
	b := r.file(file, maxStatus)
	if i := bytes.Index(b, []byte("\n\n")); bytes.HasPrefix(b, []byte("-----BEGIN PGP SIGNED MESSAGE-----")) && i >= 0 {
		b = b[i+2:]
	}
	if i := bytes.Index(b, []byte("\n\n")); i >= 0 {
		b = b[:i]
	}
	for _, sums := range []string{"\nMD5Sum:", "\nSHA1:", "\nSHA256:", "\nSHA512:"} {
		if i := bytes.Index(b, []byte(sums)); i >= 0 {
			b = b[:i] // digests of hundreds of files
		}
	}
	eachField(b, func(line int, key, value []byte) {
		if len(value) > maxFieldSize {
			return
		}
		for name, to := range map[string]*string{"Origin": &a.Origin, "Label": &a.Label, "Suite": &a.Suite, "Codename": &a.Codename, "Date": &a.Date} {
			if isKey(key, name) {
				*to = string(value)
			}
		}
		switch {
		case isKey(key, "NotAutomatic"):
			l.never = strings.EqualFold(string(value), "yes")
		case isKey(key, "ButAutomaticUpgrades"):
			l.upgrades = strings.EqualFold(string(value), "yes")
		}
	})
	if a.Suite == "" {
		a.Suite = a.Codename
	}
	return l
}

// compression returns the extension of a compressed file, or "".
func compression(name string) string {
	switch ext := path.Ext(name); ext {
	case ".gz", ".lz4", ".zst", ".bz2", ".xz", ".lzma":
		return ext
	}
	return ""
}

// decompress returns a reader of the contents of a file by its name.
func decompress(name string, rd io.Reader) (io.Reader, error) {
	switch ext := compression(name); ext {
	case "":
		return rd, nil
	case ".gz":
		return gzip.NewReader(rd)
	case ".lz4":
		return lz4.NewReader(rd), nil
	case ".bz2":
		return bzip2.NewReader(rd), nil
	case ".zst":
		z, err := zstd.NewReader(rd, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(128<<20))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	default:
		return nil, fmt.Errorf("compressed as %s, which is not supported; set Acquire::GzipIndexes or run apt-get update", ext)
	}
}

// read collects the hits of a list. It returns buf, which may have grown.
func (l *list) read(fsys fs.FS, packages []wontfix.Package, want map[string][]int, buf []byte) []byte {
	f, err := openFile(fsys, l.file)
	if err != nil {
		l.err = cause(err)
		return buf
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() == 0 {
		return buf // apt's way to say that the component has no packages, compressed or not
	}
	rd, err := decompress(l.file, f)
	if err != nil {
		l.err = err
		return buf
	}
	if c, ok := rd.(io.Closer); ok && rd != io.Reader(f) {
		defer c.Close()
	}
	limited := &io.LimitedReader{R: rd, N: maxList}
	buf, l.err = scanPackages(limited, buf, func(stanza []byte) {
		name := packageName(stanza)
		if indices := want[string(name)]; indices != nil {
			l.match(packages, indices, stanza)
		}
	})
	if l.err == nil && limited.N == 0 {
		l.err = fmt.Errorf("longer than %d bytes: the rest is not read", int64(maxList))
	}
	return buf
}

// match adds a hit for each installed package that a stanza is about: those of
// its architecture, or all if either is the same for all.
func (l *list) match(packages []wontfix.Package, indices []int, stanza []byte) {
	var ver, arch, src []byte
	eachField(stanza, func(_ int, key, value []byte) {
		switch {
		case isKey(key, "Version"):
			ver = value
		case isKey(key, "Architecture"):
			arch = value
		case isKey(key, "Source"):
			src = value
		}
	})
	if len(ver) == 0 || len(ver) > maxFieldSize {
		return
	}
	h := hit{version: string(ver), source: string(ver)}
	if _, v, ok := strings.Cut(string(src), "("); ok && len(src) < maxFieldSize {
		h.source = strings.TrimSpace(strings.TrimSuffix(v, ")"))
	}
	for _, i := range indices {
		p := &packages[i]
		if p.Architecture != "all" && p.Architecture != "" && string(arch) != "all" && p.Architecture != string(arch) {
			continue
		}
		h.pkg = i
		c := version.Dpkg(h.version, p.Version)
		h.sameAsInstalled, h.aboveTheInstalled = c == 0, c > 0
		l.hits = append(l.hits, h)
	}
}

// packageName returns the value of a stanza's Package field, which archives
// put first.
func packageName(stanza []byte) []byte {
	rest, ok := bytes.CutPrefix(stanza, []byte("Package:"))
	if !ok {
		i := bytes.Index(stanza, []byte("\nPackage:"))
		if i < 0 {
			return nil
		}
		rest = stanza[i+len("\nPackage:"):]
	}
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	return bytes.TrimSpace(rest)
}

const maxStanza = 8 << 20

var errStanza = errors.New("a stanza of more than 8 MB: the rest is not read")

// scanPackages calls visit for each stanza, without the empty line behind it.
// The bytes are valid during the call. It returns buf, which may have grown.
func scanPackages(rd io.Reader, buf []byte, visit func(stanza []byte)) ([]byte, error) {
	n := 0
	for {
		m, err := io.ReadFull(rd, buf[n:])
		n += m
		rest := buf[:n]
		for {
			i := bytes.Index(rest, []byte("\n\n"))
			if i < 0 {
				break
			}
			visit(rest[:i])
			rest = bytes.TrimLeft(rest[i+2:], "\n")
		}
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			if rest = bytes.TrimRight(rest, "\n"); len(rest) > 0 {
				visit(rest)
			}
			return buf, nil
		case err != nil:
			return buf, err
		case len(rest) >= maxStanza:
			return buf, errStanza
		}
		n = copy(buf, rest)
		if n == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}
