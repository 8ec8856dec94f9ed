package operatorcmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/balsong/balsong/adapters/awssecrets/mototest"
	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
)

// keysetCommand runs `balsong keyset …` and returns what it says.
func keysetCommand(t *testing.T, arguments ...string) (said string, err error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newKeyset()
	cli.AddOutput(cmd)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(arguments)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// states lists the keys as `keyset show` does.
func states(t *testing.T, file string, more ...string) (lines []keyLine) {
	t.Helper()
	said, err := keysetCommand(t, append([]string{"show", "--file", file, "--output", "json"}, more...)...)
	if err != nil || json.Unmarshal([]byte(said), &lines) != nil {
		t.Fatalf("%s: %v", said, err)
	}
	return lines
}

func succeeds(t *testing.T, arguments ...string) string {
	t.Helper()
	said, err := keysetCommand(t, arguments...)
	if err != nil {
		t.Fatalf("%v: %v", arguments, err)
	}
	return said
}

func TestAKeyIsRotatedStepByStepAndEachStepSaysTheNext(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keyset.json")
	if said := succeeds(t, "new", "--file", file); !strings.Contains(said, "BALSONG_KEYSET_FILE="+file) {
		t.Errorf("new says %q", said)
	}
	if _, err := keysetCommand(t, "new", "--file", file); err == nil || !strings.Contains(err.Error(), "never overwritten") {
		t.Errorf("a second one over it: %v", err)
	}
	first := states(t, file)[0].ID
	said := succeeds(t, "add", "--file", file)
	second := states(t, file)[1].ID
	if !strings.Contains(said, fmt.Sprintf("balsong keyset promote --file %s --id %d", file, second)) || states(t, file)[0].State != "seals and opens (primary)" {
		t.Errorf("add says %q: %v", said, states(t, file))
	}
	said = succeeds(t, "promote", "--file", file, "--id", fmt.Sprint(second))
	if !strings.Contains(said, fmt.Sprintf("disable --file %s --id %d", file, first)) || !strings.Contains(said, "7 days") {
		t.Errorf("promote says %q", said)
	}
	if _, err := keysetCommand(t, "remove", "--file", file, "--id", fmt.Sprint(first)); err == nil || !strings.Contains(err.Error(), "disable it first") {
		t.Errorf("remove a key that is enabled: %v", err)
	}
	for _, use := range []string{"disable", "remove"} {
		if _, err := keysetCommand(t, use, "--file", file, "--id", fmt.Sprint(second)); err == nil || !strings.Contains(err.Error(), "primary") {
			t.Errorf("%s the primary key: %v", use, err)
		}
	}
	succeeds(t, "disable", "--file", file, "--id", fmt.Sprint(first))
	if s := states(t, file); !strings.Contains(s[0].State, "disabled") {
		t.Errorf("disabled: %v", s)
	}
	succeeds(t, "enable", "--file", file, "--id", fmt.Sprint(first))
	succeeds(t, "disable", "--file", file, "--id", fmt.Sprint(first))
	succeeds(t, "remove", "--file", file, "--id", fmt.Sprint(first))
	if s := states(t, file); len(s) != 1 || s[0].ID != second {
		t.Errorf("removed: %v", s)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's rights are %v: %v", info.Mode(), err)
	}
}

// A task has no file: what its variables name is looked at.
func TestTheConfiguredKeysetIsShownWithoutAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keyset.json")
	succeeds(t, "new", "--file", file)
	want := succeeds(t, "show", "--file", file)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("BALSONG_KEYSET", "")
	t.Setenv("BALSONG_KEYSET_FILE", "")
	if _, err := keysetCommand(t, "show"); !errors.Is(err, config.ErrNoKeyset) {
		t.Errorf("without one: %v", err)
	}
	t.Setenv("BALSONG_KEYSET_FILE", file)
	if said := succeeds(t, "show"); said != want {
		t.Errorf("%s\nwant\n%s", said, want)
	}
	t.Setenv("BALSONG_KEYSET_FILE", "")
	t.Setenv("BALSONG_KEYSET", string(content))
	if said := succeeds(t, "show"); said != want {
		t.Errorf("%s\nwant\n%s", said, want)
	}
}

func TestNoCommandShowsAKeyAndAFailedOneChangesNothing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key set.json")
	succeeds(t, "new", "--file", file)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	material := regexp.MustCompile(`"value": ?"([^"]+)"`).FindSubmatch(content)
	if material == nil {
		t.Fatalf("no key in %d bytes", len(content))
	}
	said := succeeds(t, "show", "--file", file)
	for _, arguments := range [][]string{
		{"promote", "--file", file, "--id", "1"},
		{"remove", "--file", file, "--id", "1"},
		{"disable", "--file", file, "--id", "1"},
		{"wrap", "--file", file},
		{"show", "--file", file, "--kms-key", "alias/x"},
		{"add", "--file", file + ".gone"},
	} {
		more, err := keysetCommand(t, arguments...)
		if err == nil {
			t.Errorf("%v succeeds", arguments)
			continue
		}
		said += more + err.Error()
	}
	if strings.Contains(said, string(material[1][:12])) {
		t.Errorf("a key is shown: %s", said)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, content) {
		t.Errorf("the file has changed: %v", err)
	}
	if err := os.WriteFile(file, []byte(`{"key":[`+string(material[1])), 0o600); err != nil {
		t.Fatal(err)
	}
	if more, err := keysetCommand(t, "add", "--file", file); err == nil || strings.Contains(more+err.Error(), string(material[1][:12])) {
		t.Errorf("a broken file: %s, %v", more, err)
	}
	if said := succeeds(t, "new", "--file", file+"2"); !strings.Contains(said, "'"+file+"2'") {
		t.Errorf("a path with a space is not quoted: %q", said)
	}
}

func TestAWrappedKeysetIsRotatedWithoutEverLyingInTheClear(t *testing.T) {
	endpoint := mototest.Start(t)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "ap-northeast-2", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	} {
		t.Setenv(name, value)
	}
	made, err := kms.NewFromConfig(aws.Config{
		Region: "ap-northeast-2", BaseEndpoint: aws.String(endpoint), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}).CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	id, file := *made.KeyMetadata.Arn, filepath.Join(t.TempDir(), "keyset.json")
	wrapped := func() {
		t.Helper()
		if content, err := os.ReadFile(file); err != nil || !crypto.Wrapped(content) {
			t.Fatalf("the file is not wrapped: %v", err)
		}
	}
	succeeds(t, "new", "--file", file)
	before := states(t, file)
	if said := succeeds(t, "wrap", "--file", file, "--kms-key", id); !strings.Contains(said, "BALSONG_KEYSET_KMS_KEY="+id) {
		t.Errorf("wrap says %q", said)
	}
	wrapped()
	if after := states(t, file, "--kms-key", id); after[0] != before[0] {
		t.Errorf("wrapped: %v, was %v", after, before)
	}
	succeeds(t, "add", "--file", file, "--kms-key", id)
	wrapped()
	if after := states(t, file, "--kms-key", id); len(after) != 2 {
		t.Errorf("added: %v", after)
	}
	if _, err := keysetCommand(t, "add", "--file", file); err == nil || !strings.Contains(err.Error(), "BALSONG_KEYSET_KMS_KEY") {
		t.Errorf("without its KMS key: %v", err)
	}
	file += "2"
	succeeds(t, "new", "--file", file, "--kms-key", id)
	wrapped()
}
