package cpe

import (
	"testing"

	"wontfix"
)

func TestRelease(t *testing.T) {
	for _, c := range []struct {
		cpe, id string
		want    string
	}{
		{"cpe:/o:redhat:enterprise_linux:9::baseos", "BaseOS-9.2.0.Z.MAIN.EUS", "rhel/9.2"},
		{"cpe:/a:redhat:rhel_eus:9.0::appstream", "AppStream-9.0.0.Z.EUS", "rhel/9.0/eus"},
		{"cpe:/o:redhat:enterprise_linux:10.0", "rhel-10.0", "rhel/10.0"},
		{"cpe:/o:redhat:enterprise_linux_eus:10.2", "rhel-10.2.z.eus", "rhel/10.2/eus"},
		{"cpe:/o:redhat:enterprise_linux:8", "red_hat_enterprise_linux_8", "rhel/8"},
		{"cpe:/o:redhat:rhel_els:7", "rhel-7-els.els", "rhel/7/els"},
		{"cpe:/o:redhat:enterprise_linux:7::server", "7Server-7.9.Z", "rhel/7.9"},
		{"cpe:/a:redhat:openshift:4.12::el8", "8Base-RHOSE-4.12", "redhat-openshift/4.12/el8"},
		{"cpe:/a:redhat:rhel_software_collections:3::el7", "7Server-RHSCL", "rhscl/3/el7"},
		{"cpe:/a:redhat:jbosseapxp", "x", "redhat-jbosseapxp"},
		{"", "x", ""},
		{"cpe:/o:suse:sles-ltss:12:sp2", "", "sles/12.2/ltss"},
		{"cpe:/o:suse:sles:15:sp5", "", "sles/15.5"},
		{"cpe:/o:suse:sle-module-basesystem:15:sp4", "", "sles/15.4"},
		{"cpe:/o:suse:sle_hpc-espos:15:sp3", "", "sle_hpc/15.3/ltss"},
		{"cpe:/o:suse:sles_ltss_teradata:12:sp3", "", "sles/12.3/ltss"},
		{"cpe:/o:suse:sles_sap:12:sp4", "", "sles/12.4/sap"},
		{"cpe:/o:suse:sl-micro:6.0", "", "sl-micro/6.0"},
		{"cpe:/o:suse:suse-manager-server:4.2", "", "suse-manager-server/4.2"},
		{"cpe:/o:opensuse:leap:15.5", "", "opensuse-leap/15.5"},
		{"cpe:/o:opensuse:tumbleweed", "", "opensuse-tumbleweed/rolling"},
		{"cpe:2.3:o:microsoft:azure_linux:3.0:*:*:*:*:*:*:*", "", "azurelinux/3.0"},
		{"cpe:2.3:a:y:z:1:*:*:*:*:*:*:*", "", ""},
	} {
		n, _ := Parse(c.cpe)
		if got := Release(n, c.id).String(); got != c.want {
			t.Errorf("%s of %q: got %s, want %s", c.cpe, c.id, got, c.want)
		}
	}
}

// FuzzRelease wants a release that can be written down, whatever the name.
func FuzzRelease(f *testing.F) {
	f.Add("cpe:/o:redhat:enterprise_linux:9::baseos", "BaseOS-9.2.0.Z")
	f.Add("cpe:/o:suse:sles_ltss_x/y:15:sp5", "")
	f.Add("cpe:2.3:a:redhat:x\\:y:1/2:*:a b", "")
	f.Fuzz(func(t *testing.T, text, label string) {
		n, ok := Parse(text)
		r := Release(n, label)
		if r.Distribution == "" {
			return
		}
		if back, err := wontfix.ParseRelease(r.String()); !ok || err != nil || back != r {
			t.Errorf("%q: release %+v is read back as %+v, %v", text, r, back, err)
		}
	})
}
