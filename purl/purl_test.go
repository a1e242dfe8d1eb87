package purl

import (
	"testing"

	"wontfix"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Package{
		"pkg:rpm/redhat/openssl@3.0.7-27.el9?arch=src&epoch=1": {Type: "rpm", Name: "openssl", Version: "1:3.0.7-27.el9", Epoch: "1", Arch: "src",
			Release: wontfix.Release{Distribution: "rhel"}},
		"pkg:rpm/redhat/wheel@0.35.1-4.module%2Bel8?arch=src&rpmmod=python39:3.9:8080:93c2": {Type: "rpm", Name: "wheel", Version: "0.35.1-4.module+el8", Arch: "src",
			Module: "python39:3.9", Release: wontfix.Release{Distribution: "rhel"}},
		"pkg:deb/ubuntu/curl@7.35.0-1ubuntu2?arch=source&distro=esm-infra/xenial": {Type: "deb", Name: "curl", Version: "7.35.0-1ubuntu2", Arch: "source",
			Release: wontfix.Release{Distribution: "ubuntu", Series: "xenial", Product: "esm-infra"}},
		"pkg:deb/debian/curl?distro=debian-12":                  {Type: "deb", Name: "curl", Release: wontfix.Release{Distribution: "debian", Series: "bookworm"}},
		"pkg:deb/ubuntu/curl?distro=ubuntu-22.04":               {Type: "deb", Name: "curl", Release: wontfix.Release{Distribution: "ubuntu", Series: "jammy"}},
		"pkg:rpm/opensuse/curl@8-1?distro=opensuse-leap-15.5":   {Type: "rpm", Name: "curl", Version: "8-1", Release: wontfix.Release{Distribution: "opensuse-leap", Series: "15.5"}},
		"pkg:maven/org.x/y@1":                                   {Type: "maven", Name: "org.x/y", Version: "1"},
		"pkg:npm/%40scope/y@1":                                  {Type: "npm", Name: "@scope/y", Version: "1"},
		"pkg:oci/app@sha256:00?repository_url=r.io/n/app&tag=7": {Type: "oci", Name: "app", Version: "sha256:00", Tag: "7"},
		"pkg:rpmmod/redhat/python39@3.9:8080:93c2":              {Type: "rpmmod", Name: "python39", Version: "3.9:8080:93c2", Module: "python39:3.9"},
		"pkg:apk/alpine/curl@8-r0?distro=alpine-3.18.4":         {Type: "apk", Name: "curl", Version: "8-r0", Release: wontfix.Release{Distribution: "alpine", Series: "v3.18"}},
		"pkg:deb/debian/curl?distro=a%20b":                      {Type: "deb", Name: "curl", Release: wontfix.Release{Distribution: "debian"}},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v\nwant %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "curl", "pkg:", "pkg:deb", "http://x/y"} {
		if p, err := Parse(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, p)
		}
	}
}

// FuzzParse wants a release that can be written down, whatever the URL.
func FuzzParse(f *testing.F) {
	f.Add("pkg:deb/ubuntu/curl@7?arch=source&distro=esm-infra/xenial")
	f.Add("pkg:rpm/redhat/x?rpmmod=a:b:c&distro=/")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil || p.Release.Distribution == "" {
			return
		}
		if back, err := wontfix.ParseRelease(p.Release.String()); err != nil || back != p.Release {
			t.Errorf("%q: release %+v is read back as %+v, %v", text, p.Release, back, err)
		}
	})
}
