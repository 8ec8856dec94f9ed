package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// removed says, for each variable that earlier versions read, what to do instead. Such a variable is refused, never ignored:
// whoever set it expects something of it.
var removed = map[string]string{
	"BALSONG_METRICS_EMF":    "BALSONG_EMF_INSTALLATION, the installation's name, has its place: set that to write metrics for CloudWatch",
	"BALSONG_SETTLE_OVERLAP": "nothing replaces it, since a sweep finds by itself where the last one ended: remove it",
}

// CheckRemoved names every variable of an environment that is not read any more, with what to do. Load does so for every
// command.
func CheckRemoved(values map[string]string) error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(removed)) {
		if cmp.Or(values[name], values[name+fileSuffix]) != "" {
			problems = append(problems, fmt.Errorf("%w: %s is not a setting any more: %s", ErrInvalid, name, removed[name]))
		}
	}
	return errors.Join(problems...)
}
