package main

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20

// reserve asks the kernel to back the next size bytes of the heap with huge
// pages. A command that answers at once mostly waits for memory: each page of
// 4 kB that it touches for the first time is a fault, and a huge one takes the
// place of 512. docs/decisions/010 has the figures. Where the kernel gives
// none, nothing changes.
func reserve(size int) {
	room := make([]byte, size) // not touched: it is address space alone
	from := uintptr(unsafe.Pointer(unsafe.SliceData(room)))
	skip := -from & (hugePage - 1)
	if whole := (uintptr(size) - skip) &^ (hugePage - 1); uintptr(size) > skip && whole > 0 {
		unix.Madvise(room[skip:skip+whole], unix.MADV_HUGEPAGE) // a kernel without them says so, and that is all
	}
	runtime.KeepAlive(room)
	room = nil
	runtime.GC() // gives the room to the heap; there is next to nothing else in it yet
}
