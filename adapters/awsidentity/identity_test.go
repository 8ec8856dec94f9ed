package awsidentity_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/awsidentity/tokentest"
	"github.com/balsong/balsong/application/port"
)

const (
	instance = "bills.cluster-abc123.ap-northeast-2.rds.amazonaws.com:5432"
	broker   = "b-1.bills.abc123.c2.kafka.ap-northeast-2.amazonaws.com:9098"
)

func TestADatabaseTokenIsForOneUserAtOneInstanceForAQuarterOfAnHour(t *testing.T) {
	role := tokentest.NewRole(t)
	text, err := awsidentity.New().DatabaseToken(t.Context(), instance, "balsong_delivery")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	token, err := tokentest.Database(text, role.Find, now)
	if err != nil || token.Host != instance || token.User != "balsong_delivery" || token.Region != "ap-northeast-2" || token.Life != 15*time.Minute {
		t.Fatalf("%+v: %v", token, err)
	}
	if _, err := tokentest.Database(text, role.Find, now.Add(15*time.Minute)); err == nil {
		t.Error("it is good after 15 minutes")
	}
	if _, err := tokentest.Database(strings.Replace(text, "balsong_delivery", "postgres", 1), role.Find, now); err == nil {
		t.Error("it is good for another user")
	}
	if _, err := tokentest.Database(strings.Replace(text, "bills", "other", 1), role.Find, now); err == nil {
		t.Error("it is good for another instance")
	}
	role.Rotate()
	if _, err := tokentest.Database(text, role.Find, now); err == nil {
		t.Error("it is good after its credentials have ended")
	}
}

func TestABrokerTokenEndsWithTheCredentialsThatSignedIt(t *testing.T) {
	role := tokentest.NewRole(t)
	identity := awsidentity.New()
	text, expires, err := identity.BrokerToken(t.Context(), broker)
	if err != nil {
		t.Fatal(err)
	}
	token, err := tokentest.Broker(text, role.Find, time.Now())
	if err != nil || token.Host != "kafka.ap-northeast-2.amazonaws.com" || token.Region != "ap-northeast-2" || !expires.Equal(token.Signed.Add(15*time.Minute)) {
		t.Fatalf("%+v, until %s: %v", token, expires, err)
	}
	role.Life(10 * time.Minute)
	_, expires, err = awsidentity.New().BrokerToken(t.Context(), broker)
	if left := time.Until(expires); err != nil || left > 10*time.Minute || left < 4*time.Minute {
		t.Errorf("signed with credentials that end in 10 minutes, it ends in %s: %v", left, err)
	}
}

func TestARoleWhoseEndpointDoesNotAnswerIsAnOutageWithoutASecret(t *testing.T) {
	role := tokentest.NewRole(t)
	role.Down(true)
	identity := awsidentity.New()
	_, atDatabase := identity.DatabaseToken(t.Context(), instance, "balsong")
	_, _, atBroker := identity.BrokerToken(t.Context(), broker)
	_, who := identity.Caller(t.Context())
	for _, err := range []error{atDatabase, atBroker, who} {
		if !errors.Is(err, port.ErrUnavailable) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "authorization") {
			t.Errorf("%v", err)
		}
	}
	role.Down(false)
	if _, err := identity.DatabaseToken(t.Context(), instance, "balsong"); err != nil {
		t.Errorf("after it answers again: %v", err)
	}
}

// No waiting corrects a profile that is not there, nor a file that is none; an endpoint whose name is not known today may be known tomorrow.
func TestAConfigurationThatIsWrongIsAMistakeAndNoOutage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte("[profile other]\nregion = eu-west-3\n[profile robot]\nrole_arn = arn:aws:iam::111122223333:role/robot\nsource_profile = nobody\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{"AWS_PROFILE=nobody": port.ErrInvalid, "AWS_PROFILE=robot": port.ErrInvalid, "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://credentials.invalid/": port.ErrUnavailable} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_CONFIG_FILE", file)
			variable, value, _ := strings.Cut(name, "=")
			t.Setenv(variable, value)
			_, err := awsidentity.New().Config(t.Context())
			_, atDatabase := awsidentity.New().DatabaseToken(t.Context(), instance, "balsong")
			for _, err := range []error{err, atDatabase} {
				if !errors.Is(err, want) || errors.Is(err, port.ErrInvalid) == errors.Is(err, port.ErrUnavailable) {
					t.Errorf("%v", err)
				}
			}
		})
	}
}

func TestTheIdentityIsNamedAndSigningNeedsNoName(t *testing.T) {
	tokentest.NewRole(t)
	if who, err := awsidentity.New().Caller(t.Context()); err != nil || who.ARN != "arn:aws:sts::111122223333:assumed-role/balsong-delivery/task" {
		t.Errorf("%+v: %v", who, err)
	}
	t.Setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
	if who, err := awsidentity.New().Caller(t.Context()); err != nil || who.ARN != "" || who.Source == "" {
		t.Errorf("without STS: %+v: %v", who, err)
	}
}

func TestTheRegionComesFromTheEndpointElseFromAWSsOwnConfiguration(t *testing.T) {
	role := tokentest.NewRole(t)
	for host, want := range map[string]string{
		"bills.abc.eu-central-1.rds.amazonaws.com":              "eu-central-1",
		"BILLS.abc.EU-Central-1.rds.amazonaws.com.":             "eu-central-1",
		"proxy.proxy-abc.us-gov-west-1.rds.amazonaws.com":       "us-gov-west-1",
		"bills.abc.cn-north-1.rds.amazonaws.com.cn":             "cn-north-1",
		"b-1.bills.abc.c2.kafka.ap-northeast-2.amazonaws.com":   "ap-northeast-2",
		"boot-abc.c1.kafka-serverless.us-east-1.amazonaws.com":  "us-east-1",
		"b-1-public.bills.abc.c2.kafka.us-west-2.amazonaws.com": "us-west-2",
		"db.example.com": "", "amazonaws.com": "", "rds.amazonaws.com": "", "x.us-east-1.rds.amazonaws.com.example.com": "", "127.0.0.1": "",
	} {
		if got := awsidentity.RegionOf(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
	if _, err := awsidentity.New().DatabaseToken(t.Context(), "db.example.com:5432", "balsong"); !errors.Is(err, awsidentity.ErrRegion) {
		t.Errorf("without a region: %v", err)
	}
	t.Setenv("AWS_REGION", "eu-west-3")
	text, err := awsidentity.New().DatabaseToken(t.Context(), "db.example.com:5432", "balsong")
	if err != nil {
		t.Fatal(err)
	}
	if token, err := tokentest.Database(text, role.Find, time.Now()); err != nil || token.Region != "eu-west-3" {
		t.Errorf("%+v: %v", token, err)
	}
}
