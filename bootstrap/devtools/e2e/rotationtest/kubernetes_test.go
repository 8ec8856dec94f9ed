package rotationtest

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedkafka"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedpg"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embeds3"
)

// The guide to Kubernetes has statements too: the user that they make migrates, and imports, which makes the month's partitions.
func TestTheUserOfTheGuideToKubernetesMayMigrateAndImport(t *testing.T) {
	t.Parallel()
	server, err := embedpg.Start(t.Context(), embedpg.Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	s := &shell{T: t, dir: t.TempDir()}
	if s.admin, err = sqlx.Open("postgres", server.URL("postgres")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.admin.Close() })
	guide, err := os.ReadFile("../../../../docs/guides/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range fence.FindAllStringSubmatch(string(guide), -1) {
		for statement := range strings.Lines(match[2]) {
			if match[1] == "sql" {
				s.must(block{"sql", statement})
			}
		}
	}
	u, err := url.Parse(server.URL("balsong"))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("balsong", "FIRST-PASSWORD")
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	broker, err := embedkafka.Start(embedkafka.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Stop() })
	store := startStore(t, embeds3.Options{AccessKey: "first"})
	s.write("bills.csv", "customer_number,name,email,currency,amount,due_date\nC-1,Kim,kim@example.com,KRW,12000,2026-11-25\n")
	program, err := os.Executable()
	if err == nil {
		err = os.Symlink(program, filepath.Join(s.dir, "balsong"))
	}
	if err != nil {
		t.Fatal(err)
	}
	s.environment = []string{
		"PATH=" + s.dir + ":" + os.Getenv("PATH"), "HOME=" + s.dir, "BALSONG_LOG_LEVEL=error", "DATABASE_URL=" + u.String(), "BALSONG_KEYSET=" + string(keyset),
		"BALSONG_KAFKA_BROKERS=" + strings.Join(broker.Addrs(), ","), "BALSONG_KAFKA_PARTITIONS=1", "BALSONG_KAFKA_REPLICATION=1", "BALSONG_KAFKA_MIN_INSYNC=1",
		"BALSONG_S3_BUCKET=bills", "BALSONG_S3_ENDPOINT=" + store.Endpoint(), "BALSONG_S3_ACCESS_KEY=first", "BALSONG_S3_SECRET_KEY=" + store.SecretKey(),
	}
	s.must(block{"sh", "balsong batch migrate"})
	s.must(block{"sh", "balsong batch import --month 2026-11 --file bills.csv"})
}
