package awssecrets_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/balsong/balsong/adapters/awssecrets"
	"github.com/balsong/balsong/adapters/awssecrets/mototest"
)

const region = "ap-northeast-2"

// account is a client of ours, and AWS as an administrator sees it.
type account struct {
	secrets *awssecrets.Secrets
	admin   aws.Config
}

func setup(t *testing.T) account {
	t.Helper()
	endpoint := mototest.Start(t)
	secrets, err := awssecrets.New(t.Context(), awssecrets.Config{Region: region, Endpoint: endpoint, AccessKey: "test", SecretKey: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return account{secrets: secrets, admin: aws.Config{
		Region: region, BaseEndpoint: aws.String(endpoint), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func TestAParameterIsReadDecrypted(t *testing.T) {
	t.Parallel()
	a := setup(t)
	must[*ssm.PutParameterOutput](t)(ssm.NewFromConfig(a.admin).PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String("/balsong/kafka-password"), Value: aws.String("hunter 2"), Type: types.ParameterTypeSecureString,
	}))
	if value, err := a.secrets.Parameter(t.Context(), "/balsong/kafka-password"); err != nil || string(value) != "hunter 2" {
		t.Fatalf("%q: %v", value, err)
	}
	_, err := a.secrets.Parameter(t.Context(), "/balsong/nothing")
	if !errors.Is(err, awssecrets.ErrRefused) || !strings.Contains(err.Error(), "/balsong/nothing in "+region+": it does not exist") {
		t.Fatalf("a parameter that is not there: %v", err)
	}
}

func TestASecretIsReadByItsNameAndByItsARN(t *testing.T) {
	t.Parallel()
	a := setup(t)
	manager := secretsmanager.NewFromConfig(a.admin)
	made := must[*secretsmanager.CreateSecretOutput](t)(manager.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
		Name: aws.String("balsong/db"), SecretString: aws.String(`{"password":"hunter2"}`),
	}))
	must[*secretsmanager.CreateSecretOutput](t)(manager.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
		Name: aws.String("balsong/raw"), SecretBinary: []byte{0, 1, 2},
	}))
	elsewhere := must[*awssecrets.Secrets](t)(awssecrets.New(t.Context(), awssecrets.Config{
		Region: "eu-west-1", Endpoint: *a.admin.BaseEndpoint, AccessKey: "test", SecretKey: "test",
	}))
	for name, of := range map[string]*awssecrets.Secrets{"balsong/db": a.secrets, *made.ARN: elsewhere} {
		if value, err := of.Secret(t.Context(), name); err != nil || string(value) != `{"password":"hunter2"}` {
			t.Errorf("%s: %q: %v", name, value, err)
		}
	}
	if value, err := a.secrets.Secret(t.Context(), "balsong/raw"); err != nil || !bytes.Equal(value, []byte{0, 1, 2}) {
		t.Errorf("a binary secret: %v: %v", value, err)
	}
	if _, err := elsewhere.Secret(t.Context(), "balsong/db"); !errors.Is(err, awssecrets.ErrRefused) || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("a secret of another region: %v", err)
	}
}

func TestAKeyWrapsAndUnwrapsForItsPurposeAlone(t *testing.T) {
	t.Parallel()
	a := setup(t)
	service := kms.NewFromConfig(a.admin)
	one := must[*kms.CreateKeyOutput](t)(service.CreateKey(t.Context(), &kms.CreateKeyInput{})).KeyMetadata
	other := must[*kms.CreateKeyOutput](t)(service.CreateKey(t.Context(), &kms.CreateKeyInput{})).KeyMetadata
	wrapped := must[[]byte](t)(a.secrets.Wrapping(*one.KeyId).EncryptWithContext(t.Context(), []byte("keyset"), []byte("purpose")))
	if plain, err := a.secrets.Wrapping(*one.Arn).DecryptWithContext(t.Context(), wrapped, []byte("purpose")); err != nil || string(plain) != "keyset" {
		t.Fatalf("%q: %v", plain, err)
	}
	for name, key := range map[string]struct{ id, purpose string }{
		"another key": {*other.KeyId, "purpose"}, "another purpose": {*one.KeyId, "else"}, "no such key": {"00000000-0000-0000-0000-000000000000", "purpose"},
	} {
		_, err := a.secrets.Wrapping(key.id).DecryptWithContext(t.Context(), wrapped, []byte(key.purpose))
		if !errors.Is(err, awssecrets.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
