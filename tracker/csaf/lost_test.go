package csaf

import (
	"encoding/json"
	"strings"
	"testing"

	"wontfix"
	"wontfix/cpe"
	"wontfix/internal/testkit"
	"wontfix/purl"
)

// A tree is what encoding/json makes of the products of a document, as a second
// way to read it.
type tree struct {
	Branches []tree
	Product  *struct {
		ID     string                     `json:"product_id"`
		Helper struct{ CPE, PURL string } `json:"product_identification_helper"`
	}
}

func (b *tree) collect(cpes, purls map[string]string) {
	if p := b.Product; p != nil {
		cpes[p.ID], purls[p.ID] = p.Helper.CPE, p.Helper.PURL
	}
	for i := range b.Branches {
		b.Branches[i].collect(cpes, purls)
	}
}

// TestNothingLost wants each product ID of Red Hat's documents to be spoken of
// by a statement on its release with its decision: on its own package, or, for
// a binary package, on a source package.
func TestNothingLost(t *testing.T) {
	for _, s := range samples(t, "redhat-vex-v1", "redhat-vex-v2", "redhat-csaf-advisory") {
		var d struct {
			Tree struct {
				Branches      []tree
				Relationships []struct {
					Full struct {
						ID string `json:"product_id"`
					} `json:"full_product_name"`
					Component string `json:"product_reference"`
					Platform  string `json:"relates_to_product_reference"`
				}
			} `json:"product_tree"`
			Vulnerabilities []struct {
				CVE      string
				Status   map[string][]string `json:"product_status"`
				Remedies []struct {
					Category string
					IDs      []string `json:"product_ids"`
				} `json:"remediations"`
			}
		}
		testkit.Must(t, json.Unmarshal(s.text, &d))
		cpes, purls := make(map[string]string), make(map[string]string)
		for i := range d.Tree.Branches {
			d.Tree.Branches[i].collect(cpes, purls)
		}
		parts := make(map[string][2]string)
		for _, r := range d.Tree.Relationships {
			parts[r.Full.ID] = [2]string{r.Component, r.Platform}
		}
		said := make(map[string]map[wontfix.Release][]wontfix.Statement)
		for _, c := range parse(t, s.publisher, s.name, s.text) {
			said[c.ID] = make(map[wontfix.Release][]wontfix.Statement)
			for _, s := range c.Entry.Statements {
				said[c.ID][s.Release] = append(said[c.ID][s.Release], s)
			}
		}
		for _, v := range d.Vulnerabilities {
			decided := make(map[string]string)
			for _, r := range v.Remedies {
				if !mitigates(r.Category) {
					for _, id := range r.IDs {
						decided[id] = r.Category
					}
				}
			}
			for status, ids := range v.Status {
				for _, id := range ids {
					part, ok := parts[id]
					u, err := purl.Parse(purls[part[0]])
					if !ok || err != nil {
						continue
					}
					word := status
					if status == "known_affected" && decided[id] != "" {
						word = decided[id]
					}
					n, _ := cpe.Parse(cpes[part[1]])
					release := cpe.Release(n, part[1])
					found, kept := false, false
					for _, s := range said[v.CVE][release] {
						same := s.Source == u.Name
						found = found || s.Word == word && (same || u.Type == "rpm" && !u.Source() && !s.Binary)
						kept = kept || same && finals.MatchString(s.Label)
					}
					// An open row of a release as it came out gives way.
					if !found && (!kept || finals.MatchString(part[1]) || strings.Contains(status, "fixed")) {
						t.Errorf("%s: no statement on %s says %q of %s", s.name, release, word, id)
					}
				}
			}
		}
	}
}
