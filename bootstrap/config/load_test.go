package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/config"
)

func written(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestASecretComesFromTheVariableItsFileOrAReference(t *testing.T) {
	for name, set := range map[string]map[string]string{
		"the variable":     {"BALSONG_KAFKA_PASSWORD": "hunter 2"},
		"its file":         {"BALSONG_KAFKA_PASSWORD_FILE": written(t, "hunter 2\n")},
		"a reference":      {"BALSONG_KAFKA_PASSWORD": "file:" + written(t, "hunter 2\r\n")},
		"one for the user": {"BALSONG_KAFKA_PASSWORD": "hunter 2", "BALSONG_KAFKA_USER": "file:" + written(t, "balsong")},
	} {
		t.Run(name, func(t *testing.T) {
			if set["BALSONG_KAFKA_USER"] == "" {
				set["BALSONG_KAFKA_USER"] = "balsong"
			}
			environment(t, set)
			c, err := config.Load[config.Dispatcher](t.Context())
			if err != nil || c.Kafka.Password != "hunter 2" || c.Kafka.User != "balsong" {
				t.Fatalf("user %q, password %q: %v", c.Kafka.User, c.Kafka.Password, err)
			}
		})
	}
}

func TestAURLThatIsRequiredMayComeFromItsFile(t *testing.T) {
	environment(t, map[string]string{"DATABASE_URL": "", "DATABASE_URL_FILE": written(t, "postgres://u:p@h/x?sslmode=disable\n")})
	c, err := config.Load[config.Operator](t.Context())
	if err != nil || c.Database.URL != "postgres://u:p@h/x?sslmode=disable" {
		t.Fatalf("%q: %v", c.Database.URL, err)
	}
}

func TestAPasswordThatComesAloneNeedsNoEncoding(t *testing.T) {
	environment(t, map[string]string{"DATABASE_URL": "postgres://balsong@db:5432/balsong?sslmode=require", "BALSONG_DB_PASSWORD": "a b/c@d%e"})
	c, err := config.Load[config.Operator](t.Context())
	if err != nil || c.Database.URL != "postgres://balsong:a%20b%2Fc%40d%25e@db:5432/balsong?sslmode=require" || c.Database.Password != "" {
		t.Fatalf("%q: %v", c.Database.URL, err)
	}
	environment(t, map[string]string{"BALSONG_DB_PASSWORD": "x"}) // the URL has one already
	if _, err := config.Load[config.Operator](t.Context()); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "take one away") {
		t.Fatalf("two passwords: %v", err)
	}
}

func TestEveryReferenceThatCannotBeFollowedIsNamedWithItsVariable(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	environment(t, map[string]string{
		"DATABASE_URL_FILE": "x", "BALSONG_KAFKA_PASSWORD_FILE": gone, "BALSONG_SMTP_PASSWORD": "file:" + written(t, "\n"),
		"BALSONG_SMS_TOKEN": "ssm:", "BALSONG_PUSH_TOKEN": "secretsmanager:x#",
	})
	_, err := config.Load[config.Deliverer](t.Context())
	if !errors.Is(err, config.ErrInvalid) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"DATABASE_URL and DATABASE_URL_FILE are both set", "BALSONG_KAFKA_PASSWORD: ", gone + ": no such file", "BALSONG_SMTP_PASSWORD: ", "it is empty",
		"BALSONG_SMS_TOKEN: ", "want ssm:/path/to/it", "BALSONG_PUSH_TOKEN: ", "the field's name behind # is missing",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
}

func TestTheKeysetIsReadAtTheStartAndItsPlaceIsKept(t *testing.T) {
	file := written(t, `{"primaryKeyId":1}`)
	for name, c := range map[string]struct {
		set    map[string]string
		source string
	}{
		"the variable": {map[string]string{"BALSONG_KEYSET": `{"primaryKeyId":1}`}, ""},
		"its file":     {map[string]string{"BALSONG_KEYSET_FILE": file}, "file:" + file},
		"a reference":  {map[string]string{"BALSONG_KEYSET": "file:" + file}, "file:" + file},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.set)
			loaded, err := config.Load[config.Deliverer](t.Context())
			if err != nil || loaded.Keys.Keyset != `{"primaryKeyId":1}` || loaded.Keys.Source != c.source {
				t.Fatalf("%q from %q: %v", loaded.Keys.Keyset, loaded.Keys.Source, err)
			}
			part, err := config.Load[config.Statement](t.Context())
			if keys := part.CustomerBills.Keys; err != nil || keys != loaded.Keys {
				t.Fatalf("as a part of a part: %q from %q: %v", keys.Keyset, keys.Source, err)
			}
		})
	}
	for name, c := range map[string]struct {
		set  map[string]string
		says string
	}{
		"both":           {map[string]string{"BALSONG_KEYSET": "x", "BALSONG_KEYSET_FILE": file}, "both set"},
		"no such file":   {map[string]string{"BALSONG_KEYSET_FILE": file + ".gone"}, "BALSONG_KEYSET_FILE: file:" + file + ".gone"},
		"not wrapped":    {map[string]string{"BALSONG_KEYSET_FILE": file, "BALSONG_KEYSET_KMS_KEY": "alias/balsong"}, "not wrapped"},
		"wrapped, alone": {map[string]string{"BALSONG_KEYSET": `{"encryptedKeyset":"AAAA"}`}, "set BALSONG_KEYSET_KMS_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.set)
			if _, err := config.Load[config.Deliverer](t.Context()); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
				t.Fatal(err)
			}
		})
	}
}

func TestAVariableThatIsNotReadAnyMoreIsRefusedByName(t *testing.T) {
	for _, name := range []string{"BALSONG_SETTLE_OVERLAP", "BALSONG_SETTLE_OVERLAP_FILE"} {
		t.Run(name, func(t *testing.T) {
			environment(t, nil)
			t.Setenv(name, "2m")
			for load, err := range map[string]error{
				"dispatcher": loaded[config.Dispatcher](t), "import": loaded[config.Import](t), "operator": loaded[config.Operator](t),
			} {
				if !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "BALSONG_SETTLE_OVERLAP is not a setting any more") {
					t.Errorf("%s: %v", load, err)
				}
			}
		})
	}
}

func loaded[C any](t *testing.T) error {
	t.Helper()
	_, err := config.Load[C](t.Context())
	return err
}
