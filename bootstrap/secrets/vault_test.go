package secrets_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/balsong/balsong/adapters/awssecrets"
	"github.com/balsong/balsong/adapters/awssecrets/mototest"
	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/bootstrap/secrets"
)

func TestAReferenceIsToldFromAValueThatLooksLikeOne(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]secrets.Reference{
		"hunter2":            {},
		"postgres://u:p@h/x": {},
		"ssmx:/a":            {},
		"file:/run/secret":   {Kind: secrets.File, Name: "/run/secret"},
		"ssm:/balsong/db":    {Kind: secrets.ParameterStore, Name: "/balsong/db"},
		"secretsmanager:arn:aws:secretsmanager:eu-west-1:1:secret:db-AbC#password": {Kind: secrets.SecretsManager, Name: "arn:aws:secretsmanager:eu-west-1:1:secret:db-AbC", Field: "password"},
	} {
		got, is, err := secrets.Parse(value)
		if err != nil || got != want || is != (want.Kind != "") {
			t.Errorf("%q: %+v, %v: %v", value, got, is, err)
		}
	}
	for _, value := range []string{"file:", "ssm:", "secretsmanager:", "secretsmanager:x#", "secretsmanager:#x", "ssm:/a\nb"} {
		if _, is, err := secrets.Parse(value); !is || !errors.Is(err, secrets.ErrReference) {
			t.Errorf("%q: %v: %v", value, is, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "x", "file:/a", "ssm:/a/b", "secretsmanager:a#b", "secretsmanager:arn:aws:x:y:1:z#b", "file:\x00", "ssm:\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r, is, err := secrets.Parse(value)
		if is && err == nil {
			again, isStill, err := secrets.Parse(r.String())
			plain := !strings.Contains(r.String(), `"`) && !strings.Contains(r.String(), `\`)
			if plain && (err != nil || !isStill || again != r) {
				t.Fatalf("%q reads as %+v, which is written %q and reads as %+v: %v", value, r, r, again, err)
			}
		}
		if !is && (err != nil || r != secrets.Reference{}) {
			t.Fatalf("%q is no reference: %+v, %v", value, r, err)
		}
	})
}

// account is AWS as an administrator sees it.
func account(t *testing.T, endpoint string) (aws.Config, awssecrets.Config) {
	t.Helper()
	const region = "ap-northeast-2"
	return aws.Config{Region: region, BaseEndpoint: aws.String(endpoint), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")},
		awssecrets.Config{Region: region, Endpoint: endpoint, AccessKey: "test", SecretKey: "test"}
}

func TestSecretsAreReadFromAWS(t *testing.T) {
	t.Parallel()
	admin, ours := account(t, mototest.Start(t))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := ssm.NewFromConfig(admin).PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String("/balsong/kafka"), Value: aws.String("hunter 2\n"), Type: types.ParameterTypeSecureString,
	})
	must(err)
	_, err = secretsmanager.NewFromConfig(admin).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
		Name: aws.String("balsong/db"), SecretString: aws.String(`{"username":"balsong","password":"p w","port":5432,"keyset":{"primaryKeyId":7}}`),
	})
	must(err)
	vault := secrets.NewVault(ours, nil, 0)
	for reference, want := range map[string]string{
		"ssm:/balsong/kafka": "hunter 2", "secretsmanager:balsong/db#password": "p w", "secretsmanager:balsong/db#port": "5432",
		"secretsmanager:balsong/db#keyset": `{"primaryKeyId":7}`,
	} {
		if got, err := vault.Read(t.Context(), reference); err != nil || string(got) != want {
			t.Errorf("%s: %q: %v", reference, got, err)
		}
	}
	for reference, says := range map[string]string{
		"secretsmanager:balsong/db#passwort": `has no field "passwort"`, "ssm:/balsong/none": "does not exist", "secretsmanager:balsong/none#x": "does not exist",
	} {
		if _, err := vault.Read(t.Context(), reference); !secrets.Refused(err) || !strings.Contains(err.Error(), reference) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", reference, err)
		}
	}
}

func TestAKeysetIsUnwrappedByItsKMSKey(t *testing.T) {
	t.Parallel()
	admin, ours := account(t, mototest.Start(t))
	made, err := kms.NewFromConfig(admin).CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	vault, id := secrets.NewVault(ours, nil, 0), *made.KeyMetadata.Arn
	plain, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := vault.Wrap(t.Context(), plain, id)
	if err != nil {
		t.Fatal(err)
	}
	unwrapped, err := vault.Unwrap(t.Context(), wrapped, id)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := crypto.Keys(plain)
	if after, err := crypto.Keys(unwrapped); err != nil || after[0] != before[0] {
		t.Fatalf("%v, was %v: %v", after, before, err)
	}
	if _, err := vault.Unwrap(t.Context(), wrapped, "alias/none"); !secrets.Refused(err) || !strings.Contains(err.Error(), "alias/none") {
		t.Errorf("a key that is not there: %v", err)
	}
}

// stub answers as Parameter Store, as it is told.
func stub(t *testing.T, answer func(call int32) (status int, body string)) *secrets.Vault {
	t.Helper()
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		status, body := answer(calls.Add(1))
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	_, ours := account(t, server.URL)
	ours.Tries = 1
	return secrets.NewVault(ours, outage.New(observe.Clock{}, &memory.Log{}), 20*time.Second)
}

const forbidden = `{"__type":"AccessDeniedException"}`

func TestAnOutageIsWaitedForAndARefusalIsNot(t *testing.T) {
	t.Parallel()
	vault := stub(t, func(call int32) (int, string) {
		if call < 3 {
			return http.StatusServiceUnavailable, "{}"
		}
		return http.StatusOK, `{"Parameter":{"Name":"/x","Value":"hunter2"}}`
	})
	if value, err := vault.Read(t.Context(), "ssm:/x"); err != nil || string(value) != "hunter2" {
		t.Errorf("after an outage: %q: %v", value, err)
	}
	refusing := stub(t, func(call int32) (int, string) {
		if call > 1 {
			t.Error("asked again")
		}
		return http.StatusBadRequest, forbidden
	})
	if _, err := refusing.Read(t.Context(), "ssm:/x"); !secrets.Refused(err) || !strings.Contains(err.Error(), "allow ssm:GetParameter") {
		t.Errorf("refused: %v", err)
	}
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"between two tries": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"in the middle of a try": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then does a server see that its client has gone
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(answer)
			t.Cleanup(server.Close)
			_, ours := account(t, server.URL)
			ours.Tries = 1
			vault := secrets.NewVault(ours, outage.New(observe.Clock{}, &memory.Log{}), 300*time.Millisecond)
			if _, err := vault.Read(t.Context(), "ssm:/x"); !errors.Is(err, port.ErrUnavailable) || secrets.Refused(err) || !strings.Contains(err.Error(), "given up after 300ms") {
				t.Fatal(err)
			}
		})
	}
}

func TestAFileIsBounded(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(file, make([]byte, 70<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	vault := secrets.NewVault(awssecrets.Config{}, nil, 0)
	for _, path := range []string{file, filepath.Dir(file), file + ".gone"} {
		if _, err := vault.Look(t.Context(), "file:"+path); !errors.Is(err, secrets.ErrReference) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
