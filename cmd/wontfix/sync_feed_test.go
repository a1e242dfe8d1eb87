package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"wontfix/internal/testkit"
)

// A feedServer behaves like a publisher: it has ETags, answers parts of files
// and whether they have changed, and fails when it is told to.
type feedServer struct {
	*httptest.Server

	mu    sync.Mutex
	files map[string][]byte
	fail  func(w http.ResponseWriter, r *http.Request, body []byte) bool // answers, or does not
	codes map[int]int                                                    // how often each was answered
}

func newFeedServer(t *testing.T, files map[string][]byte) *feedServer {
	s := &feedServer{files: files, codes: map[int]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		body, ok := s.files[strings.TrimPrefix(r.URL.Path, "/feed/")]
		fail := s.fail
		s.mu.Unlock()
		w = &counting{w, s}
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(body))))
		if fail == nil || !fail(w, r, body) {
			http.ServeContent(w, r, "", today, bytes.NewReader(body))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *feedServer) set(files map[string][]byte, fail func(http.ResponseWriter, *http.Request, []byte) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files, s.fail, s.codes = files, fail, map[int]int{}
}

func (s *feedServer) answered(code int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.codes[code]
}

// A counting writer counts answers.
type counting struct {
	http.ResponseWriter
	s *feedServer
}

func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *counting) WriteHeader(code int) {
	c.s.mu.Lock()
	c.s.codes[code]++
	c.s.mu.Unlock()
	c.ResponseWriter.WriteHeader(code)
}

// cutOff sends half of what is asked for and hangs up, over and over.
func cutOff(w http.ResponseWriter, r *http.Request, body []byte) bool {
	from := 0
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && from < len(body) {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(body)-1, len(body)))
	} else {
		from = 0
	}
	rest := body[from:]
	w.Header().Set("Content-Length", fmt.Sprint(len(rest)))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	w.Write(rest[:len(rest)/2])
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func status(code int, header ...string) func(http.ResponseWriter, *http.Request, []byte) bool {
	return func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		return true
	}
}

// A feedPublisher is one of the list of trackers whose documents come over HTTP.
// serve lays documents out as it does; archive is the file that is one, "" if
// there is none.
type feedPublisher struct {
	archive string
	serve   func(docs map[string][]byte) map[string][]byte
	samples func(t *testing.T) map[string][]byte
}

func feedPublishers(t *testing.T) map[string]feedPublisher {
	sample := func(names ...string) func(*testing.T) map[string][]byte {
		return func(t *testing.T) map[string][]byte {
			docs := map[string][]byte{}
			for _, pair := range names {
				to, from, _ := strings.Cut(pair, "=")
				files, err := filepath.Glob(filepath.Join(testkit.Corpus(t, "vendors"), filepath.FromSlash(from)))
				testkit.Must(t, err)
				if len(files) == 0 {
					t.Fatalf("the corpus has no %s", from)
				}
				for _, file := range files {
					docs[strings.ReplaceAll(to, "*", filepath.Base(file))] = readFile(t, file)
				}
			}
			return docs
		}
	}
	plainly := func(docs map[string][]byte) map[string][]byte { return docs }
	in := func(name string, pack func(map[string][]byte) []byte) func(map[string][]byte) map[string][]byte {
		return func(docs map[string][]byte) map[string][]byte { return map[string][]byte{name: pack(docs)} }
	}
	return map[string]feedPublisher{
		"redhat": {"vex.tar.gz", func(docs map[string][]byte) map[string][]byte {
			packed := gzipped(inTar(docs))
			return map[string][]byte{
				"archive_latest.txt": []byte("vex.tar.gz\n"), "vex.tar.gz": packed, "vex.tar.gz.sha256": fmt.Appendf(nil, "%x  vex.tar.gz\n", sha256.Sum256(packed)),
				"changes.csv": []byte(`"2023/cve-2023-38545.json","2024-01-01T00:00:00+00:00"` + "\n"), "deletions.csv": {},
			}
		}, sample("2023/*=redhat-vex-v1/clair/cve-2023-*.json")},
		"suse":    {"csaf-vex.tar.bz2", in("csaf-vex.tar.bz2", func(docs map[string][]byte) []byte { return bzipped(t, inTar(docs)) }), sample("csaf-vex/*=suse-csaf-vex/cve-*.json")},
		"rocky":   {"Rocky Linux/all.zip", in("Rocky Linux/all.zip", inZip), sample("*=osv-rocky/*.json")},
		"alpine":  {"", plainly, sample("v3.16/main.json=alpine-secdb/json-v3.16-main.json", "v3.2/main.json=alpine-secdb/json-v3.2-main.json")},
		"oracle":  {"", in("com.oracle.elsa-all.xml.bz2", func(docs map[string][]byte) []byte { return bzipped(t, docs["com.oracle.elsa-all.xml"]) }), sample("com.oracle.elsa-all.xml=oracle-oval/com.oracle.elsa-all.xml")},
		"photon":  {"", plainly, sample("cve_data_photon5.0.json=photon/cve_data_photon5.0.json", "cve_data_photon4.0.json=photon/cve_data_photon4.0.json")},
		"arch":    {"", plainly, sample("issues/all.json=arch/vuls-issues-all.json")},
		"openssl": {"", plainly, sample("statements.json=openssl-secjson/statements.json")},
	}
}

func inTar(docs map[string][]byte) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range docs {
		w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))})
		w.Write(text)
	}
	w.Close()
	return b.Bytes()
}

func inZip(docs map[string][]byte) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range docs {
		if f, err := w.Create(name); err == nil {
			f.Write(text)
		}
	}
	w.Close()
	return b.Bytes()
}

func gzipped(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text)
	w.Close()
	return b.Bytes()
}

func bzipped(t *testing.T, text []byte) []byte {
	cmd := exec.Command("bzip2", "-c")
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.Output()
	testkit.Must(t, err)
	return out
}

// tenMillionFiles is an archive, packed as its name says, that has so many
// members: the same ten thousand a thousand times.
func tenMillionFiles(t *testing.T, name string) []byte {
	const members, times = 10_000, 1000
	if strings.HasSuffix(name, ".zip") {
		member := make([]byte, 47)
		copy(member, "PK\x01\x02")
		member[28], member[46] = 1, 'a'
		end := append([]byte("PK\x05\x06"), make([]byte, 18)...)
		end[8], end[9], end[10], end[11] = 0x80, 0x96, 0x80, 0x96 // ten million, as far as there is room
		size := members * times * len(member)
		end[12], end[13], end[14], end[15] = byte(size), byte(size>>8), byte(size>>16), byte(size>>24)
		return append(bytes.Repeat(member, members*times), end...)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for range members {
		testkit.Must(t, w.WriteHeader(&tar.Header{Name: "a.txt", Typeflag: tar.TypeReg}))
	}
	if strings.HasSuffix(name, ".bz2") {
		return bytes.Repeat(bzipped(t, b.Bytes()), times)
	}
	return bytes.Repeat(gzipped(b.Bytes()), times)
}

// TestSyncFeeds syncs each publisher whose documents come over HTTP from a
// server that behaves like it, and then fails in each way that servers do: the
// database stays as it was, byte for byte, the answer says so, and the next
// sync goes well.
func TestSyncFeeds(t *testing.T) {
	testkit.Program(t, "bzip2")
	for name, p := range feedPublishers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			docs := p.samples(t)
			files := p.serve(docs)
			s := newFeedServer(t, files)
			home := t.TempDir()
			db := filepath.Join(home, "db")
			sync := func() (string, error) {
				_, diag, err := wontfixIn(home, "sync", "--db", db, name+"="+s.URL+"/feed/")
				return diag, err
			}
			diag, err := sync()
			testkit.Must(t, err)
			if strings.Contains(diag, " 0 entries") {
				t.Fatal(diag)
			}
			was := sha256.Sum256(readFile(t, db))
			stays := func(t *testing.T) {
				t.Helper()
				if sha256.Sum256(readFile(t, db)) != was {
					t.Error("the database has changed")
				}
			}
			t.Run("not changed", func(t *testing.T) {
				_, err := sync() // the first one for a list of changes
				testkit.Must(t, err)
				s.set(files, nil)
				diag, err := sync()
				testkit.Must(t, err)
				if !strings.Contains(diag, "up to date") || s.answered(http.StatusNotModified) == 0 {
					t.Errorf("%d answers 304; %s", s.answered(http.StatusNotModified), diag)
				}
				stays(t)
			})
			// Now there is something new.
			later := map[string][]byte{"new.txt": []byte("new\n")}
			for file, text := range docs {
				later[file] = slices.Concat(text, []byte("\n"))
			}
			newer := p.serve(later)
			if name == "redhat" { // so much has changed that the archive comes again
				newer["vex2.tar.gz"], newer["vex2.tar.gz.sha256"] = newer["vex.tar.gz"], newer["vex.tar.gz.sha256"]
				newer["archive_latest.txt"] = []byte("vex2.tar.gz\n")
				var changes bytes.Buffer
				for i := range 2500 {
					fmt.Fprintf(&changes, "\"2024/cve-2024-%d.json\",\"2026-11-24T00:00:00+00:00\"\n", 10000+i)
				}
				newer["changes.csv"] = changes.Bytes()
			}
			garbage := map[string][]byte{}
			for file := range newer {
				garbage[file] = []byte("<html>Access denied</html>\n")
			}
			with := func(file string, text []byte) map[string][]byte {
				files := map[string][]byte{}
				for k, v := range newer {
					files[k] = v
				}
				files[file] = text
				return files
			}
			type failure struct {
				name  string
				files map[string][]byte
				fail  func(http.ResponseWriter, *http.Request, []byte) bool
				says  string
			}
			failures := []failure{
				{"cut off in the middle", newer, cutOff, "cut off after"},
				{"no answer", newer, func(http.ResponseWriter, *http.Request, []byte) bool { panic(http.ErrAbortHandler) }, "hung up without an answer"},
				{"429", newer, status(429, "Retry-After", "7200"), "wants to be asked again in 2h0m0s"},
				{"500", newer, status(500), "500 Internal Server Error"},
				{"another scheme", newer, status(302, "Location", "ftp://127.0.0.1/feed"), "not the scheme that was asked for"},
				{"something else", garbage, nil, ""},
			}
			if name == "redhat" {
				failures = append(failures, failure{"wrong digest", with("vex2.tar.gz.sha256", bytes.Repeat([]byte("ab"), 32)), nil, "the publisher says abab"})
			}
			if p.archive != "" && !testing.Short() {
				bomb := tenMillionFiles(t, p.archive)
				files := with(p.archive, bomb)
				if name == "redhat" {
					files["vex2.tar.gz"], files["vex2.tar.gz.sha256"] = bomb, fmt.Appendf(nil, "%x", sha256.Sum256(bomb))
				}
				failures = append(failures, failure{"ten million files", files, nil, "more than the 1000000 files"})
			}
			for _, f := range failures {
				t.Run(f.name, func(t *testing.T) {
					s.set(f.files, f.fail)
					_, err := sync()
					if err == nil || !strings.Contains(err.Error(), f.says) || !strings.Contains(err.Error(), "The database is as it was: "+name) {
						t.Errorf("%v; want …%s…", err, f.says)
					}
					stays(t)
				})
			}
			s.set(newer, nil)
			diag, err = sync()
			testkit.Must(t, err)
			if strings.Contains(diag, "up to date") {
				t.Errorf("what is new is not read: %s", diag)
			}
		})
	}
}
