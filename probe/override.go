package probe

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"wontfix"
)

// An Override is a variable or a line of a file that changes how clients verify
// what they are offered.
type Override struct {
	wontfix.Override
	how how
}

// A how says how an override is put in force in a run: {dir}, {host} and {port}
// stand for those of the run, in the files too.
type how struct {
	env    []string
	args   []string          // before those of the client
	files  map[string]string // by name in the home of the run
	before *how              // what is done instead in the run without it
	why    string            // it cannot be
}

// OverrideOptions say where overrides are looked for.
type OverrideOptions struct {
	Env  []string `json:"env"`            // as of [os.Environ]
	Home string   `json:"home"`           // the user's
	Root string   `json:"root,omitempty"` // what stands for / in the places of the system
}

// maxOverride is the largest file that is read for overrides, maxOverrideFiles
// how many there may be of a kind.
const (
	maxOverride      = 1 << 20
	maxOverrideFiles = 2000
)

// A show says what of a value may be seen.
type show int

const (
	showName   show = iota // nothing
	showValue              // all: it is one of few words, or a path
	showHost               // the scheme and the host of a URL
	showWord               // a truth value
	showGitURL             // the value, and of a key with a URL the host
)

// A knob is a switch: a variable, or a key of a file.
type knob struct {
	id      string
	class   Class
	key     string            // a pattern with the stars of path.Match, in lower case for files
	bad     func(string) bool // for which values; nil is every one
	show    show
	clients []string // "row", or "row/run"; in a file nil is those of the place
	note    string
	// instead is what is put in force where the value names hosts: the variable's
	// value, or the file's content.
	instead string
	why     string // it is not measured
}

// A place is a kind of file.
type place struct {
	paths   []string // patterns; ~ is the home
	vars    []string // variables that lead to one: "CURL_HOME/.curlrc" to a folder
	syntax  func([]byte) []setting
	knobs   []knob
	clients []string
	// to is where the client of a run looks for it, if that is not where the user
	// has it.
	to string
	// point is the variable, or the option, that leads a client to a file which
	// stands for the system's.
	point string
	why   string // nothing of it is measured
}

// FindOverrides returns the overrides of a machine as one of its users has
// them, and the files that it could not read.
func FindOverrides(o OverrideOptions) ([]Override, []Skipped) {
	f := finder{o: o, env: map[string]string{}}
	for _, e := range o.Env {
		if name, value, ok := strings.Cut(e, "="); ok {
			f.env[name] = value
			f.variable("env", name, 0, name, value)
		}
	}
	f.gitEnvironment()
	for _, p := range places() {
		f.place(p)
	}
	for _, p := range profiles() {
		for _, path := range f.paths(p.paths) {
			for _, s := range f.read(path, p.syntax) {
				f.variable("file", path, s.line, s.key, s.value)
			}
		}
	}
	return f.found, f.skipped
}

// A finder looks for overrides.
type finder struct {
	o       OverrideOptions
	env     map[string]string
	found   []Override
	skipped []Skipped
}

// variable adds what an assignment switches.
func (f *finder) variable(kind, source string, line int, name, value string) {
	for _, k := range variables() {
		if ok := matches(k.key, name); !ok && !(strings.HasPrefix(k.key, "npm_") && strings.EqualFold(k.key, name)) {
			continue
		}
		set := value
		if k.instead != "" {
			set = k.instead
		}
		if k.bad == nil || k.bad(value) {
			f.add(kind, source, line, k, name, value, "=", how{env: []string{name + "=" + set}, why: computed(kind, set)})
		}
	}
	for _, t := range tokens() {
		if !slices.Contains(t.variables, name) {
			continue
		}
		for _, word := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(t.separators, r) }) {
			for _, k := range t.knobs {
				key, v, _ := strings.Cut(word, "=")
				if ok := matches(k.key, key); ok && (k.bad == nil || k.bad(v)) {
					f.add(kind, source, line, k, name+": "+key, v, "=", how{env: []string{name + "=" + word}, why: computed(kind, word)})
				}
			}
		}
	}
}

// computed says that a value cannot be known without a shell.
func computed(kind, value string) string {
	if kind == "file" && strings.ContainsAny(value, "$`") {
		return "the shell computes its value"
	}
	return ""
}

// add keeps a finding.
func (f *finder) add(kind, source string, line int, k knob, key, value, between string, h how) {
	o := Override{
		Override: wontfix.Override{ID: k.id, Kind: kind, Class: k.class, Source: clip(source), Line: line, Match: clip(shown(k.show, key, value, between)), Clients: k.clients, Note: k.note},
		how:      h,
	}
	if o.Clients == nil {
		o.Clients = []string{}
	}
	o.how.why = cmp.Or(k.why, h.why)
	if o.how.files != nil && k.instead == "" && strings.ContainsAny(value, ";|&`$!<>{}\n\"'") {
		o.how.why = "its value is more than a word or a path"
	}
	if k.class == Hook {
		o.how = how{why: "it would run code"}
	}
	f.found = append(f.found, o)
}

// matches reports whether a key is one of a pattern, where a star stands for
// any text.
func matches(pattern, key string) bool {
	ok, _ := path.Match(strings.ReplaceAll(pattern, "/", "\x01"), strings.ReplaceAll(key, "/", "\x01")) // the patterns are ours
	return ok
}

// shown returns a switch as it may be seen.
func shown(s show, key, value, between string) string {
	switch s {
	case showName:
		return key
	case showWord:
		if !isTrue(value) && !isFalse(value) {
			return key
		}
	case showGitURL:
		first, rest, _ := strings.Cut(key, ".")
		if i := strings.LastIndexByte(rest, '.'); i >= 0 {
			key = first + "." + hostOf(rest[:i]) + rest[i:]
		}
	case showHost:
		var hosts []string
		for _, v := range strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' }) {
			hosts = append(hosts, hostOf(v))
		}
		if value = strings.Join(hosts, " "); value == "" {
			return key
		}
	}
	if value == "" && (between != "=" || strings.Contains(key, ": ")) {
		return key
	}
	return key + between + value
}

// hostOf returns the scheme and the host of a URL, or a host with its port. It
// returns three dots for what it does not understand.
func hostOf(v string) string {
	scheme, rest, ok := strings.Cut(v, "://")
	if !ok {
		scheme, rest = "", v
	}
	u, err := url.Parse("x://" + rest)
	if err != nil || u.Host == "" || strings.Contains(u.Host, "@") || strings.ContainsAny(scheme, "@:/") {
		return "…"
	}
	if ok {
		return scheme + "://" + u.Host
	}
	return u.Host
}

// place adds what the files of a kind switch.
func (f *finder) place(p place) {
	for _, v := range p.vars {
		name, rest, folder := strings.Cut(v, "/")
		value := f.env[name]
		if value == "" {
			continue
		}
		list := []string{value}
		if slices.Contains([]string{"HGRCPATH", "KUBECONFIG", "GEMRC"}, name) {
			list = filepath.SplitList(value)
		}
		for _, path := range list {
			if folder {
				path = filepath.Join(path, rest)
			}
			f.file(p, path, "read because of "+name, name, 0)
		}
	}
	for _, pattern := range p.paths {
		for _, path := range f.paths([]string{pattern}) {
			f.file(p, path, "", "", 0)
		}
	}
}

// file adds what one file switches. Name is the variable that led to it.
func (f *finder) file(p place, file, note, name string, depth int) {
	for _, s := range f.read(file, p.syntax) {
		for _, k := range p.knobs {
			if ok := matches(k.key, s.key); !ok || k.bad != nil && !k.bad(s.value) {
				continue
			}
			if k.clients == nil {
				k.clients = p.clients
			}
			k.note = strings.TrimPrefix(strings.Join([]string{k.note, note}, "; "), "; ")
			k.note = strings.TrimSuffix(k.note, "; ")
			k.why = cmp.Or(k.why, p.why)
			f.add("file", file, s.line, k, s.name, s.value, " = ", f.force(p, file, name, cmp.Or(k.instead, s.text)))
		}
		if depth == 0 && (s.key == "include.path" || strings.HasPrefix(s.key, "includeif.") && strings.HasSuffix(s.key, ".path")) {
			to := s.value
			if rest, ok := strings.CutPrefix(to, "~/"); ok {
				to = filepath.Join(f.o.Home, rest)
			} else if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(file), to)
			}
			f.file(p, to, "included by "+clip(file), name, 1)
		}
	}
}

// force returns how a line of a file is put in force: alone, in a file that the
// client reads in the run. The rest of the user's file has nothing to do there.
func (f *finder) force(p place, file, name, text string) how {
	rel, err := filepath.Rel(f.o.Home, file)
	own := f.o.Home != "" && err == nil && filepath.IsLocal(rel)
	const alone = "override"
	lead := func(with, text string) *how {
		h := &how{files: map[string]string{alone: text}}
		switch {
		case strings.HasPrefix(with, "-"):
			h.args = []string{with, "{dir}/" + alone}
		case slices.ContainsFunc(p.vars, func(v string) bool { return strings.HasPrefix(v, with+"/") }):
			i := slices.IndexFunc(p.vars, func(v string) bool { return strings.HasPrefix(v, with+"/") })
			_, rest, _ := strings.Cut(p.vars[i], "/")
			h.files = map[string]string{alone + "/" + rest: text}
			h.env = []string{with + "={dir}/" + alone}
		default:
			h.env = []string{with + "={dir}/" + alone}
		}
		return h
	}
	switch {
	case name != "":
		return *lead(name, text)
	case p.to != "":
		return how{files: map[string]string{p.to: text}}
	case own:
		if config := f.env["XDG_CONFIG_HOME"]; config != "" {
			if r, err := filepath.Rel(config, file); err == nil && filepath.IsLocal(r) {
				rel = filepath.Join(".config", r)
			}
		}
		return how{files: map[string]string{rel: text}}
	case p.point != "":
		h := lead(p.point, text)
		h.before = lead(p.point, "")
		return *h
	}
	return how{why: "it is in force for every run: see the verdicts of the client"}
}

// paths returns the files that there are of some patterns.
func (f *finder) paths(patterns []string) []string {
	var list []string
	seen := map[string]bool{}
	for _, p := range patterns {
		bases := []string{f.o.Root}
		if rest, ok := strings.CutPrefix(p, "~"); ok {
			if p, bases = rest, []string{f.o.Home}; f.o.Home == "" {
				continue
			}
			if rest, ok := strings.CutPrefix(p, "/.config/"); ok && f.env["XDG_CONFIG_HOME"] != "" {
				p, bases = "/"+rest, []string{f.env["XDG_CONFIG_HOME"]}
			}
		}
		for _, base := range bases {
			found := []string{base + p}
			if strings.ContainsAny(p, "*?[") {
				found, _ = filepath.Glob(literal.Replace(base) + p) // the patterns are ours
			}
			if len(found) > maxOverrideFiles {
				f.skipped = append(f.skipped, Skipped{Path: clip(base + p), Why: fmt.Sprintf("%d files: only the first %d are read for overrides", len(found), maxOverrideFiles)})
				found = found[:maxOverrideFiles]
			}
			for _, path := range found {
				real, err := filepath.EvalSymlinks(path)
				if err != nil {
					real = path
				}
				if !seen[real] {
					seen[real] = true
					list = append(list, path)
				}
			}
		}
	}
	return list
}

// literal makes a path a pattern of itself.
var literal = strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`)

// read returns the settings of a file. One that is not there has none.
func (f *finder) read(file string, syntax func([]byte) []setting) []setting {
	data, err := readSmall(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		s := Skipped{Path: clip(file), Why: "not read for overrides: " + err.Error()}
		if !slices.Contains(f.skipped, s) {
			f.skipped = append(f.skipped, s)
		}
		return nil
	}
	return syntax(data)
}

// readSmall reads a file of text. It never waits for one.
func readSmall(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fs.ErrNotExist
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("no regular file")
	}
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, maxOverride+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxOverride:
		return nil, errors.New("larger than 1 MB")
	case bytes.IndexByte(data, 0) >= 0:
		return nil, errors.New("no text")
	}
	return data, nil
}

// gitEnvironment adds what the settings of git in variables switch.
func (f *finder) gitEnvironment() {
	for i := range 100 {
		key, ok := f.env[fmt.Sprint("GIT_CONFIG_KEY_", i)]
		if !ok {
			break
		}
		value := f.env[fmt.Sprint("GIT_CONFIG_VALUE_", i)]
		for _, k := range gitKnobs() {
			if ok := matches(k.key, strings.ToLower(key)); !ok || k.bad != nil && !k.bad(value) {
				continue
			}
			k.clients = []string{"git"}
			if k.instead != "" {
				key = "http.sslVerify"
			}
			f.add("env", fmt.Sprint("GIT_CONFIG_KEY_", i), 0, k, key, value, " = ",
				how{env: []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=" + key, "GIT_CONFIG_VALUE_0=" + value}})
		}
	}
}
