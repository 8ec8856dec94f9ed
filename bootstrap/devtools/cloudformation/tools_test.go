package cloudformation_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/repotest"
)

// tool is a program that `make deploy-check` installs and names; without it the test is skipped.
func tool(t *testing.T, variable string) string {
	t.Helper()
	return repotest.Tool(t, variable, "make deploy-check")
}

// A check that was never seen to fail may be one that does not run.
func TestCfnLintFindsWhatAWSWouldRefuse(t *testing.T) {
	t.Parallel()
	lint := tool(t, "BALSONG_TEST_CFN_LINT")
	for _, b := range []broken{
		{"data", "MultiAZ: true", "MultiAz: true", "Did you mean 'MultiAZ'"},
		{"data", "BackupRetentionPeriod: !Ref BackupDays", "BackupRetentionPeriod: 99", "greater than the maximum of 35"},
		{"services", "Cpu: 512", "Cpu: 500", "E3047"},
		{"network", "VpcId: !Ref Vpc\n      AvailabilityZone: !Select [2", "VpcId: !Ref Vpcs\n      AvailabilityZone: !Select [2", "Vpcs"},
	} {
		t.Run(b.mistake, func(t *testing.T) {
			t.Parallel()
			said, err := exec.CommandContext(t.Context(), lint, filepath.Join(b.copy(t), b.file+".yaml")).CombinedOutput()
			if err == nil || !strings.Contains(string(said), b.want) {
				t.Errorf("it said %q (%v), wanted %q", said, err, b.want)
			}
		})
	}
}

func TestCheckovFindsWhatIsUnsafe(t *testing.T) {
	t.Parallel()
	checkov := tool(t, "BALSONG_TEST_CHECKOV")
	mistakes := map[string]broken{
		"CKV_AWS_54":  {"data", "BlockPublicPolicy: true", "BlockPublicPolicy: false", ""},
		"CKV_AWS_16":  {"data", "StorageEncrypted: true", "StorageEncrypted: false", ""},
		"CKV_AWS_18":  {"data", "id: CKV_AWS_18", "id: CKV_AWS_99", ""}, // not suppressed any more
		"CKV_AWS_111": {"access", "Action: s3:DeleteObject\n            Resource: !Sub [", "Action: s3:DeleteObject\n            Resource: '*'\n            NotResource: !Sub [", ""},
		"CKV_AWS_260": {"network", "IpProtocol: tcp, FromPort: 5432, ToPort: 5432, SourceSecurityGroupId: !Ref TaskGroup", "IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0", ""},
	}
	dir := t.TempDir() // one run for all: the program needs seconds to start
	for id, b := range mistakes {
		if err := os.Rename(filepath.Join(b.copy(t), b.file+".yaml"), filepath.Join(dir, id+".yaml")); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := exec.CommandContext(t.Context(), checkov, "--framework", "cloudformation", "--skip-download", "--quiet", "--compact", "-o", "json", "-d", dir).Output()
	var answer struct {
		Results struct {
			Failed []struct {
				ID   string `json:"check_id"`
				File string `json:"file_path"`
			} `json:"failed_checks"`
		} `json:"results"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	for id := range mistakes {
		if !slices.ContainsFunc(answer.Results.Failed, func(f struct {
			ID   string `json:"check_id"`
			File string `json:"file_path"`
		},
		) bool {
			return f.ID == id && strings.HasSuffix(f.File, id+".yaml")
		}) {
			t.Errorf("%s was not found; found: %v", id, answer.Results.Failed)
		}
	}
}
