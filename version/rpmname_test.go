package version

import "testing"

func TestSplitRPM(t *testing.T) {
	for text, want := range map[string]string{
		"bind-libs-32bit-9.9.4P2-0.6.1.x86_64": "bind-libs-32bit 9.9.4P2-0.6.1 x86_64",
		"ctdb-4.19.2+git.322.7e9201cef5-1.1":   "ctdb 4.19.2+git.322.7e9201cef5-1.1 ",
		"openssl-1:3.0.7-27.el9.src":           "openssl 1:3.0.7-27.el9 src",
		"libopenssl-1_1-devel":                 "libopenssl-1_1-devel  ",
		"samba":                                "samba  ",
		"kernel-livepatch-5_14_21-150400_24_100-default-5-150400.2.1": "kernel-livepatch-5_14_21-150400_24_100-default 5-150400.2.1 ",
	} {
		name, version, arch, _ := SplitRPM(text)
		if got := name + " " + version + " " + arch; got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
