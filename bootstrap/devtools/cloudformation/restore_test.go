package cloudformation_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/awssecrets/mototest"
	"github.com/balsong/balsong/bootstrap/devtools/cloudformation"
)

const restorePage = "../../../docs/operations/restore.md"

// restoreBlocks are the commands for AWS of the page about a restore: stop what begins, stop the services, restore, check, continue, go back.
func restoreBlocks(t *testing.T) (blocks []string) {
	t.Helper()
	page, err := os.ReadFile(restorePage)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)\n```bash\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		blocks = append(blocks, block[1])
	}
	if len(blocks) != 6 {
		t.Fatalf("the page has %d blocks", len(blocks))
	}
	return blocks
}

// kept are properties of the server that a restore takes over from the old one, as AWS documents it, that name the server itself, or that only allow a change.
var kept = []string{"AllowMajorVersionUpgrade", "DBInstanceIdentifier", "Engine", "EngineVersion", "DBInstanceClass", "DBName", "AllocatedStorage", "StorageType", "StorageEncrypted", "KmsKeyId", "MasterUsername"}

// optionOf is the option of AWS's command line that sets a property, where the names differ by more than their form.
var optionOf = map[string]string{
	"VPCSecurityGroups": "vpc-security-group-ids", "EnableIAMDatabaseAuthentication": "enable-iam-database-authentication", "PerformanceInsightsKMSKeyId": "performance-insights-kms-key-id",
	"MasterUserSecret": "master-user-secret-kms-key-id", "CACertificateIdentifier": "ca-certificate-identifier", "MultiAZ": "multi-az", "DBSubnetGroupName": "db-subnet-group-name",
	"DBParameterGroupName": "db-parameter-group-name",
}

func TestARestoredServerGetsEachPropertyOfTheTemplate(t *testing.T) {
	t.Parallel()
	restore := restoreBlocks(t)[2]
	for _, server := range cloudformation.OfType(read(t, deploy), "AWS::RDS::DBInstance") {
		for _, property := range server.Names() {
			option := optionOf[property]
			if option == "" {
				option = strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(property, "$1-$2"))
			}
			if named := regexp.MustCompile(`--(no-)?` + option + `\b`).MatchString(restore); named == slices.Contains(kept, property) {
				t.Errorf("%s: --%s is named: %t (a restore keeps it: %t)", property, option, named, !named)
			}
		}
	}
}

// newRestore is an account whose server, schedules and services moto has, as the templates make them.
func newRestore(t *testing.T) cloud {
	t.Helper()
	aws, err := filepath.Abs(tool(t, "BALSONG_TEST_AWS"))
	if err != nil {
		t.Fatal(err)
	}
	moto := mototest.Start(t)
	c := newAccount(t, "MOTO="+moto, "REAL="+aws, "AWS_DEFAULT_REGION="+region, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_PAGER=", "USER=somebody")
	made := exec.CommandContext(t.Context(), filepath.Join(filepath.Dir(aws), "python3"), "testdata/make_account.py", region, moto)
	if said, err := made.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return c
}

func TestADatabaseIsRestoredOnAWSByTheCommandsOfThePage(t *testing.T) {
	t.Parallel()
	c := newRestore(t)
	blocks := restoreBlocks(t)
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	said, code := c.run("bash", "-euc", "cd "+root+"\n"+strings.Join(blocks, "\n"))
	if code != 0 {
		t.Fatalf("exit code %d:\n%s", code, said)
	}
	asked := c.asked()
	restored := regexp.MustCompile(`"--source-db-instance-identifier","balsong","--target-db-instance-identifier","(balsong-restored-\d{4}-\d{4})"`).FindStringSubmatch(asked)
	if restored == nil {
		t.Fatalf("what was restored? %s", asked)
	}
	described := exec.CommandContext(t.Context(), "bash", "-euc", `"$REAL" --endpoint-url "$MOTO" rds describe-db-instances --db-instance-identifier `+restored[1]+` --query 'DBInstances[0]' --output json`)
	described.Env = c.environment
	text, err := described.Output()
	var server map[string]any
	if err != nil || json.Unmarshal(text, &server) != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for name, want := range map[string]any{
		"MultiAZ": true, "IAMDatabaseAuthenticationEnabled": true, "DeletionProtection": true, "BackupRetentionPeriod": 14.0, "PubliclyAccessible": false, "StorageEncrypted": true,
		"PreferredBackupWindow": "17:00-18:00", "MonitoringInterval": 60.0,
	} {
		if server[name] != want {
			t.Errorf("the restored server's %s is %v", name, server[name])
		}
	}
	address := server["Endpoint"].(map[string]any)["Address"].(string) //nolint:forcetypeassert // as AWS documents it
	order := `(?s)"ScheduleState=DISABLED".*"ScalingState=SUSPENDED".*"update-service".*"SettlementTasks=0","FeedbackTasks=0".*"restore-db-instance-to-point-in-time".*"DatabaseResourceId=db-[A-Z0-9]+".*` +
		`\\"restore-check\\".*\\"--apply\\".*"DatabaseAddress=` + regexp.QuoteMeta(address) + `".*\\"resume\\".*\\"doctor\\".*"ScalingState=ENABLED","SettlementTasks=2","FeedbackTasks=1","ScheduleState=ENABLED".*"Database=` + restored[1] + `".*` +
		`"DatabaseResourceId=".*"DatabaseAddress=".*"Database="`
	if !regexp.MustCompile(order).MatchString(asked) {
		t.Errorf("it asked %s", asked)
	}
	for line := range strings.Lines(asked) {
		restored := strings.Contains(line, `postgres://balsong@`+address+`:5432/balsong?sslmode=verify-full`)
		if alone := regexp.MustCompile(`\\"(restore-check|resume)\\"`).MatchString(line); strings.Contains(line, `"run-task"`) && alone != restored && !strings.Contains(line, `\"status\"`) {
			t.Errorf("the restored database is given to (%t): %s", restored, line)
		}
	}
}

// An earlier restore has left its server in use, and the one before it abandoned.
func TestTheSourceOfASecondRestoreIsTheServerInUse(t *testing.T) {
	t.Parallel()
	first := restoreBlocks(t)[0]
	for address, want := range map[string]string{"": "balsong", "balsong-restored-1025-0940.abc.ap-northeast-2.rds.amazonaws.com": "balsong-restored-1025-0940"} {
		c := newAccount(t, "RESTORED_ADDRESS="+address)
		said, code := c.run("bash", "-euc", "cd ../../..\n"+first)
		if code != 0 || !regexp.MustCompile("from "+want+` to balsong-restored-\d{4}-\d{4}; SettlementTasks=2 ScheduleState=ENABLED FeedbackTasks=1`).MatchString(said) {
			t.Errorf("in use is %q: exit code %d: %s", address, code, said)
		}
	}
}

// Whoever pastes the blocks one after the other must not continue behind a check that was refused.
func TestNothingContinuesBehindACheckThatWasRefused(t *testing.T) {
	t.Parallel()
	for exit, continues := range map[string]bool{"0": true, "5": false} {
		c := newAccount(t, "USER=somebody")
		blocks := restoreBlocks(t)
		before := "cd ../../..\nexport BALSONG_NAME=balsong DATABASE=balsong-restored TASKS=2 SCHEDULE=ENABLED\nnew() { echo balsong-restored.abc; }\n"
		said, _ := c.run("bash", "-uc", before+"export EXIT="+exit+"\n"+blocks[3]+"\nunset EXIT\n"+blocks[4])
		asked := c.requests()
		if resumed := strings.Contains(asked, `\"resume\"`); !strings.Contains(asked, `\"restore-check\"`) || resumed != continues || strings.Contains(asked, `"DatabaseAddress=balsong-restored.abc"`) != continues {
			t.Errorf("a check that ends with %s: it says %s and asks %s", exit, said, asked)
		}
	}
}

// What run.sh gives a task is what the template would.
func TestATaskCanBeGivenARestoredDatabase(t *testing.T) {
	t.Parallel()
	template, containers := services(t, deploy)
	values := everything()
	values["DatabaseAddress"] = "balsong-restored.abc.ap-northeast-2.rds.amazonaws.com"
	for _, container := range containers {
		given, err := container.Environment(template, values.WithDefaults(template))
		if err != nil {
			t.Fatal(err)
		}
		c := newAccount(t, "DATABASE_ADDRESS="+values["DatabaseAddress"])
		said, code := c.run("bash", filepath.Join(deploy, "run.sh"), container.Name, "--help")
		switch container.Name {
		case "batch", "balsong":
			if asked := c.asked(); code != 0 || !strings.Contains(asked, `{\"name\":\"DATABASE_URL\",\"value\":\"`+given["DATABASE_URL"]+`\"}`) {
				t.Errorf("%s: exit code %d: %s\n%s", container.Name, code, said, asked)
			}
		default:
			if code != 2 {
				t.Errorf("%s is run on a database that was not checked: exit code %d: %s", container.Name, code, said)
			}
		}
	}
}
