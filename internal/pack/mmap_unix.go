//go:build unix && !aix && !solaris && !illumos

package pack

import (
	"os"
	"syscall"
)

// mapFile is a mapper. A file that is too large for the address space is not
// mapped.
func mapFile(f *os.File, size int64) ([]byte, func() error) {
	if size != int64(int(size)) {
		return nil, nil
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil
	}
	return data, func() error { return syscall.Munmap(data) }
}
