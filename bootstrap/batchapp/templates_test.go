package batchapp_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
)

// templates runs the command and returns what it said.
func templates(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	var out bytes.Buffer
	code = cli.Run(t.Context(), batchapp.NewTemplatesCommand(), args, &out, &out)
	return code, out.String()
}

func TestTemplatesAreExportedChangedAndChecked(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "words")
	if code, said := templates(t, "export", dir); code != core.ExitOK || !strings.Contains(said, "18 files written") {
		t.Fatalf("%d: %s", code, said)
	}
	sms := filepath.Join(dir, "ko", "sms.tmpl")
	if err := os.WriteFile(sms, []byte("청구\n{{.Amout}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, said := templates(t, "check", dir); code != core.ExitRefused || !strings.Contains(said, dir) || !strings.Contains(said, "ko/sms.tmpl:2: there is no field .Amout") {
		t.Errorf("%d: %s", code, said)
	}
	if code, said := templates(t, "check", dir+"-none"); code != core.ExitNotFound {
		t.Errorf("what is not there: %d: %s", code, said)
	}
	if code, said := templates(t, "export", dir); code != core.ExitOK || !strings.Contains(said, "0 files written, 18 were there already") {
		t.Errorf("a second time: %d: %s", code, said)
	}
	if kept, err := os.ReadFile(sms); err != nil || string(kept) != "청구\n{{.Amout}}" {
		t.Errorf("what was changed is %q (%v)", kept, err)
	}
}

func TestACheckWarnsOfMailThatGmailCuts(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "words")
	if code, said := templates(t, "export", dir); code != core.ExitOK {
		t.Fatal(said)
	}
	if code, said := templates(t, "check", dir); code != core.ExitOK || strings.Contains(said, "warning") {
		t.Errorf("the shipped ones: %d: %s", code, said)
	}
	layout := "<html>{{range .Items}}<p title=\"" + strings.Repeat("x", 500) + "\">{{.Name}}</p>{{end}}</html>"
	if err := os.WriteFile(filepath.Join(dir, "layout.html.tmpl"), []byte(layout), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, said := templates(t, "check", dir); code != core.ExitOK || !strings.Contains(said, "warning: ko: a bill of 200 items has 1") || !strings.Contains(said, "every template is valid") {
		t.Errorf("%d: %s", code, said)
	}
}

func TestTemplatesThatCannotBeUsedStopTheRenderingBeforeItBegins(t *testing.T) {
	t.Parallel()
	dir, words := t.TempDir(), filepath.Join(t.TempDir(), "words")
	if code, said := templates(t, "export", words); code != core.ExitOK {
		t.Fatal(said)
	}
	for want, args := range map[string][]string{
		"balsong templates export " + filepath.Join(dir, "none"): {"--templates", filepath.Join(dir, "none")},
		"sender-identity.json: is missing":                       {"--templates", dir},
		"is neither TRANSACTIONAL nor ADVERTISING":               {"--class", "SPAM"},
		"opt_out is missing":                                     {"--class", "ADVERTISING", "--templates", words},
		"--allow-templates needs --reason":                       {"--allow-templates"},
	} {
		var out bytes.Buffer
		code := cli.Run(t.Context(), batchapp.NewCommand(), append([]string{"render", "--month", "2026-11"}, args...), &out, &out)
		if code != core.ExitUsage || !strings.Contains(out.String(), want) {
			t.Errorf("%v: %d: %s", args, code, out.String())
		}
	}
}

func TestWhatTemplatesMayUseIsListed(t *testing.T) {
	t.Parallel()
	if code, said := templates(t, "fields"); code != core.ExitOK || !strings.Contains(said, ".Items[].Amount") {
		t.Errorf("%d: %s", code, said)
	}
	if code, said := templates(t, "exprot", "x"); code != core.ExitUsage || !strings.Contains(said, "did you mean export?") {
		t.Errorf("%d: %s", code, said)
	}
}

func TestTheCheckKnowsWhichFieldsAMappingMakes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "words")
	if code, said := templates(t, "export", dir); code != core.ExitOK {
		t.Fatal(said)
	}
	m := filepath.Join(dir, "m.yaml")
	for path, content := range map[string]string{
		filepath.Join(dir, "ko", "sms.tmpl"): "청구 {{.Amount}}\n{{.Fields.kwh}} {{.Fields.kvh}}",
		m:                                    "version: 1\nconstants: {currency: KRW, due_date: 2026-11-25}\ncolumns:\n- {from: a, to: customer_number}\n- {from: b, to: amount}\n- {from: c, to: fields.kwh}\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, said := templates(t, "check", dir); code != core.ExitOK || !strings.Contains(said, "they show .Fields.kwh (ko/sms.tmpl:2), .Fields.kvh (ko/sms.tmpl:2) of the billing data") {
		t.Errorf("without a mapping any field may be there, and is named: %d: %s", code, said)
	}
	if code, said := templates(t, "check", "--mapping", m, dir); code != core.ExitRefused || !strings.Contains(said, "ko/sms.tmpl:2: the mapping makes no field .Fields.kvh (there are .kwh)") {
		t.Errorf("%d: %s", code, said)
	}
}
