package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
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
		list = append(list, Unknown{Name: name, Likely: Nearest(name, known)})
	}
	return list
}

// allVariables are the names that some command reads.
func allVariables() (names []string) {
	for _, v := range slices.Concat(Variables[Deliverer](), Variables[Dispatcher](), Variables[Words](), Variables[Kept](), Variables[Runs]()) {
		names = append(names, v.Name)
		if v.Secret {
			names = append(names, v.Name+fileSuffix)
		}
	}
	return names
}

// Nearest returns the known name that differs least; "" where none differs in three letters or fewer of one place.
func Nearest(name string, known []string) (likely string) {
	best := 4
	for _, candidate := range known {
		if d := differing(name, candidate); d < best {
			best, likely = d, candidate
		}
	}
	return likely
}

// differing is how many letters lie between what two texts begin and end with in common, in the longer one.
func differing(a, b string) int {
	shorter := min(len(a), len(b))
	head, tail := 0, 0
	for head < shorter && a[head] == b[head] {
		head++
	}
	for head+tail < shorter && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return max(len(a), len(b)) - head - tail
}
