package ubuntu

import (
	"strings"

	"wontfix"
	"wontfix/internal/lazyregexp"
)

// cvssLine is the loader's own pattern. A line that it does not match is
// skipped by the loader without a word.
var cvssLine = lazyregexp.New(` (.+): (\S+)( \[(.*) (.*)\])?`)

// baseMetrics are those that a vector of CVSS 3 must have, with their values.
var baseMetrics = map[string]string{"AV": "NALP", "AC": "LH", "PR": "NLH", "UI": "NR", "S": "UC", "C": "NLH", "I": "NLH", "A": "NLH"}

func (p *parser) cvss(line string) {
	m := cvssLine.FindStringSubmatch(line)
	if m == nil {
		if !p.strict {
			p.problem(p.line, "CVSS line %s: want \"source: vector [score severity]\"", quoteShort(trim(line)))
		}
		return
	}
	if !validVector(m[2]) {
		p.problem(p.line, "CVSS vector %s is not one of version 3.0 or 3.1 with every base metric", quoteShort(m[2]))
		return
	}
	p.entry.CVSS = append(p.entry.CVSS, wontfix.CVSS{Source: m[1], Vector: m[2], Score: m[4], Severity: m[5]})
}

func validVector(v string) bool {
	metrics, ok := strings.CutPrefix(v, "CVSS:3.")
	if !ok || len(metrics) < 2 || metrics[0] != '0' && metrics[0] != '1' || metrics[1] != '/' {
		return false
	}
	found := 0
	for metric := range strings.SplitSeq(metrics[2:], "/") {
		name, value, _ := strings.Cut(metric, ":")
		if values, base := baseMetrics[name]; base {
			if len(value) != 1 || !strings.Contains(values, value) {
				return false
			}
			found++
		}
	}
	return found == len(baseMetrics)
}
