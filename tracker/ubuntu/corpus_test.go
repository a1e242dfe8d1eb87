package ubuntu

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wontfix"
	"wontfix/internal/testkit"
)

// A row is one line of the reference loader's answer.
type row struct {
	CVE      string `json:"cve"`
	Package  string `json:"package"`
	Release  string `json:"release"`
	Status   string `json:"status"`
	Detail   string `json:"detail"`
	Rejected bool   `json:"file_rejected"`
}

func rowOf(s *wontfix.Statement) row {
	return row{CVE: s.ID, Package: s.Source, Release: s.Label, Status: s.Word, Detail: s.Detail}
}

// A head is the reference loader's answer about a whole file.
type head struct {
	AssignedTo              string                `json:"assigned_to"`
	Bugs                    []string              `json:"bugs"`
	Candidate               string                `json:"candidate"`
	CRD                     string                `json:"crd"`
	CVE                     string                `json:"cve"`
	CVSS                    []map[string]string   `json:"cvss"`
	Description             string                `json:"description"`
	Dir                     string                `json:"dir"`
	DiscoveredBy            string                `json:"discovered_by"`
	Mitigation              string                `json:"mitigation"`
	Notes                   [][]string            `json:"notes"`
	Patches                 map[string][][]string `json:"patches"`
	Priority                string                `json:"priority"`
	PriorityOverrideReasons map[string]string     `json:"priority_override_reasons"`
	PriorityOverrides       map[string]string     `json:"priority_overrides"`
	PriorityReason          string                `json:"priority_reason"`
	PublicDate              string                `json:"public_date"`
	PublicDateAtUSN         string                `json:"public_date_at_usn"`
	References              []string              `json:"references"`
	Tags                    map[string][]string   `json:"tags"`
	UbuntuDescription       string                `json:"ubuntu_description"`
}

func block(s string) string {
	if s != "" {
		return "\n" + s
	}
	return s
}

func headOf(e *wontfix.Entry) head {
	h := head{
		AssignedTo: e.AssignedTo, Bugs: append([]string{}, e.Bugs...), Candidate: e.Candidate, CRD: e.CRD, CVE: e.ID, CVSS: []map[string]string{},
		Description: block(e.Description), Dir: folder(e.File), DiscoveredBy: e.DiscoveredBy, Mitigation: block(e.Mitigation), Notes: [][]string{},
		Patches: map[string][][]string{}, Priority: e.Priority.Word, PriorityReason: e.Priority.Reason,
		PriorityOverrides: map[string]string{}, PriorityOverrideReasons: map[string]string{},
		PublicDate: e.Published, PublicDateAtUSN: e.DateAtUSN, References: append([]string{}, e.References...),
		Tags: map[string][]string{}, UbuntuDescription: block(e.VendorText),
	}
	for _, c := range e.CVSS {
		m := map[string]string{"source": c.Source, "vector": c.Vector}
		if c.Score != "" {
			m["baseScore"], m["baseSeverity"] = c.Score, c.Severity
		}
		h.CVSS = append(h.CVSS, m)
	}
	for _, n := range e.Notes {
		h.Notes = append(h.Notes, []string{n.Author, n.Text})
	}
	for _, set := range e.Patches {
		list := [][]string{}
		for _, p := range set.Patches {
			list = append(list, []string{p.Kind, p.Text})
		}
		h.Patches[set.Source] = list
	}
	for _, o := range e.Priorities {
		key := o.Source
		if o.Release != "" {
			key += "_" + o.Release
		}
		h.PriorityOverrides[key], h.PriorityOverrideReasons[key] = o.Word, o.Reason
	}
	for _, tag := range e.Tags {
		words := append([]string{}, tag.Words...)
		for i := range words { // the reference prints sets in order
			for j := i; j > 0 && words[j] < words[j-1]; j-- {
				words[j], words[j-1] = words[j-1], words[j]
			}
		}
		h.Tags[tag.Key] = words
	}
	return h
}

// TestVectors holds the strict reader against the answers of the tracker's own
// loader: every field of every file that it accepts, and the file and line of
// what it rejects.
func TestVectors(t *testing.T) {
	dir := testkit.Corpus(t, "ubuntu-cve-tracker/vectors")
	wantHead, wantRows, wantErr := map[string]head{}, map[string][]row{}, map[string][]string{}
	eachLine(t, filepath.Join(dir, "expected.ndjson"), func(line []byte) {
		if bytes.Contains(line, []byte(`"package":`)) {
			var r row
			testkit.Must(t, json.Unmarshal(line, &r))
			wantRows[r.CVE] = append(wantRows[r.CVE], r)
			return
		}
		var h head
		testkit.Must(t, json.Unmarshal(line, &h))
		wantHead[h.CVE] = h
	})
	eachLine(t, filepath.Join(dir, "expected.rejected.ndjson"), func(line []byte) {
		var r struct {
			Path   string
			Errors []string
		}
		testkit.Must(t, json.Unmarshal(line, &r))
		wantErr[path.Base(r.Path)] = r.Errors
	})
	files, err := filepath.Glob(filepath.Join(dir, "active", "CVE-*"))
	testkit.Must(t, err)
	if len(files) != 52 || len(wantHead)+len(wantErr) != 52 {
		t.Fatalf("%d files, %d accepted, %d rejected; want 52 in all", len(files), len(wantHead), len(wantErr))
	}
	for _, file := range files {
		id := filepath.Base(file)
		t.Run(id, func(t *testing.T) {
			text, err := os.ReadFile(file)
			testkit.Must(t, err)
			entry, problems := Load("active/"+id, text)
			if want := wantErr[id]; want != nil {
				if entry != nil {
					t.Fatalf("accepted; the tracker's loader says %q", want)
				}
				if at, _, ok := strings.Cut(want[0], ": "); ok && strings.HasPrefix(at, "active/") {
					line, _, _ := strings.Cut(want[0][len(at)+2:], ":")
					if got := problems[0].Error(); !strings.HasPrefix(got, at+":"+line+":") && problems[0].Line != 0 {
						t.Errorf("first problem %q; the tracker's loader says %q", got, want[0])
					}
				}
				return
			}
			if entry == nil {
				t.Fatalf("rejected: %v", problems)
			}
			if d := cmp.Diff(wantHead[id], headOf(entry)); d != "" {
				t.Errorf("entry (-want +got):\n%s", d)
			}
			got := map[row]bool{}
			for i := range entry.Statements {
				got[rowOf(&entry.Statements[i])] = true
			}
			want := map[row]bool{}
			for _, r := range wantRows[id] {
				want[r] = true
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
		})
	}
}

// TestCorpusRows reads the whole tracker of the corpus in both modes and
// compares each row with the reference loader's: none missing, none extra, and
// the same files rejected.
func TestCorpusRows(t *testing.T) {
	repository := testkit.Corpus(t, testkit.Tracker)
	want := make(map[string][]row, 40000) // by vulnerability
	total := 0
	eachLine(t, testkit.Corpus(t, "ubuntu-cve-tracker/rows-2020-04-07.ndjson.gz"), func(line []byte) {
		var r row
		testkit.Must(t, json.Unmarshal(line, &r))
		want[r.CVE] = append(want[r.CVE], r)
		total++
	})
	files := treeOf(t, repository)
	type answer struct {
		entry  *wontfix.Entry
		strict bool
	}
	answers := make([]answer, len(files))
	start := time.Now()
	var wg sync.WaitGroup
	for w := range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := w; i < len(files); i += runtime.GOMAXPROCS(0) {
				answers[i].entry, _ = Parse(files[i].name, files[i].text)
				strict, _ := Load(files[i].name, files[i].text)
				answers[i].strict = strict != nil
			}
		})
	}
	wg.Wait()
	t.Logf("%d files read twice in %v", len(files), time.Since(start))
	rows, wrong := 0, 0
	complain := func(format string, args ...any) {
		if wrong++; wrong <= 20 {
			t.Errorf(format, args...)
		}
	}
	for _, a := range answers {
		set := make(map[row]bool, len(want[a.entry.ID]))
		for _, r := range want[a.entry.ID] {
			if r.Rejected == a.strict {
				complain("%s: rejected by the strict reader: %v, by the reference: %v", a.entry.File, !a.strict, r.Rejected)
				break
			}
			r.Rejected = false
			set[r] = true
		}
		for i := range a.entry.Statements {
			r := rowOf(&a.entry.Statements[i])
			if rows++; !set[r] {
				complain("%s:%d: extra row %v", a.entry.File, a.entry.Statements[i].Line, r)
			}
			delete(set, r)
		}
		for r := range set {
			complain("%s: missing row %v", a.entry.File, r)
		}
	}
	if wrong > 0 || rows != total {
		t.Errorf("%d rows, want %d; %d differences", rows, total, wrong)
	}
}

type treeFile struct {
	name string
	text []byte
}

// treeOf returns the entries of a repository's tip.
func treeOf(t testing.TB, repository string) []treeFile {
	var files []treeFile
	for name, text := range testkit.Tree(t, repository, "active", "ignored", "retired") {
		if IsEntry(path.Base(name)) {
			files = append(files, treeFile{name, text})
		}
	}
	return files
}

func eachLine(t testing.TB, file string, f func(line []byte)) {
	t.Helper()
	in, err := os.Open(file)
	testkit.Must(t, err)
	defer in.Close()
	var r io.Reader = in
	if strings.HasSuffix(file, ".gz") {
		r, err = gzip.NewReader(in)
		testkit.Must(t, err)
	}
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		f(s.Bytes())
	}
	testkit.Must(t, s.Err())
}
