package images

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// sbomVersion is what the usual scanners read.
const sbomVersion = cdx.SpecVersion1_6

// product is what an SBOM is about.
type product struct {
	name   string
	labels map[string]string // of the image
	info   *debug.BuildInfo
	binary []byte
}

// sbom is the CycloneDX document of a binary: every module that is linked, the standard library and the root certificates. It
// has neither a serial number nor the time of writing, so that the same binary has the same document.
func (p product) sbom(licenses map[string]license) ([]byte, error) {
	version := p.labels[labelVersion]
	hash := sha256.Sum256(p.binary)
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{
		Timestamp: p.labels[labelCreated],
		Component: &cdx.Component{
			BOMRef: p.info.Path, Type: cdx.ComponentTypeApplication, Name: p.name, Version: version,
			PackageURL: packageURL(p.info.Path, version), Licenses: licenseChoices(licenses[project]),
			Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(hash[:])}},
		},
	}
	roots := licenses[certificateModule]
	components := []cdx.Component{
		component(cdx.ComponentTypeLibrary, standard, goVersion(p.info), licenses[standard]),
		component(cdx.ComponentTypeData, certificateModule, roots.version, roots),
	}
	for _, m := range linked(p.info) {
		l, moduleVersion := licenses[m.Path], m.Version
		if ours(m.Path) {
			l, moduleVersion = licenses[project], version
		}
		components = append(components, component(cdx.ComponentTypeLibrary, m.Path, moduleVersion, l))
	}
	slices.SortFunc(components, func(a, b cdx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	bom.Components = &components
	var out bytes.Buffer
	err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, sbomVersion)
	return out.Bytes(), err
}

// goVersion is the version of the standard library as databases of vulnerabilities have it.
func goVersion(info *debug.BuildInfo) string { return strings.TrimPrefix(info.GoVersion, "go") }

func component(kind cdx.ComponentType, name, version string, l license) cdx.Component {
	return cdx.Component{
		BOMRef: name + "@" + version, Type: kind, Name: name, Version: version,
		PackageURL: packageURL(name, version), Licenses: licenseChoices(l),
	}
}

// packageURL names a Go module or package as vulnerability databases do.
func packageURL(name, version string) string {
	return "pkg:golang/" + name + "@" + strings.ReplaceAll(version, "+", "%2B")
}

func licenseChoices(l license) *cdx.Licenses {
	choices := cdx.Licenses{}
	for _, id := range l.ids {
		choices = append(choices, cdx.LicenseChoice{License: &cdx.License{ID: id}})
	}
	return &choices
}

// ErrIncomplete is wrapped where an SBOM or the licences lack a module of the binary.
var ErrIncomplete = errors.New("incomplete")

// checkDocuments reads an SBOM and the names of an image's files as anybody would, and compares them with the binary.
func checkDocuments(sbom []byte, files []string, info *debug.BuildInfo) error {
	bom := cdx.BOM{}
	if err := cdx.NewBOMDecoder(bytes.NewReader(sbom), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		return err
	}
	if bom.Components == nil {
		return fmt.Errorf("%w: the SBOM has no components", ErrIncomplete)
	}
	listed := map[string]cdx.Component{}
	for _, c := range *bom.Components {
		listed[c.Name] = c
	}
	for _, m := range append(linked(info), debug.Module{Path: standard, Version: goVersion(info)}) {
		c, ok := listed[m.Path]
		if !ok || c.Licenses == nil || len(*c.Licenses) == 0 {
			return fmt.Errorf("%w: %s is in the binary, and not with its licence in the SBOM", ErrIncomplete, m.Path)
		}
		if !ours(m.Path) && c.Version != m.Version {
			return fmt.Errorf("%w: %s %s is in the binary, and %s in the SBOM", ErrIncomplete, m.Path, m.Version, c.Version)
		}
		dir := licenseDir(m.Path, m.Version) + "/"
		if !slices.ContainsFunc(files, func(name string) bool { return strings.HasPrefix(name, dir) }) {
			return fmt.Errorf("%w: %s is in the binary, and its licence is not in the image", ErrIncomplete, m.Path)
		}
	}
	return nil
}
