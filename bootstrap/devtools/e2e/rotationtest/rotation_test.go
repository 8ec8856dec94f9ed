package rotationtest

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/awssecrets/mototest"
	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/apachekafka"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/cachedir"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedkafka"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedpg"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embeds3"
)

// newShell starts what the services stand on, but for a gateway, and brings it up to date.
func newShell(t *testing.T, more map[string]string) *shell {
	t.Helper()
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
	s.must(sections(t)["The database's password"][0])
	s.must(block{"sql", "CREATE DATABASE balsong OWNER balsong"})
	u, err := url.Parse(server.URL("balsong"))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("balsong_a", "FIRST-PASSWORD")
	s.database = u.String()
	u.User = url.User("balsong_a")
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	s.write("secrets/keyset.json", string(keyset))
	s.write("secrets/database-password", "FIRST-PASSWORD")
	s.environment = []string{
		"PATH=" + filepath.Join(s.dir, "bin") + ":" + os.Getenv("PATH"), "HOME=" + s.dir, "BALSONG_LOG_LEVEL=error",
		"DATABASE_URL=" + u.String(), "BALSONG_DB_PASSWORD_FILE=secrets/database-password", "BALSONG_KEYSET_FILE=secrets/keyset.json",
		"BALSONG_KAFKA_PARTITIONS=1", "BALSONG_KAFKA_REPLICATION=1", "BALSONG_KAFKA_MIN_INSYNC=1", "BALSONG_S3_BUCKET=bills",
		"BALSONG_S3_ACCESS_KEY=first", "BALSONG_S3_SECRET_KEY_FILE=secrets/s3-secret-key",
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(s.dir, "bin", "balsong")); err != nil {
		t.Fatal(err)
	}
	if _, own := more["BALSONG_KAFKA_BROKERS"]; !own {
		broker, err := embedkafka.Start(embedkafka.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = broker.Stop() })
		s.environment = append(s.environment, "BALSONG_KAFKA_BROKERS="+strings.Join(broker.Addrs(), ","))
	}
	if _, own := more["BALSONG_S3_ENDPOINT"]; !own {
		store := startStore(t, embeds3.Options{AccessKey: "first"})
		s.write("secrets/s3-secret-key", store.SecretKey())
		s.environment = append(s.environment, "BALSONG_S3_ENDPOINT="+store.Endpoint())
	}
	if _, own := more["BALSONG_SMS_URL"]; !own {
		gateway := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(gateway.Close)
		s.environment = append(s.environment, "BALSONG_SMS_URL="+gateway.URL)
	}
	for name, value := range more {
		s.environment = append(s.environment, name+"="+value)
	}
	return s
}

func startStore(t *testing.T, options embeds3.Options) *embeds3.Server {
	t.Helper()
	store, err := embeds3.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Stop() })
	return store
}

// migrate makes schema, topics and bucket as the group that owns them.
func (s *shell) migrate() {
	s.Helper()
	s.must(block{"sh", "balsong batch migrate"})
	s.must(block{"sh", "balsong doctor"})
}

func TestTheKeysetIsRotatedAsThePageSays(t *testing.T) {
	t.Parallel()
	s := newShell(t, nil)
	s.migrate()
	blocks := sections(t)["The keyset"]
	for _, b := range blocks {
		s.must(b)
	}
	if out, _ := s.run(block{"sh", "balsong keyset show --file secrets/keyset.json"}); len(blocks) != 5 || strings.Count(out, "\n") != 1 || !strings.Contains(out, "seals and opens (primary)") {
		t.Errorf("after %d blocks:\n%s", len(blocks), out)
	}
}

func TestTheKeysetIsRotatedOnAWSAsThePageSays(t *testing.T) {
	t.Parallel()
	s := onAWS(t, "unset BALSONG_KEYSET_FILE\nBALSONG_KEYSET=secretsmanager:balsong/keyset", nil)
	s.migrate()
	s.must(block{"sh", `aws kms create-alias --alias-name alias/balsong-keyset --target-key-id "$(aws kms create-key --query KeyMetadata.KeyId --output text)"
		balsong keyset wrap --file secrets/keyset.json --kms-key alias/balsong-keyset
		aws secretsmanager create-secret --name balsong/keyset --secret-string file://secrets/keyset.json
		aws logs create-log-group --log-group-name /balsong/delivery`})
	blocks := sections(t)["The keyset on AWS"]
	for _, b := range blocks {
		s.must(b)
	}
	out, _ := s.run(block{"sh", "aws secretsmanager get-secret-value --secret-id balsong/keyset --query SecretString --output text; ls; deploy/aws/run.sh balsong keyset show"})
	if len(blocks) != 6 || !strings.Contains(out, "encryptedKeyset") || strings.Contains(out, "keyset.json") || strings.Count(out, "(primary)") != 1 || strings.Contains(out, "opens\n") {
		t.Errorf("after %d blocks:\n%s", len(blocks), out)
	}
}

// onAWS is a shell before an account, which moto is; a task has the variables that its definition gives it, and no file.
func onAWS(t *testing.T, task string, more map[string]string) *shell {
	t.Helper()
	program := os.Getenv("BALSONG_TEST_AWS")
	if program == "" {
		t.Skip("SKIPPED: BALSONG_TEST_AWS names no program (make deploy-check installs it)")
	}
	all := map[string]string{
		"AWS_ENDPOINT_URL": mototest.Start(t), "AWS_REGION": "ap-northeast-2", "AWS_DEFAULT_REGION": "ap-northeast-2", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_PAGER": "", "BALSONG_NAME": "balsong",
	}
	maps.Copy(all, more)
	s := newShell(t, all)
	if err := os.Symlink(program, filepath.Join(s.dir, "bin", "aws")); err != nil {
		t.Fatal(err)
	}
	s.write("deploy/aws/run.sh", "#!/bin/sh\n"+task+" exec \"$@\"\n")
	s.must(block{"sh", "chmod +x deploy/aws/run.sh; aws ecs create-cluster --cluster-name balsong"})
	return s
}

func TestTheTokenOfAGatewayIsRotatedOnAWSAsThePageSays(t *testing.T) {
	t.Parallel()
	p := newProvider(t, "first", "NEW-TOKEN")
	s := onAWS(t, "BALSONG_SMS_TOKEN=secretsmanager:balsong/providers#sms_token", map[string]string{"BALSONG_SMS_URL": p.URL, "BALSONG_SMS_CA": "file:secrets/ca.pem"})
	s.write("secrets/ca.pem", p.pem())
	s.must(block{"sh", `aws secretsmanager create-secret --name balsong/providers --secret-string '{"smtp_password":"secret","sms_token":"first"}'
		aws ecs register-task-definition --family balsong-delivery --container-definitions '[{"name":"delivery","image":"delivery:1.0.0","memory":128}]'
		aws ecs create-service --cluster balsong --service-name delivery --task-definition balsong-delivery --desired-count 0`})
	blocks := sections(t)["Credentials of a gateway on AWS"]
	if len(blocks) != 4 {
		t.Fatalf("%d blocks", len(blocks))
	}
	if out, worked := s.run(blocks[0]); worked {
		t.Errorf("without a new token something was put:\n%s", out)
	}
	s.must(block{"sh", "NEW=NEW-TOKEN\n" + blocks[0].text})
	s.must(blocks[1])
	p.tokens.Store([]string{"NEW-TOKEN"})
	s.must(blocks[2])
	const value = "aws secretsmanager get-secret-value --secret-id balsong/providers --version-stage AWSCURRENT --query SecretString --output text | jq -c ." // moto looks at the stage only where it is named
	if out, _ := s.run(block{"sh", value}); out != `{"smtp_password":"secret","sms_token":"NEW-TOKEN"}`+"\n" || p.taken.Load() != 2 {
		t.Errorf("after %d messages: %s", p.taken.Load(), out)
	}
	s.must(blocks[3])
	if out, _ := s.run(block{"sh", value}); out != `{"smtp_password":"secret","sms_token":"first"}`+"\n" {
		t.Errorf("gone back: %s", out)
	}
}

func TestTheDatabasesPasswordIsRotatedAsThePageSays(t *testing.T) {
	t.Parallel()
	s := newShell(t, nil)
	s.migrate()
	first := s.environment
	var shown bool // as the sweep's horizon needs it
	own, err := sqlx.Open("postgres", s.database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Close() }()
	if err := own.GetContext(t.Context(), &shown, `SELECT xact_start IS NOT NULL FROM pg_stat_activity WHERE pid = pg_backend_pid()`); err != nil || !shown {
		t.Errorf("the start of its transactions is shown: %t, %v", shown, err)
	}
	blocks := sections(t)["The database's password"][1:]
	s.must(blocks[0])
	s.must(block{"sh", "balsong doctor"}) // with the old one
	s.must(blocks[1])
	s.must(blocks[2])
	s.must(block{"sh", "balsong doctor"})
	if s.environment = first; len(blocks) != 3 {
		t.Fatalf("%d blocks", len(blocks))
	}
	s.refused(`export DATABASE_URL=$(printf %s "$DATABASE_URL" | sed s/balsong_b/balsong_a/); printf FIRST-PASSWORD > secrets/database-password; balsong doctor`, `refuses the user "balsong_a"`)
}

func TestTheBrokersPasswordIsRotatedAsThePageSays(t *testing.T) {
	t.Parallel()
	cache, err := cachedir.Default()
	if err != nil {
		t.Fatal(err)
	}
	if err := apachekafka.Available(cache); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("NOT TESTED: ", err)
	}
	const listener = "listener.name.plaintext."
	cluster, err := apachekafka.Start(t.Context(), apachekafka.Options{Log: t.Output(), Settings: map[string]string{
		"listener.security.protocol.map":            "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
		"sasl.enabled.mechanisms":                   "PLAIN,SCRAM-SHA-512",
		"sasl.mechanism.inter.broker.protocol":      "PLAIN",
		listener + "plain.sasl.jaas.config":         `org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="admin" user_admin="admin";`,
		listener + "scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Stop() })
	jars, err := apachekafka.Jars(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	broker := cluster.Addrs()[0]
	s := newShell(t, map[string]string{"BALSONG_KAFKA_BROKERS": broker, "KAFKA": broker, "BALSONG_KAFKA_USER": "balsong-a", "BALSONG_KAFKA_PASSWORD_FILE": "secrets/kafka-password"})
	s.write("secrets/kafka-admin.properties", "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"+
		"sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"admin\" password=\"admin\";\n")
	s.write("bin/kafka-configs.sh", "#!/bin/sh\nexec java -Xshare:auto -XX:TieredStopAtLevel=1 -cp '"+jars+"/*' kafka.admin.ConfigCommand \"$@\"\n")
	if err := os.Chmod(filepath.Join(s.dir, "bin/kafka-configs.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	blocks := sections(t)["The brokers' password"]
	first := strings.NewReplacer("balsong-b", "balsong-a", "NEW-PASSWORD", "first").Replace(blocks[0].text)
	s.must(block{"sh", first})
	s.write("secrets/kafka-password", "first")
	s.migrate()
	s.must(blocks[0])
	s.must(block{"sh", "balsong doctor"}) // with the old one
	s.must(blocks[1])
	s.must(blocks[2])
	s.refused("export BALSONG_KAFKA_USER=balsong-a; printf first > secrets/kafka-password; balsong doctor", `refuse the user "balsong-a"`)
}

// provider is a gateway for text messages with a certificate of its own, which takes some tokens.
type provider struct {
	*httptest.Server
	tokens, certificate atomic.Value // []string, *tls.Certificate
	taken               atomic.Int32
}

func newProvider(t *testing.T, tokens ...string) *provider {
	t.Helper()
	p := &provider{}
	p.tokens.Store(tokens)
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, token := range p.tokens.Load().([]string) { //nolint:forcetypeassert // stored above
			if r.Header.Get("Authorization") == "Bearer "+token {
				p.taken.Add(1)
				w.WriteHeader(http.StatusAccepted)
				fmt.Fprint(w, `{"id":"1"}`)
				return
			}
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	p.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := p.certificate.Load().(*tls.Certificate) //nolint:forcetypeassert // stored below
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*now}}, nil
	}}
	p.Config.ErrorLog = log.New(t.Output(), "", 0)
	p.certificate.Store(porttest.CertificateUntil(t, time.Now().Add(time.Hour)))
	p.StartTLS()
	t.Cleanup(p.Close)
	return p
}

// pem is the certificate that the provider has now; it has signed itself.
func (p *provider) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.certificate.Load().(*tls.Certificate).Certificate[0]})) //nolint:forcetypeassert // stored above
}

func TestTheTokenOfAGatewayIsRotatedAsThePageSays(t *testing.T) {
	t.Parallel()
	p := newProvider(t, "first", "NEW-TOKEN")
	s := newShell(t, map[string]string{"BALSONG_SMS_URL": p.URL, "BALSONG_SMS_CA": "file:secrets/ca.pem", "BALSONG_SMS_TOKEN_FILE": "secrets/sms-token"})
	s.write("secrets/ca.pem", p.pem())
	s.write("secrets/sms-token", "first")
	blocks := sections(t)["Credentials of a gateway"]
	s.must(block{"sh", blocks[1].text}) // with the old one
	s.must(blocks[0])
	p.tokens.Store([]string{"NEW-TOKEN"})
	s.must(blocks[1])
	s.write("secrets/sms-token", "first")
	if out, worked := s.run(blocks[1]); worked || p.taken.Load() != 3 {
		t.Errorf("the first token is taken:\n%s", out)
	}
}

func TestACAIsRotatedAsThePageSays(t *testing.T) {
	t.Parallel()
	p := newProvider(t, "first")
	s := newShell(t, map[string]string{"BALSONG_SMS_URL": p.URL, "BALSONG_SMS_CA": "file:secrets/ca.pem", "BALSONG_SMS_TOKEN": "first"})
	s.write("secrets/ca.pem", p.pem())
	before := p.certificate.Load()
	after := porttest.CertificateUntil(t, time.Now().Add(time.Hour))
	p.certificate.Store(after)
	s.write("secrets/ca-new.pem", p.pem())
	p.certificate.Store(before)
	blocks := sections(t)["A CA of your own"]
	s.must(blocks[0])
	p.certificate.Store(after)
	s.must(blocks[1])
	p.certificate.Store(before)
	if out, worked := s.run(block{"sh", "balsong send-test --channel SMS --to +821000001234"}); worked || !strings.Contains(out, "certificate") {
		t.Errorf("the old CA is trusted:\n%s", out)
	}
}

func TestTheKeysOfTheObjectStoreAreRotatedAsThePageSays(t *testing.T) {
	t.Parallel()
	old := startStore(t, embeds3.Options{AccessKey: "first", SecretKey: "first-secret"})
	fresh := startStore(t, embeds3.Options{AccessKey: "NEW-KEY", SecretKey: "NEW-SECRET"})         // the server knows one key: two of them are one store here
	var deleted atomic.Bool                                                                        // the first key
	account := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { // one store, two keys
		r.Out.URL.Scheme, r.Out.URL.Host = "http", strings.TrimPrefix(fresh.Endpoint(), "http://")
		if strings.Contains(r.In.Header.Get("Authorization"), "Credential=first/") && !deleted.Load() {
			r.Out.URL.Host = strings.TrimPrefix(old.Endpoint(), "http://")
		}
	}})
	t.Cleanup(account.Close)
	s := newShell(t, map[string]string{"BALSONG_S3_ENDPOINT": account.URL})
	s.write("secrets/s3-secret-key", "first-secret")
	s.migrate()
	s.must(block{"sh", `(export BALSONG_S3_ACCESS_KEY=NEW-KEY; printf NEW-SECRET > secrets/s3-secret-key; balsong batch migrate)
printf first-secret > secrets/s3-secret-key`})
	blocks := sections(t)["The keys of the object store"]
	s.must(blocks[0])
	deleted.Store(true)
	s.must(blocks[1])
	s.refused("export BALSONG_S3_ACCESS_KEY=first; printf first-secret > secrets/s3-secret-key; balsong doctor", "statements")
}
