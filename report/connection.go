package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"wontfix"
)

// ConnectionFormats returns the formats that [WriteConnection] knows.
func ConnectionFormats() []string { return []string{"text", "json", "markdown"} }

// WriteConnection writes what became of a connection in one of
// [ConnectionFormats].
func WriteConnection(w io.Writer, format string, c *wontfix.Connection, o Options) error {
	switch format {
	case "text":
		return textConnection(w, c, o)
	case "json":
		return writeJSON(w, c, "  ")
	case "markdown":
		return markdownConnection(w, c, o)
	}
	return formatError(format, ConnectionFormats())
}

// A fact is something that is said of a connection or a certificate.
type fact struct {
	name string
	span span
}

// connectionHead says whether the server was trusted.
func connectionHead(c *wontfix.Connection) (verdict, server string) {
	if c.Refusal != nil {
		return "Refused", c.Server
	}
	return "Trusted", c.Server
}

// maxPins is how many pins are shown where the server was refused.
const maxPins = 5

// connectionFacts returns what is said of a connection as a whole.
func connectionFacts(c *wontfix.Connection) []fact {
	var list []fact
	add := func(name, s string, st style) {
		if s != "" {
			list = append(list, fact{name, span{s, st}})
		}
	}
	if r := c.Refusal; r != nil {
		add("Check", r.Check, styleNever)
		add("Why", r.Error, plain)
		add("Advice", r.Advice, styleStrong)
	}
	left := 0
	for i, p := range c.Pins {
		what := p.Pin
		if p.From != "" {
			what = p.From + ": " + p.Pin
		}
		switch {
		case p.Match > 0 && p.Kind == "key":
			add("Pin", fmt.Sprintf("certificate %d has the key %s", p.Match, what), styleAvailable)
		case p.Match > 0:
			add("Pin", fmt.Sprintf("certificate %d is in %s", p.Match, what), styleAvailable)
		case c.Refusal != nil && i < maxPins:
			add("Pinned", what, plain)
		default:
			left++
		}
	}
	if left > 0 {
		add("Pinned", count(left, "more pin"), plain)
	}
	for _, s := range c.Warnings {
		add("Warning", "of the server's certificate: "+s, styleWait)
	}
	name := c.Name
	if name == "" {
		name = "not checked"
	}
	add("Name", name, plain)
	add("Address", c.Address, plain)
	add("STARTTLS", c.Protocol, plain)
	if c.Version != "" {
		tls := []string{c.Version, c.Suite}
		if c.Group != "" {
			tls = append(tls, c.Group)
		}
		add("TLS", strings.Join(tls, ", "), plain)
	}
	return list
}

// certificateFacts returns what is said of a certificate at a time. At most
// limit names are shown, and all if it is 0.
func certificateFacts(c *wontfix.Certificate, now time.Time, limit int) []fact {
	list := []fact{{"Issuer", text(c.Issuer)}, {"Serial", text(c.Serial)}}
	left, st := count(c.DaysLeft, "day")+" left", plain
	switch {
	case c.DaysLeft < 0:
		left, st = "expired", styleNever
	case now.Before(c.NotBefore):
		left, st = "not yet valid", styleNever
	case c.DaysLeft < 30:
		st = styleWait
	}
	const minute = "2006-01-02 15:04"
	list = append(list, fact{"Valid", span{fmt.Sprintf("%s to %s UTC, %s", c.NotBefore.UTC().Format(minute), c.NotAfter.UTC().Format(minute), left), st}})
	if names := c.Names; len(names) > 0 {
		more := ""
		if limit > 0 && len(names) > limit {
			more = fmt.Sprintf(" and %d more", len(names)-limit)
			names = names[:limit]
		}
		list = append(list, fact{"Names", text(strings.Join(names, ", ") + more)})
	}
	return append(list, fact{"Key", text(c.Key)}, fact{"SHA-256", dim(c.SHA256)}, fact{"SPKI", dim(c.SPKI)})
}

// chainTitle says what the certificates are.
func chainTitle(c *wontfix.Connection) string {
	switch {
	case len(c.Chain) == 0:
		return "No certificate was seen"
	case c.Refusal != nil:
		return "What the server has sent, none of it verified"
	}
	return "The verified chain"
}

// certificateTitle names a certificate of a chain.
func certificateTitle(c *wontfix.Connection, i int) string {
	var list []string
	if i == 0 {
		list = append(list, "server")
	}
	if c.Chain[i].CA {
		list = append(list, "authority")
	}
	for _, p := range c.Pins {
		if p.Match == i+1 {
			list = append(list, "pinned "+p.Kind)
		}
	}
	s := cmp.Or(c.Chain[i].Subject, "no subject")
	if len(list) == 0 {
		return s
	}
	return s + " · " + strings.Join(list, ", ")
}

func textConnection(w io.Writer, c *wontfix.Connection, o Options) error {
	p := newPage(w, o)
	p.width = min(p.width, maxProse)
	verdict, server := connectionHead(c)
	st := styleAvailable
	if c.Refusal != nil {
		st = styleNever
	}
	p.flow(0, 2, []span{in(st, verdict), text(" "), strong(server)})
	for _, f := range connectionFacts(c) {
		p.label(f.name, f.span)
	}
	p.blank()
	p.para(0, strong(chainTitle(c)))
	for i := range c.Chain {
		p.blank()
		p.rule(text(strconv.Itoa(i+1)+"  "), strong(certificateTitle(c, i)))
		for _, f := range certificateFacts(&c.Chain[i], c.Time, o.Limit) {
			p.label(f.name, f.span)
		}
	}
	return p.end()
}

// markdownConnection writes a table of what is said of the connection, and one
// for each certificate.
func markdownConnection(w io.Writer, c *wontfix.Connection, o Options) error {
	b := bufio.NewWriter(w)
	table := func(facts []fact) {
		markdownTable(b, "", "")
		for _, f := range facts {
			markdownRow(b, f.name, cleanMarkdown(f.span.text))
		}
	}
	verdict, server := connectionHead(c)
	fmt.Fprintf(b, "# %s: %s\n\n", verdict, cleanMarkdown(server))
	table(append(connectionFacts(c), fact{"When", text(c.Time.UTC().Format(time.DateTime + " MST"))}))
	fmt.Fprintf(b, "\n## %s\n", chainTitle(c))
	for i := range c.Chain {
		fmt.Fprintf(b, "\n### %d. %s\n\n", i+1, cleanMarkdown(certificateTitle(c, i)))
		table(certificateFacts(&c.Chain[i], c.Time, o.Limit))
	}
	return b.Flush()
}
