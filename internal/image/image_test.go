package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"

	"wontfix/internal/testkit"
)

// tarOf writes a layer: "name=content", "name/" for a folder, "name->target"
// for a symbolic link, "name=>target" for a hard one.
func tarOf(t testing.TB, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Typeflag: tar.TypeReg, Mode: 0o644}
		content := ""
		if name, target, ok := strings.Cut(e, "->"); ok {
			h.Typeflag, h.Name, h.Linkname = tar.TypeSymlink, name, target
		} else if name, target, ok := strings.Cut(e, "=>"); ok {
			h.Typeflag, h.Name, h.Linkname = tar.TypeLink, name, target
		} else if h.Name, content, ok = strings.Cut(e, "="); !ok && strings.HasSuffix(e, "/") {
			h.Typeflag = tar.TypeDir
		}
		h.Size = int64(len(content))
		testkit.Must(t, w.WriteHeader(h))
		_, err := io.WriteString(w, content)
		testkit.Must(t, err)
	}
	testkit.Must(t, w.Close())
	return b.Bytes()
}

// The layers of the tests: what is hidden, replaced and linked.
var layers = [][]string{
	{"etc/", "etc/os-release->../usr/lib/os-release", "usr/lib/os-release=ID=old", "keep/a=1", "keep/b=1", "gone/x=1", "gone/y/z=1",
		"dir/file=1", "swap=was a file", "folder/in=1", "lib->usr/lib", "var/lib/rpm->../../usr/lib/sysimage/rpm", "abs->/usr/lib/os-release"},
	{"./usr/lib/os-release=ID=new", "keep/.wh.a=", "gone/.wh..wh..opq=", "gone/new=2", ".wh.dir=", "swap/inside=2", "folder=2",
		"other.bin=x", "skipped.bin=not kept", "etc/copy=>skipped.bin", "etc/second=>usr/lib/os-release", ".wh..wh.plnk=", "../../escape=2", "out->../../../etc/passwd", "loop->loop"},
	{"usr/lib/sysimage/rpm/rpmdb.sqlite=db", "gone/.wh.new=", "dir/again=3"},
}

var want = map[string]string{
	"etc/os-release": "ID=new", "usr/lib/os-release": "ID=new", "keep/b": "1", "dir/again": "3", "swap/inside": "2", "folder": "2",
	"etc/copy": "not kept", "etc/second": "ID=new", "escape": "2", "usr/lib/sysimage/rpm/rpmdb.sqlite": "db",
	"var/lib/rpm/rpmdb.sqlite": "db", "abs": "ID=new", "lib/os-release": "ID=new",
}

var absent = []string{"keep/a", "gone/x", "gone/y/z", "gone/new", "dir/file", "folder/in", "other.bin", "out", "loop", ".wh..wh.plnk", "keep/.wh.a"}

func keep(name string) bool { return !strings.HasSuffix(name, ".bin") }

func compressed(t testing.TB, b []byte, how int) ([]byte, types.MediaType) {
	var out bytes.Buffer
	var w io.WriteCloser
	media := types.OCIUncompressedLayer
	switch how % 3 {
	case 0:
		w, media = gzip.NewWriter(&out), types.OCILayer
	case 1:
		z, err := zstd.NewWriter(&out)
		testkit.Must(t, err)
		w, media = z, types.OCILayerZStd
	default:
		return b, media
	}
	_, err := w.Write(b)
	testkit.Must(t, err)
	testkit.Must(t, w.Close())
	return out.Bytes(), media
}

// build makes an image whose layers are compressed in one way each.
func build(t testing.TB, layers [][]string) v1.Image {
	img := empty.Image
	for i, l := range layers {
		b, media := compressed(t, tarOf(t, l...), i)
		var err error
		img, err = mutate.Append(img, mutate.Addendum{Layer: static.NewLayer(b, media), MediaType: media})
		testkit.Must(t, err)
	}
	return img
}

// forms are the ways in which an image can lie somewhere.
func forms(t *testing.T, img v1.Image) map[string]string {
	dir := t.TempDir()
	where := map[string]string{"folder": filepath.Join(dir, "layout"), "layout.tar": filepath.Join(dir, "layout.tar"), "docker.tar": filepath.Join(dir, "docker.tar"), "docker.tar.gz": filepath.Join(dir, "docker.tar.gz")}
	p, err := layout.Write(where["folder"], empty.Index)
	testkit.Must(t, err)
	testkit.Must(t, p.AppendImage(img))
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	testkit.Must(t, w.AddFS(os.DirFS(where["folder"])))
	testkit.Must(t, w.Close())
	testkit.Must(t, os.WriteFile(where["layout.tar"], b.Bytes(), 0o644))

	tag, err := name.NewTag("example.org/small:1")
	testkit.Must(t, err)
	testkit.Must(t, tarball.WriteToFile(where["docker.tar"], tag, img))
	plain, err := os.ReadFile(where["docker.tar"])
	testkit.Must(t, err)
	packed, _ := compressed(t, plain, 0)
	testkit.Must(t, os.WriteFile(where["docker.tar.gz"], packed, 0o644))

	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	ref, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/small:1")
	testkit.Must(t, err)
	testkit.Must(t, remote.Write(ref, img))
	where["registry"] = ref.Name()
	return where
}

func TestOpen(t *testing.T) {
	for form, ref := range forms(t, build(t, layers)) {
		t.Run(form, func(t *testing.T) {
			img, err := Open(context.Background(), ref, Options{Keep: keep})
			if err != nil {
				t.Fatal(err)
			}
			defer img.Close()
			for name, text := range want {
				if got, err := fs.ReadFile(img, name); err != nil || string(got) != text {
					t.Errorf("%s: %q, %v; want %q", name, got, err, text)
				}
			}
			for _, name := range absent {
				if got, err := fs.ReadFile(img, name); err == nil {
					t.Errorf("%s is there: %q", name, got)
				}
			}
			if strings.HasPrefix(form, "docker") && img.Name != "example.org/small:1" {
				t.Errorf("name %q", img.Name)
			}
		})
	}
}

// TestAccount pulls from a registry that wants a password, with and without one
// that docker login has kept, and from one that wants none with a way to passwords
// that does not work.
func TestAccount(t *testing.T) {
	plain := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	closed := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); closed && (user != "ann" || password != "secret") {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"who are you?"}]}`, http.StatusUnauthorized)
			return
		}
		plain.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	ref, err := name.ParseReference(host + "/small:1")
	testkit.Must(t, err)
	testkit.Must(t, remote.Write(ref, build(t, layers), remote.WithAuth(&authn.Basic{Username: "ann", Password: "secret"})))
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("DOCKER_CONFIG", dir)
	pull := func(config string) error {
		testkit.Must(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600))
		img, err := Open(context.Background(), ref.Name(), Options{Keep: keep})
		if err == nil {
			img.Close()
		}
		return err
	}
	broken := `{"credHelpers": {"` + host + `": "of-nobody"}}`
	if err := pull(`{}`); err == nil || !strings.Contains(err.Error(), "UNAUTHORIZED") {
		t.Errorf("without an account: %v", err)
	}
	if err := pull(`{"auths": {"` + host + `": {"auth": "` + base64.StdEncoding.EncodeToString([]byte("ann:secret")) + `"}}}`); err != nil {
		t.Errorf("with an account: %v", err)
	}
	if err := pull(broken); err == nil || !strings.Contains(err.Error(), "UNAUTHORIZED") || !strings.Contains(err.Error(), "docker-credential-of-nobody") {
		t.Errorf("with an account that cannot be read: %v", err)
	}
	closed = false
	if err := pull(broken); err != nil {
		t.Errorf("where none is asked for: %v", err)
	}
}

// TestGuard: a password goes to no other machine in clear.
func TestGuard(t *testing.T) {
	sent := 0
	g := guard{roundTrip(func(*http.Request) (*http.Response, error) {
		sent++
		return &http.Response{Body: http.NoBody}, nil
	})}
	for url, want := range map[string]bool{"https://registry.example/v2/": true, "http://192.0.2.1/v2/": false, "http://127.0.0.1:5000/v2/": true, "http://localhost/v2/": true} {
		r, err := http.NewRequest("GET", url, nil)
		testkit.Must(t, err)
		r.SetBasicAuth("ann", "secret")
		before := sent
		if _, err := g.RoundTrip(r); (err == nil) != want || (sent > before) != want {
			t.Errorf("%s: %v, sent %v", url, err, sent > before)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestPlatform asks an image that is for one platform for it, for another, and
// for none.
func TestPlatform(t *testing.T) {
	img, err := mutate.ConfigFile(build(t, layers), &v1.ConfigFile{OS: "linux", Architecture: "arm64", Variant: "v8", RootFS: v1.RootFS{Type: "layers"}})
	testkit.Must(t, err)
	for form, ref := range forms(t, img) {
		for platform, want := range map[string]string{"": "", "linux/arm64": "", "linux/arm64/v8": "", "linux/amd64": "no image for linux/amd64 in it; there is linux/arm64/v8"} {
			got, err := Open(context.Background(), ref, Options{Keep: keep, Platform: platform})
			if err == nil {
				got.Close()
			}
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s, platform %q: error %v, want %q", form, platform, err, want)
			}
		}
	}
}

// What is kept is a file system as package testing has it.
func TestFS(t *testing.T) {
	img, err := Open(context.Background(), forms(t, build(t, [][]string{{"a/b/c=1", "a/d=2", "e/", "link->a/d"}}))["folder"], Options{Keep: keep})
	testkit.Must(t, err)
	defer img.Close()
	if err := fstest.TestFS(img.FS, "a/b/c", "a/d", "e", "link"); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		name = filepath.Join(dir, name)
		testkit.Must(t, os.MkdirAll(filepath.Dir(name), 0o755))
		testkit.Must(t, os.WriteFile(name, b, 0o644))
		return name
	}
	docker := func(name string, layer []byte) string {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for n, text := range map[string]string{"manifest.json": `[{"Layers":["layer.tar"]}]`, "layer.tar": string(layer)} {
			testkit.Must(t, w.WriteHeader(&tar.Header{Name: n, Size: int64(len(text)), Mode: 0o644}))
			io.WriteString(w, text)
		}
		testkit.Must(t, w.Close())
		return write(name, b.Bytes())
	}
	zeros, _ := compressed(t, tarOf(t, "zeros="+strings.Repeat("\x00", 70<<20)), 1)
	good := forms(t, build(t, layers))["folder"]
	blobs, err := filepath.Glob(filepath.Join(good, "blobs/sha256/*"))
	testkit.Must(t, err)
	for _, b := range blobs {
		if text, _ := os.ReadFile(b); !bytes.HasPrefix(text, []byte("{")) {
			testkit.Must(t, os.WriteFile(b, append(text, 0), 0o644))
		}
	}
	index := func(manifests string) string {
		name := fmt.Sprintf("index%d", len(manifests))
		return filepath.Dir(write(name+"/index.json", []byte(`{"manifests":[`+manifests+`]}`)))
	}
	digest := `"digest":"sha256:` + strings.Repeat("0", 64) + `"`
	for _, tt := range []struct {
		name, ref, want string
		limits          Limits
	}{
		{"no file", "./absent.tar", "no such file", Limits{}},
		{"no reference", "No Such Image", "neither a file nor the reference", Limits{}},
		{"no tar", write("text", []byte(strings.Repeat("text", 200))), "no archive of an image", Limits{}},
		{"another tar", write("other.tar", tarOf(t, "a=1")), "neither an archive of docker save", Limits{}},
		{"two images", write("two.tar", tarOf(t, `manifest.json=[{"RepoTags":["a:1"]},{"RepoTags":["b:1"]}]`)), "2 images", Limits{}},
		{"a layer that is not there", write("lost.tar", tarOf(t, `manifest.json=[{"Layers":["a/layer.tar"]}]`)), "layer a/layer.tar: open", Limits{}},
		{"a layer that is no tar", docker("no.tar", []byte(strings.Repeat("text", 200))), "layer layer.tar: no tar file", Limits{}},
		{"a changed layer", good, "its digest is", Limits{}},
		{"ratio", docker("bomb.tar", zeros), "more than 10 times", Limits{Ratio: 10}},
		{"bytes", docker("large.tar", zeros), "more than 1000000 bytes", Limits{Bytes: 1e6}},
		{"files", docker("many.tar", tarOf(t, "a=", "b=", "c=")), "more than 2 files", Limits{Entries: 2}},
		{"a file", docker("file.tar", tarOf(t, "a=12345")), "5 bytes, more than 4", Limits{FileSize: 4}},
		{"all files", docker("kept.tar", tarOf(t, "a=123", "b=123")), "more than 4 bytes would be kept", Limits{Kept: 4}},
		{"links to links", docker("links.tar", tarOf(t, "a.1->b.bin", "b.bin=>c.bin", "c.bin=>d.bin", "d.bin=>e.bin", "e.bin=>f.bin", "f.bin=1")), "links to links", Limits{}},
		{"layers", write("layers.tar", tarOf(t, `manifest.json=[{"Layers":["a","b"]}]`)), "2 layers, more than 1", Limits{Layers: 1}},
		{"platforms", index(`{` + digest + `,"platform":{"os":"linux","architecture":"mips"}},{` + digest + `,"platform":{"os":"linux","architecture":"s390x"}}`), "there are linux/mips, linux/s390x", Limits{}},
		{"a digest that leads out", index(`{"digest":"sha256:../../etc/passwd"}`), "no digest", Limits{}},
		{"an index that is not there", index(`{` + digest + `}`), "no such file", Limits{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img, err := Open(context.Background(), tt.ref, Options{Keep: keep, Limits: tt.limits})
			if err == nil {
				img.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "image "+tt.ref) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzLayers holds that no layer brings a file out of nowhere: what is read of
// an image is what one of its entries holds, and nothing lies outside.
func FuzzLayers(f *testing.F) {
	for i := range layers {
		f.Add(tarOf(f, layers[i]...), tarOf(f, layers[(i+1)%3]...))
	}
	f.Add(tarOf(f, "a->b", "b->a", "c=>c", "d=>a/../d", ".wh.=", "e/.wh..=", ".wh..wh..opq="), []byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, low, high []byte) {
		store, err := os.CreateTemp(t.TempDir(), "")
		testkit.Must(t, err)
		defer store.Close()
		var all []layer
		for _, b := range [][]byte{low, high} {
			all = append(all, layer{size: int64(len(b)), open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }})
		}
		o := Options{Keep: keep, Limits: Limits{Bytes: 1 << 22, Kept: 1 << 22, Entries: 1000}}
		o.Limits = o.Limits.orDefault()
		root, err := flatten(context.Background(), all, store, o)
		if err != nil {
			return
		}
		err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.Type() != 0 {
				return nil
			}
			if !fs.ValidPath(name) {
				t.Errorf("%q is no path", name)
			}
			b, err := fs.ReadFile(root, name)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !bytes.Contains(low, b) && !bytes.Contains(high, b) && !isPacked(low) && !isPacked(high) && len(b) < 512 {
				t.Errorf("%s: %q is in no layer", name, b)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func isPacked(b []byte) bool {
	return bytes.HasPrefix(b, []byte{0x1f, 0x8b}) || bytes.HasPrefix(b, []byte{0x28, 0xb5})
}
