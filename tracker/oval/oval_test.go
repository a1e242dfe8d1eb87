package oval_test

import (
	"iter"
	"path"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/formattest"
	"wontfix/tracker/oval"
)

var samples = []string{"azurelinux/*-oval.xml", "oracle-oval/*.xml"}

func parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	if strings.HasSuffix(path.Base(file), "-oval.xml") {
		return oval.ParseAzure(file, text)
	}
	return oval.ParseOracle(file, text)
}

func TestSamples(t *testing.T) {
	all := formattest.Samples(t, parse, samples...)
	if got := len(all["azurelinux/azurelinux-3.0-oval.xml"]); got != 1222 {
		t.Errorf("Azure Linux 3.0: %d entries, want 1222", got)
	}
	var got []string
	for _, c := range all["azurelinux/mariner-truncated-2.0-oval.xml"] {
		s := c.Entry.Statements[0]
		got = append(got, s.Source+" "+s.Decision.String()+" "+s.Introduced+"-"+s.Fixed)
	}
	want := "golang fixed 1.19.0-1.20.7-1, glibc not-affected -, mysql fixed -8.0.33-1, mysql fixed -8.0.33-1, bind affected-no-decision -"
	if strings.Join(got, ", ") != want {
		t.Errorf("CBL-Mariner: got %s", strings.Join(got, ", "))
	}
	elsa := all["oracle-oval/ELSA-2007-0057.xml"]
	if len(elsa) != 2 || len(elsa[0].Entry.Statements) != 8 || elsa[0].Entry.Statements[0].Advisory != "ELSA-2007-0057" {
		t.Errorf("ELSA-2007-0057: got %+v", elsa)
	}
}

func TestGolden(t *testing.T) {
	formattest.Golden(t, parse, "azurelinux", func(stream, _ string) wontfix.Release {
		return wontfix.Release{Distribution: "azurelinux", Series: stream}
	}, nil)
}

func TestMapping(t *testing.T) { formattest.Mapping(t, parse, "azurelinux", "oracle-oval") }

// FuzzParse wants every statement of any text to be traceable.
func FuzzParse(f *testing.F) {
	for _, text := range formattest.Files(f, "azurelinux/mariner-*.xml", "oracle-oval/ELSA-*.xml") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		formattest.Changes(t, parse, "azurelinux-3.0-oval.xml", text)
		formattest.Changes(t, parse, "elsa.xml", text)
	})
}

func BenchmarkParse(b *testing.B) { formattest.Benchmark(b, parse, samples...) }
