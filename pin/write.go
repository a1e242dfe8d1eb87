package pin

import (
	"bytes"
	"embed"
	"encoding/pem"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"text/template"

	"software.sslmate.com/src/go-pkcs12"
)

//go:embed snippets
var snippetFiles embed.FS

var snippetTemplates = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(snippetFiles, "snippets/*.tmpl"))
})

// A snippet is a file that shows how a program trusts only the pins.
type snippet struct {
	Name, Run string // the file, and the command that runs it
	Keys      bool   // it compares keys, after it has verified the chain
	Alone     bool   // it can do with keys alone
}

var snippets = []snippet{
	{Name: "curl.sh", Run: "sh curl.sh", Keys: true, Alone: true},
	{Name: "git.sh", Run: "sh git.sh", Keys: true},
	{Name: "wget.sh", Run: "sh wget.sh", Keys: true},
	{Name: "apt.sh", Run: "sh apt.sh"},
	{Name: "openssl.sh", Run: "sh openssl.sh"},
	{Name: "python.py", Run: "python python.py"},
	{Name: "node.cjs", Run: "node node.cjs"},
	{Name: "java.sh", Run: "sh java.sh"},
	{Name: "ruby.rb", Run: "ruby ruby.rb"},
	{Name: "php.php", Run: "php php.php"},
	{Name: "perl.pl", Run: "perl perl.pl"},
	{Name: "go.go", Run: "go run go.go", Keys: true, Alone: true},
}

// storePassword opens the Java trust store. There is nothing secret in it, and
// Java reads one that has no password as empty.
const storePassword = "changeit"

// Write writes the pins for other programs into a folder, which it makes when
// it is missing: the authorities as PEM and DER and as a Java trust store, the
// hashes of the keys as curl takes them, for each runtime a snippet that trusts
// nothing but the pins, and a README.md that says which are which. Snippets
// that would trust more than the pins, because the runtime cannot compare keys,
// are left out, and the README.md names them.
//
// The host, HOST or HOST:PORT, is the one that snippets ask when they are given
// no URL; with host empty they want the URL.
//
// Write returns the paths of the files that it has written, and of those that
// it has removed. A folder that it has written before it writes anew, and takes
// away what is no longer pinned; of files that are not its own, or that somebody
// has changed, it overwrites and removes none, and writes nothing where one of
// the names is taken. With nothing pinned the error is [ErrNone].
func (p *Pins) Write(dir, host string) (written, removed []string, err error) {
	if err := p.valid(); err != nil {
		return nil, nil, err
	}
	url, err := urlOf(host)
	if err != nil {
		return nil, nil, err
	}
	files, err := p.files(url)
	if err != nil {
		return nil, nil, err
	}
	return writeFiles(dir, files)
}

// A file is what is to be written under a name.
type file struct {
	name string
	data []byte
}

// urlOf returns the URL of a host. It goes into programs of many languages, so
// that it has no character that means something in any of them.
func urlOf(server string) (string, error) {
	if server == "" {
		return "", nil
	}
	host, port, err := ParseServer(server)
	switch {
	case err != nil:
		return "", err
	case port != "":
		return "https://" + net.JoinHostPort(host, port) + "/", nil
	case strings.Contains(host, ":"):
		return "https://[" + host + "]/", nil
	}
	return "https://" + host + "/", nil
}

// files returns all that is written for the pins.
func (p *Pins) files(url string) ([]file, error) {
	var list []file
	var all bytes.Buffer
	var store []pkcs12.TrustStoreEntry
	hashes := p.Keys
	for i, c := range p.CAs {
		name := fmt.Sprintf("ca-%d", i+1)
		list = append(list, file{name + ".der", c.Raw})
		store = append(store, pkcs12.TrustStoreEntry{Cert: c, FriendlyName: name})
		if err := pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}); err != nil {
			return nil, err
		}
		// Where keys are pinned the authority's is not one of them: it is in every
		// chain, so that the others would count for nothing.
		if len(p.Keys) == 0 {
			hashes = append(hashes, SPKIOf(c))
		}
	}
	if len(p.CAs) > 0 {
		p12, err := pkcs12.Modern2023.EncodeTrustStoreEntries(store, storePassword)
		if err != nil {
			return nil, fmt.Errorf("ca.p12: %w", err)
		}
		list = append(list, file{"ca.pem", all.Bytes()}, file{"ca.p12", p12})
	}
	var text strings.Builder
	for _, h := range hashes {
		fmt.Fprintln(&text, h)
	}
	list = append(list, file{"spki.txt", []byte(text.String())})

	data := struct {
		URL, Password string
		CAs, Keys     []string
		Written, Left []snippet
	}{URL: url, Password: storePassword}
	for _, c := range p.CAs {
		data.CAs = append(data.CAs, "`"+strings.ReplaceAll(strconv.Quote(c.Subject.String()), "`", "'")+"`")
	}
	for _, h := range p.Keys {
		data.Keys = append(data.Keys, h.String())
	}
	for _, s := range snippets {
		if len(p.Keys) > 0 && !s.Keys || len(p.CAs) == 0 && !s.Alone {
			data.Left = append(data.Left, s)
		} else {
			data.Written = append(data.Written, s)
		}
	}
	for _, name := range names(data.Written) {
		var b bytes.Buffer
		if err := snippetTemplates().ExecuteTemplate(&b, name+".tmpl", data); err != nil {
			return nil, err
		}
		list = append(list, file{name, b.Bytes()})
	}
	return list, nil
}

// names returns the names of the files that come from templates.
func names(written []snippet) []string {
	list := []string{"README.md"}
	for _, s := range written {
		list = append(list, s.Name)
		if s.Name == "java.sh" {
			list = append(list, "Get.java")
		}
	}
	return list
}
