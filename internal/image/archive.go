package image

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
)

const (
	maxJSON    = 16 << 20  // a manifest or an index
	maxMembers = 1_000_000 // files of an archive
)

// files are those of an image that is kept in a folder or an archive.
type files interface {
	open(name string) (io.ReadCloser, int64, error)
	Close() error
}

// folder is an OCI layout in a folder.
type folder struct{ *os.Root }

func (f folder) open(name string) (io.ReadCloser, int64, error) {
	if info, err := f.Stat(name); err != nil {
		return nil, 0, err
	} else if !info.Mode().IsRegular() { // to open a pipe is to wait for a writer
		return nil, 0, errors.New("not a regular file")
	}
	file, err := f.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

func openFolder(name string, o Options) (*source, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	src, err := openFiles(folder{root}, o)
	if err != nil {
		root.Close()
	}
	return src, err
}

// members are the files of an archive, by where they lie in it.
type members struct {
	*os.File
	at map[string]member
}

type member struct {
	at, size int64
	link     string // the file that has the content
}

func (m members) open(name string) (io.ReadCloser, int64, error) {
	for range 8 { // old archives have layers that are links to others
		found, ok := m.at[name]
		if !ok {
			break
		}
		if found.link == "" {
			return io.NopCloser(io.NewSectionReader(m.File, found.at, found.size)), found.size, nil
		}
		name = found.link
	}
	return nil, 0, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// openArchive opens an archive of docker save or of an OCI layout, which may be
// compressed as a whole.
func openArchive(name string, o Options) (*source, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if file, err = unpacked(file, o.Limits); err != nil {
		return nil, err
	}
	m := members{file, make(map[string]member)}
	r := tar.NewReader(file) // which skips what it does not read
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && len(m.at) >= maxMembers {
			err = fmt.Errorf("more than %d files", maxMembers)
		}
		if err != nil {
			file.Close()
			return nil, fmt.Errorf("no archive of an image: %w", err)
		}
		member := member{size: h.Size}
		switch h.Typeflag {
		case tar.TypeReg:
		case tar.TypeSymlink:
			member.link = clean(path.Join(path.Dir(clean(h.Name)), h.Linkname))
		case tar.TypeLink:
			member.link = clean(h.Linkname)
		default:
			continue
		}
		if member.at, err = file.Seek(0, io.SeekCurrent); err != nil {
			file.Close()
			return nil, err
		}
		m.at[clean(h.Name)] = member
	}
	src, err := openFiles(m, o)
	if err != nil {
		file.Close()
	}
	return src, err
}

// unpacked returns the file as it is, or a temporary one with what it expands
// to.
func unpacked(file *os.File, limits Limits) (*os.File, error) {
	info, err := file.Stat()
	if err == nil {
		err = regular(info)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	var magic [4]byte
	file.ReadAt(magic[:], 0)
	if magic[0] != 0x1f && magic[0] != 0x28 {
		return file, nil
	}
	defer file.Close()
	plain, err := decompress(file)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	out, err := os.CreateTemp("", "wontfix-image-")
	if err != nil {
		return nil, err
	}
	os.Remove(out.Name())
	allowed := min(limits.Bytes, max(ratioFloor, info.Size()*limits.Ratio))
	n, err := io.Copy(out, io.LimitReader(plain, allowed+1))
	if err == nil && n > allowed {
		err = fmt.Errorf("it expands to more than %d bytes", allowed)
	}
	if err == nil {
		_, err = out.Seek(0, io.SeekStart)
	}
	if err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}

func regular(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	return nil
}

// openFiles finds the layers of the one image that the files are.
func openFiles(f files, o Options) (*source, error) {
	src := &source{close: f.Close}
	var docker []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	err := readJSON(f, "manifest.json", &docker)
	switch {
	case err == nil && len(docker) == 1:
		if err := configured(f, clean(docker[0].Config), o.Platform); err != nil {
			return nil, err
		}
		if len(docker[0].RepoTags) > 0 {
			src.name = docker[0].RepoTags[0]
		}
		for _, name := range docker[0].Layers {
			src.layers = append(src.layers, stored(f, clean(name), ""))
		}
		return src, nil
	case err == nil:
		var names []string
		for _, d := range docker {
			names = append(names, strings.Join(d.RepoTags, " "))
		}
		return nil, fmt.Errorf("manifest.json has %d images (%.200q): save the one to look at", len(docker), names)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	layers, err := fromLayout(f, o)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("neither an archive of docker save (manifest.json) nor an OCI layout (index.json): %w", err)
	}
	src.layers = layers
	return src, err
}

// A descriptor says where content is, and what it is (OCI image-spec,
// descriptor.md).
type descriptor struct {
	MediaType string
	Digest    string
	Size      int64
	Platform  *platform
	URLs      []string
}

type platform struct{ OS, Architecture, Variant string }

func (p *platform) String() string {
	if p == nil {
		return "unknown"
	}
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// manifest is an index or the manifest of an image.
type manifest struct {
	Manifests []descriptor
	Config    descriptor
	Layers    []descriptor
}

// isFor returns an error if p is another platform than the wanted one.
func (p *platform) isFor(want string) error {
	if name := p.String(); name != want && !strings.HasPrefix(name, want+"/") {
		return fmt.Errorf("no image for %s in it; there is %s", want, name)
	}
	return nil
}

// configured returns an error if the configuration of an image says that it is
// for another platform than the wanted one. "" wants none.
func configured(f files, config, want string) error {
	if want == "" {
		return nil
	}
	var p platform
	if err := readJSON(f, config, &p); err != nil {
		return fmt.Errorf("--platform %s: of which platform the image is stands in its configuration: %w", want, err)
	}
	return p.isFor(want)
}

// fromLayout finds the layers of an OCI layout.
func fromLayout(f files, o Options) ([]layer, error) {
	name, wanted := "index.json", o.Platform
	for range 4 { // indexes of indexes
		var m manifest
		if err := readJSON(f, name, &m); err != nil {
			return nil, err
		}
		if len(m.Manifests) == 0 {
			if wanted != "" {
				config, err := blobName(m.Config.Digest)
				if err != nil {
					return nil, err
				}
				if err := configured(f, config, wanted); err != nil {
					return nil, err
				}
			}
			var layers []layer
			for _, d := range m.Layers {
				blob, err := blobName(d.Digest)
				if err != nil {
					return nil, err
				}
				layers = append(layers, stored(f, blob, d.Digest))
			}
			return layers, nil
		}
		d, err := choose(m.Manifests, o.Platform)
		if err != nil {
			return nil, err
		}
		if d.Platform != nil {
			wanted = "" // the index has said it
		}
		if name, err = blobName(d.Digest); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("index.json: indexes of indexes, deeper than is known")
}

// choose returns the manifest of the wanted platform. Attestations and the like
// have the platform unknown/unknown.
func choose(all []descriptor, want string) (descriptor, error) {
	all = slices.DeleteFunc(slices.Clone(all), func(d descriptor) bool {
		return d.Platform != nil && d.Platform.OS == "unknown"
	})
	var names []string
	for _, d := range all {
		names = append(names, d.Platform.String())
	}
	if len(all) == 1 && (want == "" || all[0].Platform == nil) {
		return all[0], nil // its configuration says what it is for
	}
	if want == "" {
		want = "linux/" + runtime.GOARCH
	}
	for i, name := range names {
		if name == want || strings.HasPrefix(name, want+"/") {
			return all[i], nil
		}
	}
	return descriptor{}, fmt.Errorf("no image for %s in it; there are %s: choose one with --platform", want, strings.Join(names, ", "))
}

// blobName returns the file of a layout that has a digest.
func blobName(digest string) (string, error) {
	algorithm, sum, ok := strings.Cut(digest, ":")
	if b, err := hex.DecodeString(sum); !ok || err != nil || algorithm != "sha256" || len(b) != sha256.Size {
		return "", fmt.Errorf("%.80q is no digest of SHA-256", digest)
	}
	return "blobs/sha256/" + sum, nil
}

func readJSON(f files, name string, v any) error {
	r, size, err := f.open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	if size > maxJSON {
		return fmt.Errorf("%s: %d bytes, more than %d", name, size, maxJSON)
	}
	b, err := io.ReadAll(io.LimitReader(r, maxJSON))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// stored is a layer that lies in a file, with its digest if that is known.
func stored(f files, name, digest string) layer {
	l := layer{name: name}
	if digest != "" {
		l.name = digest
	}
	if r, size, err := f.open(name); err == nil {
		l.size = size
		r.Close()
	}
	l.open = func() (io.ReadCloser, error) {
		r, _, err := f.open(name)
		if err != nil || digest == "" {
			return r, err
		}
		return &verifier{ReadCloser: r, sum: sha256.New(), want: digest}, nil
	}
	return l
}

// A verifier checks a digest where its reader ends.
type verifier struct {
	io.ReadCloser
	sum  hash.Hash
	want string
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.ReadCloser.Read(p)
	v.sum.Write(p[:n])
	if errors.Is(err, io.EOF) {
		if got := "sha256:" + hex.EncodeToString(v.sum.Sum(nil)); got != v.want {
			return n, fmt.Errorf("its digest is %s: the image is damaged", got)
		}
	}
	return n, err
}
