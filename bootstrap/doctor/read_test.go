package doctor_test

import (
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
)

// set sets the variables of a delivery, and takes all others away.
func set(t *testing.T, values map[string]string) {
	t.Helper()
	for _, v := range config.Variables[config.Deliverer]() {
		value, is := values[v.Name]
		t.Setenv(v.Name, value)
		if !is {
			must(t, os.Unsetenv(v.Name))
		}
	}
}

// variables are those of a sound configuration.
func variables(t *testing.T) map[string]string {
	t.Helper()
	c := sound(t)
	return map[string]string{
		"DATABASE_URL": c.Database.URL, "BALSONG_KAFKA_BROKERS": strings.Join(c.Kafka.Brokers, ","), "BALSONG_KAFKA_TOPIC_PREFIX": c.Kafka.TopicPrefix,
		"BALSONG_KAFKA_PARTITIONS": "2", "BALSONG_KAFKA_REPLICATION": "1", "BALSONG_KAFKA_MIN_INSYNC": "1",
		"BALSONG_S3_BUCKET": c.S3.Bucket, "BALSONG_S3_REGION": c.S3.Region, "BALSONG_S3_ENDPOINT": c.S3.Endpoint,
		"BALSONG_S3_ACCESS_KEY": c.S3.AccessKey, "BALSONG_S3_SECRET_KEY": c.S3.SecretKey,
		"BALSONG_KEYSET": c.Keys.Keyset, "BALSONG_SMS_URL": c.Gateways.SMS.URL,
	}
}

func TestEveryVariableThatIsWrongIsReportedAndTheOtherComponentsAreChecked(t *testing.T) {
	values := variables(t)
	delete(values, "BALSONG_S3_BUCKET")
	delete(values, "BALSONG_KAFKA_BROKERS")
	values["BALSONG_KAFKA_PARTITIONS"] = "many"
	values["BALSONG_SMS_CALL_DEADLINE"] = "2m" // longer than its lease
	values["BALSONG_LOG_LEVEL"] = "info"
	values["BALSONG_DELIVERY_DRAIN"] = "a while"
	set(t, values)
	t.Setenv("BALSONG_SETTLE_OVERLAP", "1m")
	uses, findings := doctor.Read(t.Context())
	findings = append(findings, doctor.Examine(t.Context(), uses, observe.Clock{})...)
	for _, says := range []string{
		"BALSONG_S3_BUCKET is not set", "BALSONG_KAFKA_BROKERS is not set", `BALSONG_KAFKA_PARTITIONS is "many"`,
		"BALSONG_SMS_LEASE (1m30s) must be longer than BALSONG_SMS_CALL_DEADLINE (2m0s)", `BALSONG_DELIVERY_DRAIN is "a while"`,
		"BALSONG_SETTLE_OVERLAP is not a setting any more",
	} {
		if !reported(findings, mistake{level: doctor.Problem, component: "configuration", says: says, do: "correct it"}) {
			t.Errorf("nothing says %q:\n%s", says, text(findings))
		}
	}
	if doctor.Problems(findings) != 6 || !reported(findings, mistake{level: doctor.OK, component: "database", says: "up to date"}) || !reported(findings, mistake{level: doctor.OK, component: "keyset", says: "1 key,"}) {
		t.Errorf("six variables are wrong; database and keyset are not:\n%s", text(findings))
	}
}

func TestAPasswordWithASpaceIsReportedWhereItDoesNotFitAndWorksWhereItDoes(t *testing.T) {
	const password = "two words & 50%"
	values := variables(t)
	role := unique()
	execute(t, values["DATABASE_URL"], "CREATE ROLE "+role+" LOGIN PASSWORD '"+password+"'; GRANT SELECT ON schema_migrations TO "+role)
	sound := values["DATABASE_URL"]
	t.Cleanup(func() { execute(t, sound, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	u, err := url.Parse(sound)
	must(t, err)

	values["DATABASE_URL"] = "postgres://" + role + ":" + password + "@" + u.Host + u.Path + "?" + u.RawQuery
	set(t, values)
	uses, findings := doctor.Read(t.Context())
	if uses.Database != nil || !reported(findings, mistake{level: doctor.Problem, component: "configuration", says: "percent-encoded", do: "correct it"}) || strings.Contains(text(findings), "words") {
		t.Errorf("in the URL as it is:\n%s", text(findings))
	}

	values["DATABASE_URL"] = "postgres://" + role + "@" + u.Host + u.Path + "?" + u.RawQuery
	values["BALSONG_DB_PASSWORD"] = password
	set(t, values)
	uses, findings = doctor.Read(t.Context())
	findings = append(findings, doctor.Examine(t.Context(), doctor.Components{Database: uses.Database}, observe.Clock{})...)
	if !reported(findings, mistake{level: doctor.OK, component: "database", says: "answers"}) {
		t.Errorf("in BALSONG_DB_PASSWORD:\n%s", text(findings))
	}
}

func TestAProblemIsReportedOnce(t *testing.T) {
	values := variables(t)
	values["BALSONG_DB_PASSWORD"] = secret // the URL has one too
	set(t, values)
	_, findings := doctor.Read(t.Context())
	if doctor.Problems(findings) != 1 || !reported(findings, mistake{level: doctor.Problem, component: "configuration", says: "DATABASE_URL has a password too", do: "correct it"}) {
		t.Errorf("it says\n%s", text(findings))
	}
}

func TestAVariableThatNothingReadsIsNamedWithTheOneThatWasMeant(t *testing.T) {
	for name, value := range map[string]string{
		"BALSONG_SMTP_ADR": "relay:587", "BALSONG_SMPT_FROM": "a@b.test", "BALSONG_FAVOURITE_COLOUR": "blue", "BALSONG_KAFKA_PASSWORD_FILE": "",
		"BALSONG_DELIVERY_SERVICE_HOST": "10.0.0.1", "BALSONG_DELIVERY_PORT_9464_TCP_ADDR": "10.0.0.1", "BALSONG_KEEP_MONTHS": "12", "BALSONG_TEMPLATES": "",
	} {
		t.Setenv(name, value)
	}
	findings := doctor.Examine(t.Context(), doctor.Components{}, observe.Clock{})
	for _, want := range []doctor.Finding{
		{Level: doctor.Problem, Checked: "BALSONG_SMTP_ADR", Do: "did you mean BALSONG_SMTP_ADDR?"},
		{Level: doctor.Problem, Checked: "BALSONG_SMPT_FROM", Do: "did you mean BALSONG_SMTP_FROM?"},
		{Level: doctor.Advice, Checked: "BALSONG_FAVOURITE_COLOUR", Do: "take it away"},
	} {
		if !slices.ContainsFunc(findings, func(f doctor.Finding) bool {
			return f.Level == want.Level && f.Checked == want.Checked && strings.Contains(f.Do, want.Do)
		}) {
			t.Errorf("%s is not named:\n%s", want.Checked, text(findings))
		}
	}
	if len(findings) != 4 { // and the time zones
		t.Errorf("it says\n%s", text(findings))
	}
}

func TestTheSettingsOfFeedbackAreReadAndLookedAt(t *testing.T) {
	set(t, map[string]string{
		"BALSONG_FEEDBACK_ADDR": ":8443", "BALSONG_FEEDBACK_URL": "https://feedback.example.com",
		"BALSONG_FEEDBACK_CERT_FILE": "/nowhere/cert.pem", "BALSONG_FEEDBACK_KEY_FILE": "/nowhere/key.pem",
	})
	uses, _ := doctor.Read(t.Context())
	findings := doctor.Examine(t.Context(), doctor.Components{Feedback: uses.Feedback}, observe.Clock{})
	if !slices.ContainsFunc(findings, func(f doctor.Finding) bool {
		return f.Level == doctor.Problem && f.Component == "feedback" && f.Checked == "BALSONG_FEEDBACK_CERT_FILE"
	}) {
		t.Errorf("it says\n%s", text(findings))
	}
}
