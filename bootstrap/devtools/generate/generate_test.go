package generate_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/bootstrap/devtools/generate"
	"github.com/balsong/balsong/domain/key"
)

func month(t *testing.T, text string) key.Month {
	t.Helper()
	m, err := key.ParseMonth(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// small is a world of 5,000 customers in two files.
func small(t *testing.T) generate.Options {
	t.Helper()
	return generate.Options{
		Dir: t.TempDir(), Seed: 7, Since: month(t, "2026-01"), Month: month(t, "2026-01"), Months: 1, Rows: 5000, Files: 2,
		Compress: generate.None, Wishes: generate.Wishes{Quiet: 20, SendDay: 30}, Sample: demodata.Telco(),
	}
}

func run(t *testing.T, o generate.Options) generate.Summary {
	t.Helper()
	o.Sample = demodata.Telco()
	summary, err := generate.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

func read(t *testing.T, o generate.Options, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(o.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// rows reads the files of a month as one list of rows by column.
func rows(t *testing.T, o generate.Options, m key.Month) []map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(o.Dir, "bills-"+m.String()+"-*.csv"))
	if err != nil || len(files) != o.Files {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var list []map[string]string
	for _, file := range files {
		records, err := csv.NewReader(strings.NewReader(read(t, o, filepath.Base(file)))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records[1:] {
			row := map[string]string{}
			for i, column := range records[0] {
				row[column] = record[i]
			}
			list = append(list, row)
		}
	}
	return list
}

// The checksums are of the bytes that the rules give: who changes a rule raises the number of the rules.
func TestTheSameSeedGivesTheSameBytesOnEveryMachine(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 3} {
		o := small(t)
		o.Workers, o.Months = workers, 2
		run(t, o)
		const want = `23cf57e9428a0d7fb22aa6f37ff78532bfd2064bdd4a29d6840497024d95af9a  bills-2026-01-001.csv
6247a464a472751fbb9aaa7ad63041102c787c10bdf2e0aa713daec89ce11957  bills-2026-01-002.csv
ab6b3754ae33719df0c650df790fead1c44cabfd9cd79fcf3c229a2146d7d25d  bills-2026-02-001.csv
80303a6e9e2318575618943f7534a9b5e8f00386f304aef35c4a47e47ad110a8  bills-2026-02-002.csv
`
		if got := read(t, o, "SHA256SUMS"); got != want {
			t.Errorf("with %d workers:\n%s", workers, got)
		}
	}
}

func TestAnotherSeedGivesOtherCustomers(t *testing.T) {
	t.Parallel()
	one, other := small(t), small(t)
	other.Seed++
	run(t, one)
	run(t, other)
	if read(t, one, "bills-2026-01-001.csv") == read(t, other, "bills-2026-01-001.csv") {
		t.Fatal("two seeds, the same bytes")
	}
}

func TestTheFirstRowsAreTheSameHoweverManyFollow(t *testing.T) {
	t.Parallel()
	few, many := small(t), small(t)
	few.Rows, few.Files, many.Files = 1000, 1, 1
	run(t, few)
	run(t, many)
	if !strings.HasPrefix(read(t, many, "bills-2026-01-001.csv"), read(t, few, "bills-2026-01-001.csv")) {
		t.Fatal("1,000 rows are no beginning of 5,000 rows")
	}
}

func TestCompressedFilesHoldTheSameRows(t *testing.T) {
	t.Parallel()
	plain := small(t)
	run(t, plain)
	want := read(t, plain, "bills-2026-01-001.csv") + read(t, plain, "bills-2026-01-002.csv")
	for compress, ending := range map[string]string{generate.Gzip: ".csv.gz", generate.Zstd: ".csv.zst"} {
		o := small(t)
		o.Compress = compress
		run(t, o)
		var got strings.Builder
		for _, n := range []string{"001", "002"} {
			content := strings.NewReader(read(t, o, "bills-2026-01-"+n+ending))
			var reader io.Reader
			var err error
			if compress == generate.Gzip {
				reader, err = gzip.NewReader(content)
			} else {
				reader, err = zstd.NewReader(content)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(&got, reader); err != nil {
				t.Fatal(err)
			}
		}
		if got.String() != want {
			t.Errorf("%s unpacks to something else", compress)
		}
	}
}

func TestEveryRowIsImportedAsItIs(t *testing.T) {
	t.Parallel()
	o := small(t)
	o.Months = 3
	o.Wishes = generate.Wishes{Quiet: 100, SendDay: 100}
	run(t, o)
	clock, log := memory.NewClock(time.Date(2026, 1, 22, 10, 0, 0, 0, time.UTC)), &memory.Log{}
	store, cipher, watch := memory.NewStore(clock), memory.NewCipher(), outage.New(clock, log)
	importer := importing.New(importing.Ports{
		Months: store.Months(), Imports: store.Imports(), Past: store.PastImports(), Corrections: store.Corrections(), Cipher: cipher, Clock: clock, Watch: watch,
	})
	for _, name := range []string{"2026-01-001", "2026-01-002", "2026-02-001", "2026-03-002"} {
		var rejects bytes.Buffer
		source := importing.NewSource(importing.File{Name: name}, strings.NewReader(read(t, o, "bills-"+name+".csv")))
		summary, err := importer.Import(t.Context(), source, importing.Options{
			Rules: importing.Rules{Month: month(t, name[:7]), NotBefore: clock.Now(), Zone: time.UTC}, Rejects: &rejects,
		})
		if err != nil || summary != (importing.Summary{Rows: 2500, Inserted: 2500}) {
			t.Fatalf("%s: %+v, %v\n%.500s", name, summary, err, rejects.String())
		}
	}
}

func TestNobodyOwnsTheAddressesAndNumbers(t *testing.T) {
	t.Parallel()
	o := small(t)
	run(t, o)
	email := regexp.MustCompile(`^[a-z]+\.[a-z]+[0-9]+(-[0-9]+)?@(example\.com|example\.net|example\.org|mail\.example|post\.example)$`)
	phone := regexp.MustCompile(`^(010-0000-[0-9]{4}|\+1[2-9][0-9]{2}55501[0-9]{2}|\+447700900[0-9]{3})$`)
	token := regexp.MustCompile(`^demo-[0-9A-Za-z]{20}$`)
	seen := map[string]bool{}
	for _, row := range rows(t, o, o.Month) {
		for column, form := range map[string]*regexp.Regexp{"email": email, "phone": phone, "push_token": token} {
			if row[column] != "" && !form.MatchString(row[column]) {
				t.Fatalf("%s %q", column, row[column])
			}
		}
		if row["email"]+row["phone"]+row["push_token"] == "" {
			t.Fatalf("%s cannot be reached", row["customer_number"])
		}
		for _, unique := range []string{row["customer_number"], row["email"], row["push_token"]} {
			if unique != "" && seen[unique] {
				t.Fatalf("%s twice", unique)
			}
			seen[unique] = true
		}
	}
}

func TestOneMonthFollowsTheOther(t *testing.T) {
	t.Parallel()
	o := small(t)
	o.Months = 12
	run(t, o)
	number := func(row map[string]string, column string) int64 {
		if row[column] == "" {
			return 0
		}
		n, err := bill.ParseAmount(row[column], row["currency"])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	stayed, left, changed := 0, 0, 0
	before := rows(t, o, o.Month)
	for m := o.Month + 1; m < o.Month+12; m++ {
		now := rows(t, o, m)
		for slot, row := range now {
			was := before[slot]
			if row["customer_number"] != was["customer_number"] {
				left++
				if row["billed_before"] != "" {
					t.Fatalf("%s arrived in %s and was billed before", row["customer_number"], m)
				}
				continue
			}
			stayed++
			for _, column := range []string{"name", "email", "phone", "language", "currency", "quiet_from", "quiet_to", "zone", "send_day"} {
				if row[column] != was[column] && (column != "email" && column != "phone" || row["channel_wish"] == was["channel_wish"] && row["items"] == was["items"]) {
					t.Fatalf("the %s of %s became another in %s", column, row["customer_number"], m)
				}
			}
			if number(row, "billed_before") != number(was, "billed_before")+number(was, "amount") {
				t.Fatalf("what %s was billed before %s does not add up", row["customer_number"], m)
			}
			if row["items"] != was["items"] {
				changed++
			}
		}
		before = now
	}
	t.Logf("a month: %.2f %% left, %.2f %% of the others changed their plan", 100*float64(left)/float64(left+stayed), 100*float64(changed)/float64(stayed))
	if left*1000/(left+stayed) < 5 || left*1000/(left+stayed) > 20 || changed*1000/stayed < 7 || changed*1000/stayed > 12 {
		t.Errorf("%d stayed, %d left, %d changed their plan", stayed, left, changed)
	}
}

func TestARunThatWasEndedGoesOnAndEndsTheSame(t *testing.T) {
	t.Parallel()
	whole, broken := small(t), small(t)
	run(t, whole)
	ctx, end := context.WithCancel(t.Context())
	broken.Progress = func(p generate.Progress) {
		if p.Rows > 2500 {
			end()
		}
	}
	if _, err := generate.Run(ctx, broken); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	// As a process leaves it that was killed in the middle of a file.
	if err := os.WriteFile(filepath.Join(broken.Dir, "bills-2026-01-002.csv.part"), []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken.Progress = nil
	if again := run(t, broken); again.Found != 1 || again.Files != 1 || again.Rows != 2500 {
		t.Fatalf("%+v", again)
	}
	if read(t, broken, "SHA256SUMS") != read(t, whole, "SHA256SUMS") || read(t, broken, "bills-2026-01-002.csv") != read(t, whole, "bills-2026-01-002.csv") {
		t.Fatal("other bytes than in one go")
	}
	if again := run(t, broken); again.Found != 2 || again.Files != 0 {
		t.Fatalf("a third run: %+v", again)
	}
	if left, err := filepath.Glob(filepath.Join(broken.Dir, "*.part")); err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
}

func TestAFileThatWasCutIsWrittenAnew(t *testing.T) {
	t.Parallel()
	o := small(t)
	run(t, o)
	want := read(t, o, "bills-2026-01-001.csv")
	if err := os.Truncate(filepath.Join(o.Dir, "bills-2026-01-001.csv"), 1000); err != nil {
		t.Fatal(err)
	}
	if again := run(t, o); again.Files != 1 || read(t, o, "bills-2026-01-001.csv") != want {
		t.Fatalf("%+v", again)
	}
}

func TestWhatCannotBeGeneratedIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*generate.Options){
		"no rows":              func(o *generate.Options) { o.Rows = 0 },
		"too many rows":        func(o *generate.Options) { o.Rows = generate.MaxRows + 1 },
		"more files than rows": func(o *generate.Options) { o.Rows, o.Files = 2, 3 },
		"before the world":     func(o *generate.Options) { o.Month-- },
		"behind the world":     func(o *generate.Options) { o.Month += generate.MaxMonths },
		"beyond the world":     func(o *generate.Options) { o.Months = generate.MaxMonths + 1 },
		"unknown compression":  func(o *generate.Options) { o.Compress = "lzma" },
		"a share over 100":     func(o *generate.Options) { o.Wishes.Quiet = 101 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := small(t)
			change(&o)
			if _, err := generate.Run(t.Context(), o); !errors.Is(err, generate.ErrOptions) {
				t.Fatal(err)
			}
			if entries, err := os.ReadDir(o.Dir); err != nil || len(entries) > 0 {
				t.Fatal(entries, err)
			}
		})
	}
}

func TestADirectoryWithOtherDataIsLeftAlone(t *testing.T) {
	t.Parallel()
	o := small(t)
	run(t, o)
	o.Seed++
	o.Sample = demodata.Telco()
	if _, err := generate.Run(t.Context(), o); !errors.Is(err, generate.ErrOptions) || !strings.Contains(err.Error(), "seed 7") {
		t.Fatal(err)
	}
	foreign := small(t)
	if err := os.WriteFile(filepath.Join(foreign.Dir, "bills-2026-01-002.csv"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := generate.Run(t.Context(), foreign); !errors.Is(err, generate.ErrOptions) || read(t, foreign, "bills-2026-01-002.csv") != "mine" {
		t.Fatal(err)
	}
}
