package query

import (
	"fmt"
	"strings"
	"time"

	"wontfix"
)

// deciders returns the names of who decided: of a person who judged this
// entry, and of nobody for what a sweep, a robot, a template or a copy did.
func deciders(r Record) []string {
	o := r.origin()
	switch {
	case o == nil || o.Decided == nil:
		return nil
	case o.Class == wontfix.ClassDecision:
	case o.Class == wontfix.ClassCreate && o.Confidence >= wontfix.ConfidenceMedium:
	default:
		return nil
	}
	if o.Decided.Nick == "" {
		return []string{o.Decided.Author}
	}
	return []string{o.Decided.Author, o.Decided.Nick}
}

// decided returns the day of the commit that brought what the row says, where
// its author was; "" if it is not known.
func decided(r Record) []string {
	o := r.origin()
	if o == nil || o.Decided == nil || o.Class == wontfix.ClassUnseen || o.Decided.Time.IsZero() {
		return []string{""}
	}
	return []string{o.Decided.Time.Format(time.DateOnly)}
}

// reversed returns whether a refusal was taken back; nothing if that is not
// known.
func reversed(r Record) []string {
	switch o := r.origin(); {
	case o == nil:
		return nil
	case o.Reversals > 0:
		return []string{"yes"}
	}
	return []string{"no"}
}

func checkYes(v string) (string, error) {
	if v != "yes" && v != "no" {
		return "", fmt.Errorf("reversed %q: it is yes or no", v)
	}
	return v, nil
}

func class(r Record) []string {
	var c wontfix.Class
	if o := r.origin(); o != nil {
		c = o.Class
	}
	return []string{c.String()}
}

func confidence(r Record) []string {
	var c wontfix.Confidence
	if o := r.origin(); o != nil {
		c = o.Confidence
	}
	return []string{c.String()}
}

// reasonsThen returns the reasons at the time of the decision, which later
// words for it may hide.
func reasonsThen(r Record) []string {
	if o := r.origin(); o != nil {
		return o.Reasons
	}
	return nil
}

// evidences returns where reasons were read, today and at the time of the
// decision.
func evidences(r Record) []string {
	all := []string{r.Statement.Evidence.String()}
	if o := r.origin(); o != nil && o.Evidence != wontfix.EvidenceNone {
		if r.Statement.Evidence == wontfix.EvidenceNone {
			all = nil
		}
		all = append(all, o.Evidence.String())
	}
	return all
}

// expand reads a name that stands for a field with an operator.
func expand(name, op string) (field, operator string, err error) {
	d, ok := dateFields[strings.ToLower(name)]
	switch {
	case !ok:
		return name, op, nil
	case op != ":" && op != "=":
		return "", "", fmt.Errorf("%s goes with a colon; write %[1]s:2015-06-30", strings.ToLower(name))
	}
	return d.field, d.op, nil
}
