package leaktest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/leaktest"
)

const customers = 300

// The topics, as docs/contract/asyncapi.yaml names them.
var topics = []string{"dispatch-requests.v1", "dispatch-results.v1", "dispatch-requests.v1.dlq"}

const policyFile = `{
  "name": "leak test", "zone": "UTC", "class": "TRANSACTIONAL",
  "route": [{"channel": "EMAIL", "tries": 2}, {"channel": "SMS", "tries": 1}, {"channel": "PUSH", "tries": 1}],
  "backoff": {"temporary": {"base": "1s", "factor": 1, "max": "1s"}, "throttled": {"base": "1s", "factor": 1, "max": "1s"}},
  "deadline": "1080h", "unknown": {"EMAIL": "hold", "SMS": "hold"}
}`

// bills writes billing data whose every name and destination is like no other text, and rows that are refused for one
// field and hold others.
func bills(t *testing.T, path string) (secrets []string) {
	t.Helper()
	var file strings.Builder
	file.WriteString("customer_number,name,email,phone,push_token,currency,amount,due_date,language\n")
	add := func(n int, email, amount string) {
		name, phone, token := fmt.Sprintf("Zorvath Quillan %04d", n), fmt.Sprintf("+8210%08d", 70310000+n*7), fmt.Sprintf("device:Vq7-%04d/kX9w+Rz", n)
		fmt.Fprintf(&file, "C-%04d,%s,%s,%s,%s,KRW,%s,2026-12-25,%s\n", n, name, email, phone, token, amount, []string{"ko", "en"}[n%2])
		secrets = append(secrets, name, email, phone, token)
	}
	for n := range customers {
		add(n, fmt.Sprintf("quillan.%04d+bill@private.example", n), "12300")
	}
	for n := customers; n < customers+10; n++ { // refused
		add(n, fmt.Sprintf("quillan.%04d@@private.example", n), "12300")
		add(n+100, fmt.Sprintf("quillan.%04d@private.example", n+100), "1,2,3")
	}
	must(t, os.WriteFile(path, []byte(file.String()), 0o600))
	return secrets
}

func TestNothingThatTheProductLeavesBehindShowsACustomer(t *testing.T) {
	w := newWorld(t)
	secrets := bills(t, filepath.Join(t.TempDir(), "bills.csv"))
	searcher, err := leaktest.NewSearcher(secrets)
	must(t, err)
	w.prepare(t, secrets)
	w.deliverEverything(t)
	w.askAbout(t)

	for place, findings := range w.search(t, searcher) {
		t.Errorf("%s shows %d customers' data, such as %q as %s at %d", place, len(findings), findings[0].Secret, findings[0].Form, findings[0].Offset)
	}
	if t.Failed() {
		return
	}
	w.leave(t, secrets)
	found := w.search(t, searcher)
	for _, place := range []string{"said/delivery.log", "data/s3/", "database", "topic dispatch-requests.v1.dlq"} {
		red := false
		for where := range found {
			red = red || strings.HasPrefix(where, place)
		}
		if !red {
			t.Errorf("what was left in %s is not found: %v", place, found)
		}
	}
}

// prepare imports and renders, and confuses one customer's address with another's: it will not authenticate.
func (w *world) prepare(t *testing.T, _ []string) {
	t.Helper()
	private := t.TempDir() // what an operator holds: billing data, refused rows
	file := filepath.Join(private, "bills.csv")
	bills(t, file)
	must(t, os.WriteFile(w.path("policy.json"), []byte(policyFile), 0o600))
	w.run(t, []int{0}, "keyset", "new", "--file", w.path("keyset.json"))
	w.run(t, []int{0}, "batch", "migrate")
	w.run(t, []int{0}, "policy", "draft", "--file", w.path("policy.json"), "--reason", "first")
	w.run(t, []int{0}, "policy", "activate", "--id", "1", "--version", "1", "--reason", "first")
	w.run(t, []int{3}, "batch", "import", "--month", w.month, "--file", file, "--rejects", filepath.Join(private, "rejects.csv"))
	w.run(t, []int{3}, "batch", "import", "--month", w.month, "--file", file, "--rejects", filepath.Join(private, "rejects2.csv"))
	w.run(t, []int{0}, "batch", "render", "--month", w.month, "--allow-sample-sender")
	_, err := w.db.ExecContext(t.Context(), `UPDATE billing_data SET email = (SELECT email FROM billing_data WHERE user_id = 2) WHERE user_id = 1`)
	must(t, err)
}

// deliverEverything runs delivery and dispatch until nothing is left to be done, through every kind of failure.
func (w *world) deliverEverything(t *testing.T) {
	t.Helper()
	delivery := w.start(t, "delivery.log", "delivery")
	const left = `SELECT count(*) FROM billing_targets WHERE dispatch_status IN ('READY', 'REQUESTED', 'FAILED')`
	done := func() bool {
		w.run(t, []int{0}, "dispatcher", "--month", w.month) // as a scheduler would, again and again
		return w.count(left) == 0
	}
	waittest.Wait{Limit: 2 * time.Minute, Every: 100 * time.Millisecond, Explain: func() string {
		said, _ := os.ReadFile(w.path("said/delivery.log"))
		runs, _ := os.ReadFile(w.path("said/dispatcher.log"))
		return w.statuses() + string(said[max(0, len(said)-8000):]) + string(runs)
	}}.Until(t, "nothing is left to be done", done)
	w.metrics(t)
	delivery.stop()
	for what, query := range map[string]string{
		"succeeded":              `SELECT count(*) FROM billing_targets WHERE dispatch_status = 'SUCCEEDED'`,
		"tried again":            `SELECT count(*) FROM billing_targets WHERE attempt > 0`,
		"unknown":                `SELECT count(*) FROM delivery_attempts WHERE state = 'UNKNOWN'`,
		"throttled":              `SELECT count(*) FROM delivery_attempts WHERE state = 'NOT_SENT'`,
		"refused for good":       `SELECT count(*) FROM delivery_attempts WHERE state = 'FAILED' AND failure_class = 'permanent'`,
		"paused for content":     `SELECT count(*) FROM billing_targets WHERE dispatch_status = 'PAUSED'`,
		"rows that were refused": `SELECT count(*) FROM import_rejects`,
	} {
		if n := w.count(query); n <= 0 {
			t.Errorf("the run shows nothing about what is %s (%d)", what, n)
		}
	}
	if _, n := w.records(t, w.prefix+topics[2]); n == 0 {
		t.Error("the run has no dead letter")
	}
}

// askAbout asks what an operator asks.
func (w *world) askAbout(t *testing.T) {
	t.Helper()
	w.run(t, []int{0}, "status")
	for n := range 20 {
		w.run(t, []int{0}, "target", "show", "--month", w.month, "--customer", fmt.Sprintf("C-%04d", n))
	}
	w.run(t, []int{0}, "keyset", "usage", "--file", w.path("keyset.json"))
}

// search looks at everything that was left behind: what each process said, its metrics, the database's rows and files
// (its log and its write-ahead log too), the topics' records and files, and the statements' store.
func (w *world) search(t *testing.T, searcher *leaktest.Searcher) map[string][]leaktest.Finding {
	t.Helper()
	found := map[string][]leaktest.Finding{}
	look := func(place string, content []byte) {
		if len(content) == 0 {
			t.Errorf("there is nothing in %s", place)
		}
		if findings := searcher.In(content); len(findings) > 0 {
			found[place] = findings
		}
	}
	for _, name := range []string{"delivery.log", "dispatcher.log", "batch.log", "target.log", "metrics"} {
		if info, err := os.Stat(w.path("said/" + name)); err != nil || info.Size() == 0 {
			t.Errorf("nothing was said in %s: %v", name, err)
		}
	}
	look("database", w.dump(t))
	for _, topic := range topics {
		content, _ := w.records(t, w.prefix+topic)
		look("topic "+topic, content)
	}
	files, bytesRead := 0, 0
	must(t, filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // PostgreSQL removes files while we look
		}
		content, err := os.ReadFile(path)
		if err != nil || len(content) == 0 {
			return nil //nolint:nilerr // likewise
		}
		relative, _ := filepath.Rel(w.dir, path)
		files, bytesRead = files+1, bytesRead+len(content)
		look(filepath.ToSlash(relative), content)
		return nil
	}))
	t.Logf("searched %d files, %d MiB", files, bytesRead>>20)
	if !strings.Contains(strings.Join(w.tops(t), " "), "s3") || files < 100 {
		t.Errorf("only %d files were searched", files)
	}
	return found
}

// tops lists the components whose files are searched.
func (w *world) tops(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(w.path("data"))
	must(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// leave puts a customer's data in each kind of place, each written in another way.
func (w *world) leave(t *testing.T, secrets []string) {
	t.Helper()
	name, email, phone, token := secrets[0], secrets[1], secrets[2], secrets[3]
	log, err := os.OpenFile(w.path("said/delivery.log"), os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	_, err = fmt.Fprintf(log, `{"level":"warn","detail":"550 no such user %s"}`, url.QueryEscape(email))
	must(t, err)
	must(t, log.Close())
	// An operator who types an address as a reason leaks it into the audit: no software keeps that from happening, and
	// the search must see it.
	w.run(t, []int{0}, "halt", "--reason", "called back "+phone)
	must(t, filepath.WalkDir(w.path("data/s3"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil || len(content) < 1000 {
			return err
		}
		return os.WriteFile(path, append(content, hex.EncodeToString([]byte(token))...), 0o600)
	}))
	producer, err := sarama.NewSyncProducer(w.set.Addresses().KafkaBrokers, func() *sarama.Config {
		c := sarama.NewConfig()
		c.Producer.Return.Successes = true
		c.Producer.Compression = sarama.CompressionLZ4
		return c
	}())
	must(t, err)
	_, _, err = producer.SendMessage(&sarama.ProducerMessage{
		Topic: w.prefix + topics[2], Value: sarama.ByteEncoder(bytes.Repeat([]byte(base64.StdEncoding.EncodeToString([]byte("to: "+name))+"\n"), 20)),
	})
	must(t, err)
	must(t, producer.Close())
}
