package inventory

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"strings"

	"wontfix"
)

const (
	infoDir  = "var/lib/dpkg/info"
	maxFiles = 16 << 20 // a list of files of one package
)

// Owners returns the package that each of paths, which are absolute, belongs
// to, by dpkg's lists of files. A path that no package has is not among them.
// Where /bin and the like are links into /usr, as in a merged /usr, both names
// of a file are looked for.
func Owners(fsys fs.FS, packages []wontfix.Package, paths []string) map[string]wontfix.Package {
	wanted := map[string]string{} // a name of the file → the path that was asked for
	for _, p := range paths {
		p = path.Clean(p)
		wanted[p] = p
		for _, dir := range []string{"/bin/", "/sbin/", "/lib/"} {
			if strings.HasPrefix(p, dir) {
				wanted["/usr"+p] = p
			} else if strings.HasPrefix(p, "/usr"+dir) {
				wanted[strings.TrimPrefix(p, "/usr")] = p
			}
		}
	}
	owners := map[string]wontfix.Package{}
	for _, pkg := range packages {
		for _, name := range []string{pkg.Name + ":" + pkg.Architecture, pkg.Name} {
			data, err := readList(fsys, path.Join(infoDir, name+".list"))
			if err != nil {
				continue
			}
			for _, p := range filesOf(data, wanted) {
				owners[p] = pkg
			}
			break
		}
		if len(owners) == len(paths) {
			break
		}
	}
	return owners
}

func readList(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFiles))
}

// filesOf returns what is wanted of the lines of a list.
func filesOf(list []byte, wanted map[string]string) (paths []string) {
	for line := range bytes.Lines(list) {
		if p, ok := wanted[string(bytes.TrimSuffix(line, []byte("\n")))]; ok {
			paths = append(paths, p)
		}
	}
	return paths
}
