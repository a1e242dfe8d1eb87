// Package image opens container images as file systems: archives of docker
// save, OCI layouts in a folder or an archive, and images in a registry.
//
// An image is foreign. Its layers are read as streams, one at a time, and only
// the files that the caller wants are kept, in a temporary file; size, number
// and ratio have limits, and a symbolic link leads nowhere but into the image.
package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
)

// Options say how an image is read.
type Options struct {
	// Keep tells by the name of a file, such as etc/os-release, whether its
	// content is wanted. Every other file is as if it were not in the image.
	Keep func(name string) bool
	// Platform is os/architecture or os/architecture/variant, of an image that
	// exists for several; "" is linux on the architecture of this machine.
	Platform string
	// Offline says that no registry may be asked.
	Offline bool
	// Transport reaches registries; nil is one with time limits.
	Transport http.RoundTripper
	// Limits bound what is read; a zero field is the default.
	Limits Limits
}

// Limits bound what is read of an image.
type Limits struct {
	Layers   int   // 500
	Entries  int   // in all layers; 5,000,000
	Bytes    int64 // of all layers, uncompressed; 64 GiB
	FileSize int64 // of a file that is kept; 4 GiB
	Kept     int64 // of all files that are kept; 8 GiB
	Ratio    int64 // uncompressed bytes for a byte of a layer, above 64 MiB; 2,000
}

func (l Limits) orDefault() Limits {
	set := func(n *int, to int) {
		if *n == 0 {
			*n = to
		}
	}
	set64 := func(n *int64, to int64) {
		if *n == 0 {
			*n = to
		}
	}
	set(&l.Layers, 500)
	set(&l.Entries, 5_000_000)
	set64(&l.Bytes, 64<<30)
	set64(&l.FileSize, 4<<30)
	set64(&l.Kept, 8<<30)
	set64(&l.Ratio, 2000)
	return l
}

// ratioFloor is the size below which nothing is called a bomb.
const ratioFloor = 64 << 20

// An Image is the root file system of an image, with the files that were
// wanted.
type Image struct {
	fs.FS
	// Name is what the image says that it is called, or what it was asked for
	// by.
	Name  string
	store *os.File
}

// Close removes what was kept.
func (i *Image) Close() error { return i.store.Close() }

// A source is an image that has been found: its layers, the lowest first.
type source struct {
	name   string
	layers []layer
	close  func() error
}

// A layer is a tar file, which may be compressed.
type layer struct {
	name string // for errors: its digest, or its file in the archive
	size int64  // as stored
	open func() (io.ReadCloser, error)
}

// Open reads an image: the archive or the folder of that name, if there is one,
// and else the image of that reference in its registry.
func Open(ctx context.Context, ref string, o Options) (*Image, error) {
	o.Limits = o.Limits.orDefault()
	src, err := find(ctx, ref, o)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", ref, err)
	}
	if src.close != nil {
		defer src.close()
	}
	if len(src.layers) > o.Limits.Layers {
		return nil, fmt.Errorf("image %s: %d layers, more than %d", ref, len(src.layers), o.Limits.Layers)
	}
	store, err := os.CreateTemp("", "wontfix-image-")
	if err != nil {
		return nil, err
	}
	os.Remove(store.Name()) // it lives as long as it is open
	root, err := flatten(ctx, src.layers, store, o)
	if err != nil {
		store.Close()
		return nil, fmt.Errorf("image %s: %w", ref, err)
	}
	if src.name == "" {
		src.name = ref
	}
	return &Image{FS: root, Name: src.name, store: store}, nil
}

func find(ctx context.Context, ref string, o Options) (*source, error) {
	info, err := os.Stat(ref)
	switch {
	case err == nil && info.IsDir():
		return openFolder(ref, o)
	case err == nil:
		return openArchive(ref, o)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case strings.HasPrefix(ref, ".") || strings.HasPrefix(ref, "/") || strings.HasSuffix(ref, ".tar"):
		return nil, errors.New("no such file; give an archive of docker save, an OCI layout, or the reference of an image in a registry")
	}
	if o.Offline {
		return nil, errors.New("no such file, and no registry may be asked (--offline)")
	}
	return openRegistry(ctx, ref, o)
}
