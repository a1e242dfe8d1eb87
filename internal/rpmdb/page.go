package rpmdb

import (
	"fmt"
	"io"
)

// chunkSize is how much is read at once. The pages of a header mostly lie one
// behind the other. Tests change it.
var chunkSize = 256 << 10

// A pager reads pages of a file.
type pager struct {
	file  *io.SectionReader
	size  int64 // of a page
	chunk []byte
	start int64 // of the chunk in the file
}

// at returns the page that begins at an offset. It is good until the next
// call.
func (p *pager) at(offset int64) ([]byte, error) {
	if i := offset - p.start; i >= 0 && i+p.size <= int64(len(p.chunk)) {
		return p.chunk[i : i+p.size], nil
	}
	if offset < 0 || offset+p.size > p.file.Size() {
		return nil, fmt.Errorf("page at byte %d lies behind the end: the file was cut off", offset)
	}
	if p.chunk == nil {
		p.chunk = make([]byte, chunkSize)
	}
	p.chunk = p.chunk[:cap(p.chunk)]
	n, err := p.file.ReadAt(p.chunk, offset)
	p.chunk, p.start = p.chunk[:n], offset
	if int64(n) < p.size {
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return p.chunk[:p.size], nil
}
