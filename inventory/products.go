package inventory

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"wontfix/version"
)

const proStatus = "var/lib/ubuntu-advantage/status.json"

// services are the services of Ubuntu Pro that bring packages of their own, by
// the client's name for them, and the product that the tracker knows.
var services = map[string]string{
	"esm-infra":        "esm-infra",
	"esm-infra-legacy": "esm-infra-legacy",
	"esm-apps":         "esm-apps",
	"esm-apps-legacy":  "esm-apps-legacy",
	"fips":             "fips",
	"fips-updates":     "fips-updates",
	"fips-preview":     "fips-preview",
	"ros":              "ros-esm",
	"ros-updates":      "ros-esm",
	"realtime-kernel":  "realtime",
}

// archivePaths are the first elements of the paths on esm.ubuntu.com and the
// service whose archive is there. Up to 2019 there was esm-infra alone, at
// /ubuntu.
var archivePaths = map[string]string{
	"ubuntu": "esm-infra", "infra": "esm-infra", "apps": "esm-apps",
	"infra-legacy": "esm-infra-legacy", "apps-legacy": "esm-apps-legacy",
	"fips": "fips", "fips-updates": "fips-updates", "fips-preview": "fips-preview",
	"ros": "ros", "ros-updates": "ros-updates", "realtime": "realtime-kernel",
}

// readProducts finds the subscriptions that are switched on: what the Pro
// client has noted, and without such a note what apt is told to read.
func (r *reader) readProducts() {
	if b := r.file(proStatus, maxStatus); b != nil {
		var status struct {
			Services []struct{ Name, Status string }
		}
		err := json.Unmarshal(b, &status)
		if err == nil {
			r.m.ProductsFrom = proStatus
			for _, s := range status.Services {
				if s.Status == "enabled" {
					r.enable(s.Name)
				}
			}
			slices.Sort(r.m.Products)
			return
		}
		r.problem(proStatus, 0, "no JSON of the Pro client (%q): apt's sources are read instead", err.Error())
	}
	never := r.neverPinned()
	for _, src := range r.sources() {
		if service := esmService(src.uri); service != "" && !never[service] {
			r.enable(service)
			if r.m.ProductsFrom == "" {
				r.m.ProductsFrom = src.file
			}
		}
	}
	slices.Sort(r.m.Products)
}

func (r *reader) enable(service string) {
	if product := services[service]; product != "" && !slices.Contains(r.m.Products, product) {
		r.m.Products = append(r.m.Products, product)
	}
}

// esmService returns the service whose archive is at an address, or "".
func esmService(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || !strings.EqualFold(u.Hostname(), "esm.ubuntu.com") {
		return ""
	}
	first, _, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	return archivePaths[first]
}

// neverPinned returns the services whose archives apt must not use. The
// clients of 14.04 to 18.04 ship sources of ESM that are switched off in this
// way until somebody subscribes.
func (r *reader) neverPinned() map[string]bool {
	const dir = "etc/apt/preferences.d"
	never := make(map[string]bool)
	for _, e := range r.dir(dir) {
		name, ok := strings.CutPrefix(e.Name(), "ubuntu-")
		if !ok || e.IsDir() {
			continue
		}
		eachField(r.file(dir+"/"+e.Name(), maxSmall), func(_ int, key, value []byte) {
			if !isKey(key, "Pin-Priority") || string(value) != "never" {
				return
			}
			longest := "" // "fips-updates-bionic" is not about fips
			for service := range services {
				if (name == service || strings.HasPrefix(name, service+"-")) && len(service) > len(longest) {
					longest = service
				}
			}
			never[longest] = true
		})
	}
	return never
}

// A source is one address that apt reads packages from.
type source struct{ file, uri string }

// sources reads apt's sources.list(5), in both of its forms.
func (r *reader) sources() (all []source) {
	const dir = "etc/apt/sources.list.d"
	all = r.lines("etc/apt/sources.list")
	for _, e := range r.dir(dir) {
		name := dir + "/" + e.Name()
		switch {
		case e.IsDir():
		case strings.HasSuffix(name, ".list"):
			all = append(all, r.lines(name)...)
		case strings.HasSuffix(name, ".sources"):
			all = append(all, r.deb822(name)...)
		}
	}
	return all
}

// lines reads lines of the form deb [options] uri suite component….
func (r *reader) lines(name string) (all []source) {
	for line := range strings.Lines(string(r.file(name, maxSmall))) {
		line, _, _ = strings.Cut(line, "#")
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb")
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '\t' {
			continue // deb-src among others
		}
		if rest = strings.TrimSpace(rest); strings.HasPrefix(rest, "[") {
			_, rest, _ = strings.Cut(rest, "]")
		}
		if f := strings.Fields(rest); len(f) > 1 {
			all = append(all, source{name, f[0]})
		}
	}
	return all
}

// deb822 reads stanzas with the fields Types, URIs and Enabled.
func (r *reader) deb822(name string) (all []source) {
	var uris []string
	disabled, inURIs, binary := false, false, false
	eachField(r.file(name, maxSmall), func(_ int, key, value []byte) {
		switch {
		case key == nil && value == nil:
			if !disabled && binary {
				for _, u := range uris {
					all = append(all, source{name, u})
				}
			}
			uris, disabled, inURIs, binary = nil, false, false, false
		case key == nil:
			if inURIs {
				uris = append(uris, strings.Fields(string(value))...)
			}
		default:
			inURIs = isKey(key, "URIs")
			switch {
			case inURIs:
				uris = append(uris, strings.Fields(string(value))...)
			case isKey(key, "Types"):
				binary = slices.Contains(strings.Fields(string(value)), "deb")
			case isKey(key, "Enabled"):
				disabled = slices.Contains([]string{"no", "false", "without", "off", "disable"}, strings.ToLower(string(value)))
			}
		}
	})
	return all
}

// kernel finds the kernel that runs and those that are installed.
func (r *reader) kernel() {
	const name = "proc/sys/kernel/osrelease"
	if running := strings.TrimSpace(string(r.file(name, maxSmall))); running != "" {
		if len(running) < 256 && only(running, "-._+~") {
			r.m.Kernel.Running = running
		} else {
			r.problem(name, 1, "%.60q is no kernel version: left out", running)
		}
	}
	if r.m.Manager == rpm {
		r.m.Kernel.Installed = r.rpmKernels()
		slices.SortFunc(r.m.Kernel.Installed, version.Rpm)
		return
	}
	for i := range r.m.Packages {
		if v := imageVersion(r.m.Packages[i].Name); v != "" && !slices.Contains(r.m.Kernel.Installed, v) {
			r.m.Kernel.Installed = append(r.m.Kernel.Installed, v)
		}
	}
	slices.SortFunc(r.m.Kernel.Installed, version.Dpkg)
}

// imageVersion returns the version of the kernel that a package holds, or "".
// Packages that only follow the newest one, such as linux-image-generic or
// linux-image-2.6-686, hold none.
func imageVersion(name string) string {
	v, ok := strings.CutPrefix(name, "linux-image-")
	if !ok || strings.HasSuffix(v, "-dbg") || strings.HasSuffix(v, "-dbgsym") {
		return ""
	}
	v = strings.TrimSuffix(strings.TrimPrefix(v, "unsigned-"), "-unsigned")
	numbers := 0
	for part := range strings.SplitSeq(v, ".") {
		if part == "" || part[0] < '0' || part[0] > '9' {
			break
		}
		numbers++
	}
	if numbers < 3 {
		return ""
	}
	return v
}
