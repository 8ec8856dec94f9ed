package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/balsong/balsong/domain/wording"
)

// Unknown is a variable that looks like one of ours and that nothing reads.
type Unknown struct {
	Name   string
	Likely string // the variable that was probably meant; "" where none is near
}

// ofOthers are variables of that form that are not meant for us: what tests and tools of development read, and what Kubernetes sets in each container for
// a Service of that name.
var ofOthers = regexp.MustCompile(`^BALSONG_(TEST_|CACHE_DIR$)|_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$`)

// FindUnknown lists the variables of an environment that begin with BALSONG_ and that no command reads. They are not refused: a
// version before the one that reads them must run with them.
func FindUnknown(values map[string]string) (list []Unknown) {
	known := allVariables()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		_, gone := removed[strings.TrimSuffix(name, fileSuffix)]
		if !strings.HasPrefix(name, "BALSONG_") || gone || slices.Contains(known, name) || ofOthers.MatchString(name) {
			continue
		}
		list = append(list, Unknown{Name: name, Likely: wording.Nearest(name, known)})
	}
	return list
}

// allVariables are the names that some command reads.
func allVariables() (names []string) {
	for _, v := range Variables[Everything]() {
		names = append(names, v.Name)
		if v.Secret {
			names = append(names, v.Name+fileSuffix)
		}
	}
	return names
}
