package doctor_test

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
)

func TestNothingIsWrongWithASoundConfiguration(t *testing.T) {
	t.Parallel()
	findings := doctor.Examine(t.Context(), doctor.ComponentsOf(sound(t)), observe.Clock{})
	if n := doctor.Problems(findings); n != 0 || len(findings) < 8 {
		t.Fatalf("%d problems in %d findings:\n%s", n, len(findings), text(findings))
	}
}

// A key that no open month needs any more may have been removed.
func TestTheKeysOfClosedMonthsAreNotMissed(t *testing.T) {
	t.Parallel()
	c := sound(t)
	seal, err := crypto.New([]byte(c.Keys.Keyset))
	must(t, err)
	sealed, err := seal.Seal([]byte("{}"), port.Purpose{Kind: port.KindBillingData})
	must(t, err)
	execute(t, c.Database.URL, storedBill("2026-10", "CLOSED", "01aabbccdd00")+";"+storedBill("2026-11", "OPEN", hex.EncodeToString(sealed)))
	if findings := doctor.Examine(t.Context(), doctor.ComponentsOf(c), observe.Clock{}); doctor.Problems(findings) != 0 {
		t.Errorf("it says\n%s", text(findings))
	}
}

// mistake is one that people make, and what the doctor says of it.
type mistake struct {
	make      func(t *testing.T, c *config.Deliverer)
	level     doctor.Level
	component string
	says      string // in what was found
	do        string // in what to do
}

var mistakes = map[string]mistake{
	"database: a wrong port": {func(t *testing.T, c *config.Deliverer) {
		withURL(t, c, func(u *url.URL) { u.Host = closedPort(t) })
	}, doctor.Problem, "database", "nothing listens", "5432"},
	"database: something else answers": {func(t *testing.T, c *config.Deliverer) {
		withURL(t, c, func(u *url.URL) { u.Host = talking(t, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	}, doctor.Problem, "database", "not PostgreSQL", "port"},
	"database: a machine's shell answers": {func(t *testing.T, c *config.Deliverer) {
		withURL(t, c, func(u *url.URL) { u.Host = talking(t, "SSH-2.0-OpenSSH_9.9\r\n") })
	}, doctor.Problem, "database", "not PostgreSQL", "port"},
	"database: a wrong user": {func(t *testing.T, c *config.Deliverer) {
		withURL(t, c, func(u *url.URL) { u.User = url.UserPassword("nobody_"+unique(), secret) })
	}, doctor.Problem, "database", "28", "BALSONG_DB_PASSWORD"},
	"database: a wrong password": {func(t *testing.T, c *config.Deliverer) {
		withURL(t, c, func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), secret) })
	}, doctor.Problem, "database", "28P01", "percent-encoded"},
	"database: no such database": {func(t *testing.T, c *config.Deliverer) {
		withURL(t, c, func(u *url.URL) { u.Path = "/" + unique() })
	}, doctor.Problem, "database", "no such database", "createdb"},
	"database: no TLS there": {func(t *testing.T, c *config.Deliverer) {
		withURL(t, c, func(u *url.URL) { u.RawQuery = "sslmode=require" })
	}, doctor.Problem, "database", "no TLS", "sslmode=disable"},
	"database: no sslmode": {func(t *testing.T, c *config.Deliverer) {
		withURL(t, c, func(u *url.URL) { u.RawQuery = "" })
	}, doctor.Problem, "database", "cannot be used", "sslmode"},
	"database: not migrated": {func(t *testing.T, c *config.Deliverer) {
		c.Database.URL = postgrestest.EmptyURL(t)
	}, doctor.Problem, "database", "schema is not there", "batch migrate"},
	"database: migrated by a newer program": {func(t *testing.T, c *config.Deliverer) {
		execute(t, c.Database.URL, "UPDATE schema_migrations SET version = 999")
	}, doctor.Problem, "database", "at migration 999", "run the newer one"},
	"database: not migrated whole": {func(t *testing.T, c *config.Deliverer) {
		execute(t, c.Database.URL, "UPDATE schema_migrations SET version = 1")
	}, doctor.Problem, "database", "at migration 1, this program needs", "batch migrate"},
	"database: a migration cut short": {func(t *testing.T, c *config.Deliverer) {
		execute(t, c.Database.URL, "UPDATE schema_migrations SET dirty = true")
	}, doctor.Problem, "database", "cut short", "batch migrate"},
	"database: PostgreSQL 14": {func(t *testing.T, c *config.Deliverer) {
		pretend(t, c.Database.URL, `FUNCTION pretence.current_setting(name text) RETURNS text STABLE LANGUAGE sql
  AS $$ SELECT CASE name WHEN 'server_version_num' THEN '140019' ELSE pg_catalog.current_setting(name) END $$`)
	}, doctor.Problem, "database", "PostgreSQL 14.19", "15 or later"},
	"database: a standby": {func(t *testing.T, c *config.Deliverer) {
		pretend(t, c.Database.URL, `FUNCTION pretence.pg_is_in_recovery() RETURNS bool STABLE LANGUAGE sql AS 'SELECT true'`)
	}, doctor.Problem, "database", "a standby", "name the primary"},
	"database: commits that are not awaited": {func(t *testing.T, c *config.Deliverer) {
		withURL(t, c, func(u *url.URL) { u.RawQuery += "&synchronous_commit=off" })
	}, doctor.Problem, "database", "synchronous_commit is off", "never twice"},

	"database: bills that another keyset sealed": {func(t *testing.T, c *config.Deliverer) {
		execute(t, c.Database.URL, storedBill("2026-11", "OPEN", "01aabbccdd00"))
	}, doctor.Problem, "database", "the bills of 2026-11 are sealed with key 2864434397, which the keyset does not have", "keyset of this installation"},

	"kafka: a wrong port": {func(t *testing.T, c *config.Deliverer) {
		c.Kafka.Brokers = []string{closedPort(t)}
	}, doctor.Problem, "event log", "nothing listens", "advertised.listeners"},
	"kafka: something else answers": {func(t *testing.T, c *config.Deliverer) {
		u, err := url.Parse(c.S3.Endpoint)
		must(t, err)
		c.Kafka.Brokers = []string{u.Host}
	}, doctor.Problem, "event log", "", "9092"},
	"kafka: no TLS at that port": {func(_ *testing.T, c *config.Deliverer) {
		c.Kafka.TLS = true
	}, doctor.Problem, "event log", "does not speak TLS", "BALSONG_KAFKA_TLS=false"},
	"kafka: TLS at that port": {func(t *testing.T, c *config.Deliverer) {
		web := httptest.NewTLSServer(http.NotFoundHandler())
		t.Cleanup(web.Close)
		c.Kafka.Brokers = []string{web.Listener.Addr().String()}
	}, doctor.Problem, "event log", "this port speaks TLS", "BALSONG_KAFKA_TLS=true"},
	"kafka: no topics": {func(_ *testing.T, c *config.Deliverer) {
		c.Kafka.TopicPrefix = "none-"
	}, doctor.Problem, "event log", "does not exist", "batch migrate"},
	"kafka: too few partitions": {func(_ *testing.T, c *config.Deliverer) {
		c.Kafka.Partitions = 12
	}, doctor.Problem, "event log", "2 partitions, wanted are 12", "kafka-topics.sh --alter"},
	"kafka: too few copies": {func(_ *testing.T, c *config.Deliverer) {
		c.Kafka.Replication, c.Kafka.MinInSync = 7, 2
	}, doctor.Problem, "event log", "wanted are 7", "replicas"},
	"kafka: one copy": {func(*testing.T, *config.Deliverer) {}, doctor.Advice, "event log", "one copy", "in production 3"},

	"s3: no such bucket": {func(_ *testing.T, c *config.Deliverer) {
		c.S3.Bucket = unique()
	}, doctor.Problem, "statements", "does not exist", "batch migrate"},
	"s3: a wrong access key": {func(_ *testing.T, c *config.Deliverer) {
		c.S3.AccessKey = "nobody"
	}, doctor.Problem, "statements", "access key", "BALSONG_S3_ACCESS_KEY"},
	"s3: a wrong secret key": {func(_ *testing.T, c *config.Deliverer) {
		c.S3.SecretKey = secret
	}, doctor.Problem, "statements", "signature is wrong", "BALSONG_S3_SECRET_KEY"},
	"s3: a wrong port": {func(t *testing.T, c *config.Deliverer) {
		c.S3.Endpoint = "http://" + closedPort(t)
	}, doctor.Problem, "statements", "nothing listens", "BALSONG_S3_ENDPOINT"},
	"s3: another region": {func(_ *testing.T, c *config.Deliverer) {
		c.S3.Region = "eu-west-1"
	}, doctor.Problem, "statements", "is not in eu-west-1", "BALSONG_S3_REGION"},
	"s3: forbidden": {func(t *testing.T, c *config.Deliverer) {
		store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`<Error><Code>AccessDenied</Code></Error>`))
		}))
		t.Cleanup(store.Close)
		c.S3.Endpoint = store.URL
	}, doctor.Problem, "statements", "may not use the bucket (AccessDenied, HTTP 403)", "s3:ListBucket"},

	"keyset: none":     {func(_ *testing.T, c *config.Deliverer) { c.Keys.Keyset = "" }, doctor.Problem, "keyset", "there is none", "keyset new"},
	"keyset: damaged":  {func(_ *testing.T, c *config.Deliverer) { c.Keys.Keyset = secret }, doctor.Problem, "keyset", "no Tink keyset", "keyset new"},
	"keyset: readable": {func(t *testing.T, c *config.Deliverer) { keysetFile(t, c, 0o644, time.Now()) }, doctor.Advice, "keyset", "others may read", "chmod 600"},
	"keyset: old": {func(t *testing.T, c *config.Deliverer) {
		keysetFile(t, c, 0o600, time.Now().Add(-400*24*time.Hour))
	}, doctor.Advice, "keyset", "400 days", "keys.md"},
	"keyset: no primary key": {func(_ *testing.T, c *config.Deliverer) {
		c.Keys.Keyset = strings.Replace(c.Keys.Keyset, `"primaryKeyId"`, `"primaryKeyIdx"`, 1)
	}, doctor.Problem, "keyset", "no Tink keyset in JSON form with a primary key", "keyset new"},

	"gateways: none": {func(_ *testing.T, c *config.Deliverer) { c.Gateways = config.Gateways{} }, doctor.Problem, "gateways", "no gateway", "set one"},
	"sms: not reachable": {func(t *testing.T, c *config.Deliverer) {
		c.Gateways.SMS.URL = "http://" + closedPort(t)
	}, doctor.Problem, "sms/http", "refused", "BALSONG_SMS_URL"},
	"sms: the path twice": {func(_ *testing.T, c *config.Deliverer) { c.Gateways.SMS.URL += "/sms" }, doctor.Problem, "sms/http", "/sms/sms", "root"},
	"sms: no URL":         {func(_ *testing.T, c *config.Deliverer) { c.Gateways.SMS.URL = "gateway:8025" }, doctor.Problem, "sms/http", "", "BALSONG_SMS_URL"},
	"sms: times below production": {func(_ *testing.T, c *config.Deliverer) {
		c.Gateways.SMS.CallDeadline, c.Gateways.SMS.Lease = 5*time.Second, 20*time.Second
	}, doctor.Advice, "sms/http", "BALSONG_SMS_LEASE is 20s", "1m30s"},
	"sms: twilio without a sender": {func(_ *testing.T, c *config.Deliverer) {
		c.Gateways.SMS, c.Gateways.Twilio = config.HTTPGateway{}, config.Twilio{
			URL: "https://api.twilio.com", Account: "AC" + strings.Repeat("0", 32), Secret: secret, HTTPCalls: c.Gateways.SMS.HTTPCalls,
		}
	}, doctor.Problem, "sms/twilio", "sender", "BALSONG_TWILIO_"},
	"sms: twilio refuses the key": {func(t *testing.T, c *config.Deliverer) {
		refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"code":20003,"message":"Authenticate","status":401}`)
		}))
		t.Cleanup(refusing.Close)
		c.Gateways.SMS, c.Gateways.Twilio = config.HTTPGateway{}, config.Twilio{
			URL: refusing.URL, Account: "AC" + strings.Repeat("0", 32), Secret: secret, From: "Shop", HTTPCalls: c.Gateways.SMS.HTTPCalls,
		}
	}, doctor.Problem, "sms/twilio", "401, code 20003: Authenticate", "BALSONG_TWILIO_SECRET"},
	"sms: nhn does not know the sender": {func(t *testing.T, c *config.Deliverer) {
		c.Gateways.NHN = config.NHN{URL: answering(t, http.StatusOK, `{"header":{"isSuccessful":true,"resultCode":0},"body":{"data":[]}}`), AppKey: "app", SecretKey: secret, From: "15446859", HTTPCalls: c.Gateways.SMS.HTTPCalls}
		c.Gateways.SMS = config.HTTPGateway{}
	}, doctor.Problem, "sms/nhn", "the sender number is not registered", "BALSONG_NHN_FROM"},
	"sms: nhn refuses the key": {func(t *testing.T, c *config.Deliverer) {
		c.Gateways.NHN = config.NHN{URL: answering(t, http.StatusOK, `{"header":{"isSuccessful":false,"resultCode":-1000,"resultMessage":"Invalid appKey."}}`), AppKey: "app", SecretKey: secret, From: "15446859", HTTPCalls: c.Gateways.SMS.HTTPCalls}
		c.Gateways.SMS = config.HTTPGateway{}
	}, doctor.Problem, "sms/nhn", "200, code -1000: Invalid appKey.", "BALSONG_NHN_SECRET_KEY"},
	"sms: solapi refuses the key": {func(t *testing.T, c *config.Deliverer) {
		c.Gateways.SOLAPI = config.SOLAPI{URL: answering(t, http.StatusForbidden, `{"errorCode":"SignatureDoesNotMatch","errorMessage":"no"}`), Key: "KEY", Secret: secret, From: "029302266", HTTPCalls: c.Gateways.SMS.HTTPCalls}
		c.Gateways.SMS = config.HTTPGateway{}
	}, doctor.Problem, "sms/solapi", "403 SignatureDoesNotMatch: no", "BALSONG_SOLAPI_SECRET"},
	"sms: the clock is wrong for solapi": {func(t *testing.T, c *config.Deliverer) {
		c.Gateways.SOLAPI = config.SOLAPI{URL: answering(t, http.StatusForbidden, `{"errorCode":"RequestTimeTooSkewed","errorMessage":"no"}`), Key: "KEY", Secret: secret, From: "029302266", HTTPCalls: c.Gateways.SMS.HTTPCalls}
		c.Gateways.SMS = config.HTTPGateway{}
	}, doctor.Problem, "sms/solapi", "RequestTimeTooSkewed", "clock"},
	"shutdown: shorter than a call": {func(_ *testing.T, c *config.Deliverer) {
		c.Delivery.DrainFor = 10 * time.Second
	}, doctor.Advice, "shutdown", "a call may take 30s", "set it to 30s"},
	"shutdown: longer than a container gets": {func(_ *testing.T, c *config.Deliverer) {
		c.Delivery.DrainFor = 10 * time.Minute
	}, doctor.Advice, "shutdown", "waits 10m0s", "10m30s"},
	"mail: no STARTTLS": {func(t *testing.T, c *config.Deliverer) {
		c.Gateways.SMTP = mail(talking(t, "220 relay ESMTP\r\n", "250 relay\r\n", "250 ok\r\n"))
	}, doctor.Problem, "email/smtp", "STARTTLS", "587"},
	"mail: a web server": {func(t *testing.T, c *config.Deliverer) {
		web := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(web.Close)
		c.Gateways.SMTP = mail(web.Listener.Addr().String())
	}, doctor.Problem, "email/smtp", "greeting: no answer in time: context", "does not greet as a mail server"},
	"mail: a CA of its own": {func(t *testing.T, c *config.Deliverer) {
		server, _ := porttest.Certificate()
		far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{TLS: server, Extensions: []string{"STARTTLS"}})
		c.Gateways.SMTP = mail(far.Address())
	}, doctor.Problem, "email/smtp", "certificate", "set BALSONG_SMTP_CA"},
	"mail: login refused": {func(t *testing.T, c *config.Deliverer) {
		c.Gateways.SMTP = mail(talking(t, "220 relay ESMTP\r\n", "250-relay\r\n250 AUTH PLAIN\r\n", "535 5.7.8 no\r\n"))
		c.Gateways.SMTP.TLS, c.Gateways.SMTP.User, c.Gateways.SMTP.Password = "none", "balsong", secret
	}, doctor.Problem, "email/smtp", "535", "BALSONG_SMTP_PASSWORD"},
	"mail: a wrong port": {func(t *testing.T, c *config.Deliverer) {
		c.Gateways.SMTP = mail(closedPort(t))
	}, doctor.Problem, "email/smtp", "refused", "BALSONG_SMTP_ADDR"},
}

func TestEveryMistakeIsFoundWithWhatToDo(t *testing.T) {
	t.Parallel()
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sound(t)
			m.make(t, &c)
			findings := doctor.Examine(t.Context(), doctor.ComponentsOf(c), observe.Clock{})
			if !reported(findings, m) {
				t.Errorf("it says\n%s", text(findings))
			}
			for _, hidden := range append([]string{secret}, passwords(c)...) {
				if strings.Contains(text(findings)+fmt.Sprint(findings), hidden) {
					t.Errorf("it shows a secret:\n%s", text(findings))
				}
			}
		})
	}
}

func TestClocksAnHourApartAreFoundAtEveryPart(t *testing.T) {
	t.Parallel()
	c := sound(t)
	publisher, err := kafka.NewPublisher(core.KafkaCluster(c.Kafka.Brokers, c.Kafka.KafkaAccess, "test", awsidentity.New()), &memory.Log{}, &memory.Metrics{})
	must(t, err)
	defer publisher.Close()
	for _, err := range publisher.Publish(t.Context(), port.TopicRequests, []port.Message{{Key: "1", Value: []byte("x")}}) {
		must(t, err)
	}
	findings := doctor.Examine(t.Context(), doctor.ComponentsOf(c), observe.Clock{Shift: -time.Hour})
	for _, component := range []string{"database", "event log", "statements"} {
		if !reported(findings, mistake{level: doctor.Problem, component: component, says: "1h0m0s", do: "NTP"}) {
			t.Errorf("%s:\n%s", component, text(findings))
		}
	}
	if text := text(doctor.Examine(t.Context(), doctor.ComponentsOf(c), observe.Clock{Shift: time.Hour})); strings.Count(text, "behind this machine's") != 2 {
		t.Errorf("an hour ahead, the database and the store are behind; an old message says nothing:\n%s", text)
	}
}
