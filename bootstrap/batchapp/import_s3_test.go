package batchapp_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/adapters/s3"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

const someBills = `customer_number,email,phone,currency,amount,due_date
C-1,kim@example.com,,KRW,12300,2026-11-25
C-2,lee@example.com,02-123-4567,KRW,-300,2026-11-25
C-3,park@example.com,,KRW,x,2026-11-25
`

// batch runs a command with what it reads from its standard input.
func batch(t *testing.T, stdin string, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	root := batchapp.NewCommand()
	root.SetIn(strings.NewReader(stdin))
	if code := cli.Run(t.Context(), root, args, &out, &errs); code != want {
		t.Fatalf("%v: exit code %d, want %d:\n%s%s", args, code, want, &out, &errs)
	}
	return out.String(), errs.String()
}

func says(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not say %q:\n%s", what, part, text)
		}
	}
}

// A file is an object, its refused rows and remarks become objects beside it; the standard input is read twice too; and what
// was wrong is taken back.
func TestAnImportReadsAndWritesObjectsAndTheStandardInputAndIsTakenBack(t *testing.T) {
	c := config.S3{
		Bucket: "test-" + strings.ToLower(rand.Text()), S3Access: config.S3Access{
			Region: os.Getenv("BALSONG_TEST_S3_REGION"), Endpoint: os.Getenv("BALSONG_TEST_S3_ENDPOINT"),
			AccessKey: os.Getenv("BALSONG_TEST_S3_ACCESS_KEY"), SecretKey: os.Getenv("BALSONG_TEST_S3_SECRET_KEY"),
		},
	}
	if c.Endpoint == "" {
		t.Fatal("this test needs the components: run through `make test`")
	}
	environment(t, map[string]string{
		"DATABASE_URL": postgrestest.URL(t), "BALSONG_S3_BUCKET": c.Bucket, "BALSONG_S3_REGION": c.Region, "BALSONG_S3_ENDPOINT": c.Endpoint,
		"BALSONG_S3_ACCESS_KEY": c.AccessKey, "BALSONG_S3_SECRET_KEY": c.SecretKey,
	})
	packs, err := s3.New(t.Context(), core.S3Config(c), &memory.Metrics{})
	if err == nil {
		err = packs.EnsureBucket(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	objects, err := s3.NewObjects(t.Context(), core.S3Config(c))
	if err != nil {
		t.Fatal(err)
	}
	put := func(key, text string) {
		t.Helper()
		if err := objects.Create(t.Context(), c.Bucket, key, strings.NewReader(text), int64(len(text))); err != nil {
			t.Fatal(err)
		}
	}
	get := func(key string) string {
		t.Helper()
		object, err := objects.Open(t.Context(), c.Bucket, key)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(object)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	put("in/bills.csv", someBills)
	put("in/rejects.csv", "of an earlier import")
	url := "s3://" + c.Bucket + "/in/bills.csv"
	stdout, _ := batch(t, "", core.ExitOK, "import", "--look", url)
	says(t, "the look", stdout, "it needs no mapping", "3 rows, 2 of them make bills")
	_, stderr := batch(t, "", core.ExitRefused, "import", "--month", "2026-11", "--file", url, "--expect-rows", "4", "--expect-total", "KRW=12,001")
	says(t, "the refusal", stderr, "4 rows were expected, and it has 3", "a total of KRW 12,001 was expected, and it has 12,000")
	stdout, stderr = batch(t, "", core.ExitRejected, "import", "--month", "2026-11", "--file", url, "--expect-rows", "3", "--expect-total", "KRW=12,000")
	says(t, "the answer", stdout, "3 rows: 2 new", "1 rejected", "KRW: the file has 12,000 in 2 rows; of them the month has 12,000 in 2")
	says(t, "stderr", stderr, "/in/rejects-2.csv has it", "remarks: 2 (credit_note 1, no_mobile_number 1)", "/in/remarks.csv has the remarks")
	says(t, "the refused rows", get("in/rejects-2.csv"), "bills.csv,4,amount,is not a decimal number", "C-3,park@example.com")
	says(t, "the remarks", get("in/remarks.csv"), "bills.csv,3,C-2,phone,no_mobile_number", "credit_note")
	if got := get("in/rejects.csv"); got != "of an earlier import" {
		t.Errorf("the earlier file is %q", got)
	}

	put("in/korean.csv", "번호,이메일,청구금액,납기일,관할\nC-8,choi@example.com,\"4,500원\",2026.11.25,Seoul\n")
	put("in/names.txt", "customer_number: 번호\nfields.office: 관할\n")
	mapped := "s3://" + c.Bucket + "/in/korean.mapping.yaml"
	stdout, _ = batch(t, "", core.ExitOK, "import", "--look", "--set", "currency=KRW", "--names", "s3://"+c.Bucket+"/in/names.txt", "--mapping", mapped, "s3://"+c.Bucket+"/in/korean.csv")
	says(t, "the look", stdout, "the mapping is in "+mapped)
	says(t, "the mapping", get("in/korean.mapping.yaml"), "번호", "fields.office")
	stdout, _ = batch(t, "", core.ExitOK, "import", "--month", "2026-11", "--mapping", mapped, "s3://"+c.Bucket+"/in/korean.csv")
	says(t, "the answer", stdout, "1 row: 1 new")
	stdout, _ = batch(t, "", core.ExitOK, "mappings", "--month", "2026-11")
	says(t, "the mappings", stdout, "korean.mapping.yaml (")
	_, stderr = batch(t, "", core.ExitUsage, "import", "--month", "2026-11", "--mapping", "s3://"+c.Bucket+"/in/none.yaml", url)
	says(t, "the refusal", stderr, "--mapping: s3://", "no such object")

	rejects := filepath.Join(t.TempDir(), "rejects.csv")
	stdout, _ = batch(t, strings.Replace(someBills, "C-1", "C-4", 1), core.ExitRejected, "import", "--month", "2026-11", "--rejects", rejects, "--remarks", rejects+".remarks", "-")
	says(t, "the answer", stdout, "3 rows: 1 new, 1 known already")
	if text, err := os.ReadFile(rejects); err != nil || !strings.Contains(string(text), "stdin,4,amount") {
		t.Errorf("%s, %v", text, err)
	}

	changed := "customer_number,currency,amount,due_date\nC-1,KRW,12301,2026-11-25\n"
	_, stderr = batch(t, changed, core.ExitRejected, "import", "--month", "2026-11", "--label", "second-file", "--rejects", rejects, "-")
	says(t, "stderr", stderr, "in conflict: 1 row with what the month has", filepath.Join(filepath.Dir(rejects), "rejects-2.csv")+" has each reason")
	if info, err := os.Stat(rejects); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read %v, %v", info, err)
	}

	_, stderr = batch(t, strings.Replace(someBills, "C-1", "C-5", 1), core.ExitNotFound, "import", "--month", "2026-11", "--rejects", "s3://none-"+c.Bucket+"/rejects.csv", "--remarks", rejects+".more", "-")
	says(t, "stderr", stderr, "the store has no such bucket", "/rejects.csv could not be written: import the file again")

	_, stderr = batch(t, strings.Replace(someBills, "C-1", "C-6", 1), core.ExitNotFound, "import", "--month", "2026-11", "--rejects", rejects, "--remarks", "s3://none-"+c.Bucket+"/remarks.csv", "-")
	says(t, "stderr", stderr, "the store has no such bucket")

	stdout, _ = batch(t, "", core.ExitOK, "import", "list", "--month", "2026-11")
	says(t, "the list", stdout, "bills.csv", "stdin", "second-file")
	stdout, _ = batch(t, "", core.ExitOK, "import", "undo", "--month", "2026-11", "--import", "1", "--reason", "a test")
	says(t, "the answer", stdout, "import 1 of 2026-11 (bills.csv) is taken back: 2 bills were removed")
	stdout, _ = batch(t, "", core.ExitOK, "import", "list", "--month", "2026-11", "--output", "json")
	says(t, "the list", stdout, `"undone": 2`, `"undone_at"`)
	stdout, _ = batch(t, "", core.ExitOK, "import", "list", "--month", "2026-11")
	says(t, "the list", stdout, "taken back (2 bills)")
	batch(t, "", core.ExitNotFound, "import", "undo", "--month", "2026-11", "--import", "9", "--reason", "a test")
	batch(t, "", core.ExitNotFound, "import", "--month", "2026-11", "--file", "s3://"+c.Bucket+"/in/none.csv")
}
