package testkit

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	_ "modernc.org/sqlite"
)

// RpmHeader writes the header of a package as rpm does; "" leaves a tag out. files
// is the number of files that it lists, which is what makes headers large.
func RpmHeader(name, epoch, version, release, arch, source, module string, files int) []byte {
	const ( // of rpmtag.h
		tagName, tagVersion, tagRelease, tagEpoch = 1000, 1001, 1002, 1003
		tagArch, tagDigests, tagSource, tagNames  = 1022, 1035, 1044, 1117
		tagModule                                 = 5096
		int32s, texts, binaries, lists            = 4, 6, 7, 8
	)
	var index, data bytes.Buffer
	add := func(tag, kind, count uint32, value []byte) {
		for kind == int32s && data.Len()%4 != 0 {
			data.WriteByte(0)
		}
		for _, n := range []uint32{tag, kind, uint32(data.Len()), count} {
			binary.Write(&index, binary.BigEndian, n)
		}
		data.Write(value)
	}
	text := func(tag uint32, s string) {
		if s != "" {
			add(tag, texts, 1, append([]byte(s), 0))
		}
	}
	add(63, binaries, 16, make([]byte, 16)) // the region that rpm signs
	text(tagName, name)
	text(tagVersion, version)
	text(tagRelease, release)
	if epoch != "" {
		var n uint32
		fmt.Sscan(epoch, &n)
		add(tagEpoch, int32s, 1, binary.BigEndian.AppendUint32(nil, n))
	}
	text(tagArch, arch)
	if files > 0 {
		add(tagDigests, lists, uint32(files), bytes.Repeat(append(bytes.Repeat([]byte("0123456789abcdef"), 4), 0), files))
	}
	text(tagSource, source)
	if files > 0 {
		add(tagNames, lists, uint32(files), bytes.Repeat([]byte("a-file-name.txt\x00"), files))
	}
	text(tagModule, module)
	head := binary.BigEndian.AppendUint32(nil, uint32(index.Len()/16))
	head = binary.BigEndian.AppendUint32(head, uint32(data.Len()))
	return slices.Concat(head, index.Bytes(), data.Bytes())
}

// RpmSQLite makes an empty database of rpm's in the file name.
func RpmSQLite(t testing.TB, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", name)
	Must(t, err)
	_, err = db.Exec(`create table Name (key text, hnum integer, idx integer);
		create table Packages (hnum integer primary key autoincrement, blob blob not null);
		create index Name_idx on Name (key)`)
	Must(t, err)
	return db
}

// RpmInstall puts the headers of packages into a database of rpm's.
func RpmInstall(t testing.TB, db *sql.DB, headers [][]byte) {
	t.Helper()
	tx, err := db.Begin()
	Must(t, err)
	for _, h := range headers {
		_, err := tx.Exec("insert into Packages (blob) values (?)", h)
		Must(t, err)
	}
	Must(t, tx.Commit())
}
