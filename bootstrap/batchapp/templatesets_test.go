package batchapp_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// What a month keeps is listed, and written to a directory whose templates are the same set.
func TestTheTemplatesOfAMonthAreListedAndWrittenOutAgain(t *testing.T) {
	url := postgrestest.URL(t)
	environment(t, map[string]string{"DATABASE_URL": url})
	db := postgrestest.OpenURL(t, url)
	november := key.Month(2026*12 + 10)
	for i, sender := range []string{"한강텔레콤", "강남텔레콤"} {
		set := rendering.ShippedTemplates().WithSender(sender).Named("words").Set()
		set.Number, set.AddedAt = int16(i+1), time.Date(2026, 11, 20+i, 9, 0, 0, 0, time.UTC)
		if added, err := postgres.NewTemplateSets(db).Add(t.Context(), november, set); err != nil || !added {
			t.Fatal(added, err)
		}
	}
	mapping := port.MonthMapping{Fingerprint: [32]byte{1}, Name: "november.yaml", Text: "version: 1\n", AddedAt: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	if err := postgres.NewMappings(db).Add(t.Context(), november, mapping); err != nil {
		t.Fatal(err)
	}
	stdout, _ := batch(t, "", core.ExitOK, "mappings", "--month", "2026-11")
	says(t, "the mappings", stdout, "first used 2026-11-20 09:00:00 UTC")
	stdout, _ = batch(t, "", core.ExitOK, "templates", "list", "--month", "2026-11")
	says(t, "the list", stdout, "1       words", "2       words", "2026-11-20 09:00:00 UTC")
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	spec := policy.Spec{Name: "monthly", Zone: newYork, Route: policy.Route{{Channel: channel.Email, Tries: 2}}}
	version, err := postgres.NewPolicies(db).Draft(t.Context(), spec, port.Act{Actor: "kim", Reason: "first"})
	if err != nil {
		t.Fatal(err)
	}
	if err := postgres.NewPolicies(db).Activate(t.Context(), version.Ref(), port.Act{Actor: "kim", Reason: "first"}); err != nil {
		t.Fatal(err)
	}
	stdout, _ = batch(t, "", core.ExitOK, "templates", "list", "--month", "2026-11")
	says(t, "the list", stdout, "2026-11-20 04:00:00 EST")
	stdout, _ = batch(t, "", core.ExitOK, "mappings", "--month", "2026-11")
	says(t, "the mappings", stdout, "first used 2026-11-20 04:00:00 EST")
	stdout, _ = batch(t, "", core.ExitOK, "templates", "list", "--month", "2026-11", "--output", "json")
	if says(t, "the list", stdout, `"number": 2`, `"ko/sms.tmpl"`); strings.Contains(stdout, "강남텔레콤") {
		t.Errorf("the texts of the files are in the list:\n%s", stdout)
	}
	batch(t, "", core.ExitNotFound, "templates", "list", "--month", "2026-10")
	for number, sender := range map[string]string{"0": "강남텔레콤", "1": "한강텔레콤"} {
		dir := filepath.Join(t.TempDir(), "kept")
		stdout, _ = batch(t, "", core.ExitOK, "templates", "export", dir, "--month", "2026-11", "--number", number)
		says(t, "the answer", stdout, "words (", "of 2026-11, 18 files")
		written, err := batchapp.OpenTemplates(dir)
		if err != nil || written.Set().Fingerprint != rendering.ShippedTemplates().WithSender(sender).Set().Fingerprint {
			t.Errorf("number %s is another set: %v", number, err)
		}
		batch(t, "", core.ExitOK, "templates", "export", dir, "--month", "2026-11", "--number", number)
		if err := os.WriteFile(filepath.Join(dir, "ko", "sms.tmpl"), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, stderr := batch(t, "", core.ExitRefused, "templates", "export", dir, "--month", "2026-11", "--number", number)
		says(t, "the refusal", stderr, filepath.Join("ko", "sms.tmpl")+" is there and says something else")
	}
	_, stderr := batch(t, "", core.ExitNotFound, "templates", "export", filepath.Join(t.TempDir(), "kept"), "--month", "2026-11", "--number", "3")
	says(t, "the refusal", stderr, "2026-11 keeps 2 template sets, and none has the number 3")
}

func TestDoctorNamesTheSamplesSenderAndWhatIsWrongWithTemplates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "words")
	environment(t, nil)
	if f := batchapp.TemplatesFinding(); f.Level != doctor.Advice || !strings.Contains(f.Found, `the sample's sender, "Balsong"`) {
		t.Errorf("%+v", f)
	}
	environment(t, map[string]string{"BALSONG_TEMPLATES": dir})
	if f := batchapp.TemplatesFinding(); f.Level != doctor.Problem || !strings.Contains(f.Found, dir) {
		t.Errorf("%+v", f)
	}
	templates(t, "export", dir)
	if err := os.WriteFile(filepath.Join(dir, "sender-identity.json"), []byte(`{"ko": {"sender": "한강텔레콤"}, "en": {"sender": "Hangang Telecom"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if f := batchapp.TemplatesFinding(); f.Level != doctor.OK || !strings.Contains(f.Found, "words (") {
		t.Errorf("%+v", f)
	}
}

func TestTheCheckNamesTheSamplesSender(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "words")
	templates(t, "export", dir)
	if code, said := templates(t, "check", dir); code != core.ExitOK || !strings.Contains(said, `the sender "Balsong" is the sample's`) {
		t.Errorf("%d: %s", code, said)
	}
	if err := os.WriteFile(filepath.Join(dir, "sender-identity.json"), []byte(`{"ko": {"sender": "한강텔레콤"}, "en": {"sender": "Hangang Telecom"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, said := templates(t, "check", dir); code != core.ExitOK || strings.Contains(said, "sample") {
		t.Errorf("%d: %s", code, said)
	}
}
