//go:build !unix || aix || solaris || illumos

package pack

import "os"

// mapFile maps nothing: files are read with ReadAt.
func mapFile(*os.File, int64) ([]byte, func() error) { return nil, nil }
