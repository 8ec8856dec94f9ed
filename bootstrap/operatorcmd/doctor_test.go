package operatorcmd_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
)

// A deployment asks the doctor before it starts services: advice alone keeps nothing from starting.
func TestTheDoctorsExitCodeTellsProblemsAdviceAndMissingVariables(t *testing.T) {
	if os.Getenv("BALSONG_TEST_KAFKA_BROKERS") == "" {
		t.Fatal("this test needs the components: run through `make test`")
	}
	for _, v := range config.Variables[config.Everything]() {
		t.Setenv(v.Name, "") // is the default
	}
	run := balsong(t)
	provider := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(provider.Close)
	name := "doctor-" + strings.ToLower(rand.Text())
	t.Chdir(t.TempDir())
	for variable, value := range map[string]string{
		"BALSONG_KAFKA_BROKERS": os.Getenv("BALSONG_TEST_KAFKA_BROKERS"), "BALSONG_KAFKA_TOPIC_PREFIX": name + "-",
		"BALSONG_KAFKA_PARTITIONS": "1", "BALSONG_KAFKA_REPLICATION": "1", "BALSONG_KAFKA_MIN_INSYNC": "1",
		"BALSONG_S3_BUCKET": name, "BALSONG_S3_REGION": os.Getenv("BALSONG_TEST_S3_REGION"), "BALSONG_S3_ENDPOINT": os.Getenv("BALSONG_TEST_S3_ENDPOINT"),
		"BALSONG_S3_ACCESS_KEY": os.Getenv("BALSONG_TEST_S3_ACCESS_KEY"), "BALSONG_S3_SECRET_KEY": os.Getenv("BALSONG_TEST_S3_SECRET_KEY"),
		"BALSONG_KEYSET_FILE": "keyset.json", "BALSONG_SMS_URL": provider.URL,
	} {
		t.Setenv(variable, value)
	}
	run(core.ExitOK, "keyset", "new", "--file", "keyset.json")
	run(core.ExitOK, "batch", "migrate")
	if said := run(core.ExitOK, "doctor"); !strings.Contains(said, "one copy of each partition") {
		t.Errorf("there is no advice, which is no problem:\n%s", said)
	}
	provider.Close()
	var findings []doctor.Finding
	if said := run(core.ExitFailed, "doctor", "--output", "json"); json.Unmarshal([]byte(said), &findings) != nil || doctor.Problems(findings) != 1 {
		t.Errorf("one gateway is away:\n%s", said)
	}
	t.Setenv("BALSONG_S3_BUCKET", "")
	if said := run(core.ExitUsage, "doctor"); !strings.Contains(said, "BALSONG_S3_BUCKET is empty") || !strings.Contains(said, "connection refused") {
		t.Errorf("a variable is missing, and a gateway away:\n%s", said)
	}
}

// What a service would end with at its start, the doctor says before: of every variable that the help of some command lists.
func TestTheDoctorReadsEveryVariableOfEveryProgram(t *testing.T) {
	run := balsong(t)
	listed := map[string]bool{}
	var list func(cmd *cobra.Command)
	list = func(cmd *cobra.Command) {
		var help bytes.Buffer
		cli.Run(t.Context(), program(cmd.Root().Name()), append(strings.Fields(cmd.CommandPath())[1:], "--help"), &help, &help)
		for _, line := range regexp.MustCompile(`(?m)^  ([A-Z][A-Z0-9_]{5,}) `).FindAllStringSubmatch(help.String(), -1) {
			listed[line[1]] = true
		}
		for _, sub := range cmd.Commands() {
			list(sub)
		}
	}
	for _, p := range programs() {
		list(p)
	}
	for name := range listed {
		t.Setenv(name, foreign)
	}
	for _, name := range []string{"BALSONG_KEYSET_FILE", "BALSONG_KEYSET_KMS_KEY"} { // instead of BALSONG_KEYSET, and with it
		t.Setenv(name, "")
		delete(listed, name)
	}
	said := run(core.ExitUsage, "doctor")
	for name := range listed {
		if !strings.Contains(said, name+": ") {
			t.Errorf("%s refers to a file that is not there, and the doctor does not say so", name)
		}
	}
	if len(listed) < 60 {
		t.Errorf("only %d variables are listed: %v", len(listed), listed)
	}
	if t.Failed() {
		t.Log(said)
	}
}
