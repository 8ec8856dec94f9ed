package batchapp

import (
	"fmt"

	"github.com/balsong/balsong/bootstrap/doctor"
)

// TemplatesFinding is what doctor says of the templates that `batch render` uses for a month that has none of its own.
func TemplatesFinding() doctor.Finding {
	f := doctor.Finding{Component: "templates", Checked: "BALSONG_TEMPLATES"}
	templates, err := OpenTemplates("")
	if err != nil {
		f.Level, f.Found, f.Do = doctor.Problem, err.Error(), "correct them (`balsong templates check`): nothing is rendered before"
		return f
	}
	f.Level, f.Found = doctor.OK, templates.Set().String()
	if sender, language := templates.SampleSender(); sender != "" {
		f.Level, f.Found = doctor.Advice, fmt.Sprintf("%s show the sample's sender, %q (%s.sender): `batch render` refuses them for a month that has no others", f.Found, sender, language)
		f.Do = "`balsong templates export DIR`, say in sender-identity.json who bills, and set BALSONG_TEMPLATES=DIR where bills are rendered"
	}
	return f
}
