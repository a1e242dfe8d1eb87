package match

import (
	"cmp"
	"slices"
	"strings"

	"wontfix"
)

// Behaviour returns what of a list was seen of packages that the machine has,
// in the very version that it has. Each says whether the version alone is
// vulnerable: by the findings, to which it is added too, and by the statements,
// of the machine's release. The findings stay what they are.
func Behaviour(m *wontfix.Machine, list []wontfix.Behaviour, findings []wontfix.Finding, statements []wontfix.Statement) []wontfix.Behaviour {
	here := ofMachine(m, list)
	for i := range here {
		b := &here[i]
		b.VersionSays = "nothing"
		source := sourceOf(m, b.Package)
		if slices.ContainsFunc(statements, func(s wontfix.Statement) bool { return s.ID == b.ID && s.Source == source }) {
			b.VersionSays = "not-vulnerable"
		}
		for j := range findings {
			if f := &findings[j]; f.ID == b.ID && (f.Source == source || f.Installed == source) {
				b.VersionSays = "vulnerable"
				f.Behaviour = append(f.Behaviour, *b)
			}
		}
	}
	return here
}

// DossierBehaviour adds to the subjects of a dossier what of a list was seen of
// the installed packages.
func DossierBehaviour(m *wontfix.Machine, list []wontfix.Behaviour, d *wontfix.Dossier) {
	for _, b := range ofMachine(m, list) {
		if b.ID != d.ID {
			continue
		}
		source := sourceOf(m, b.Package)
		for i := range d.Subjects {
			s := &d.Subjects[i]
			f := s.Finding
			if s.Installed == "" || s.Source != source && (f == nil || f.Installed != source) {
				continue
			}
			switch {
			case f != nil:
				b.VersionSays = "vulnerable"
			case s.Row != nil:
				b.VersionSays = "not-vulnerable"
			default:
				b.VersionSays = "nothing"
			}
			s.Behaviour = append(s.Behaviour, b)
		}
	}
}

// ofMachine returns the behaviour of packages that the machine has in the same
// version.
func ofMachine(m *wontfix.Machine, list []wontfix.Behaviour) []wontfix.Behaviour {
	here := []wontfix.Behaviour{}
	for _, b := range list {
		if b.Package != "" && slices.ContainsFunc(m.Packages, func(p wontfix.Package) bool { return p.Name == b.Package && p.Version == b.Version }) {
			here = append(here, b)
		}
	}
	slices.SortStableFunc(here, func(a, b wontfix.Behaviour) int {
		return cmp.Or(CompareIDs(a.ID, b.ID), strings.Compare(a.Package, b.Package), strings.Compare(a.Client, b.Client))
	})
	return here
}

// sourceOf returns the source package of a binary one.
func sourceOf(m *wontfix.Machine, name string) string {
	for i := range m.Packages {
		if m.Packages[i].Name == name {
			return m.Packages[i].Source
		}
	}
	return ""
}
