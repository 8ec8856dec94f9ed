package importing

import "strings"

// faultSeparator stands between the fields and between the reasons of a row that has several faults.
const faultSeparator = "; "

// fault is one thing that is wrong with a row. The reason never contains the value of a field.
type fault struct{ field, reason string } // field: "" where it is the whole row

// faults are all things that are wrong with a row, at most one for each field.
type faults []fault

// add adds a fault, unless the field has one already.
func (f *faults) add(field, reason string) {
	for _, there := range *f {
		if there.field == field {
			return
		}
	}
	*f = append(*f, fault{field, reason})
}

// fields returns the fields that are wrong: "email; amount".
func (f faults) fields() string {
	if len(f) == 1 {
		return f[0].field
	}
	fields := make([]string, len(f))
	for i, wrong := range f {
		fields[i] = wrong.field
	}
	return strings.Join(fields, faultSeparator)
}

// reasons returns what is wrong. Where there are several faults, each reason follows its field: "email is empty; amount is
// too large".
func (f faults) reasons() string {
	if len(f) == 1 {
		return f[0].reason
	}
	reasons := make([]string, len(f))
	for i, wrong := range f {
		reasons[i] = strings.TrimSpace(wrong.field + " " + wrong.reason)
	}
	return strings.Join(reasons, faultSeparator)
}
