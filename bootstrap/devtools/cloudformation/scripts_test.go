package cloudformation_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/awssecrets/mototest"
)

// cloud is moto with the stacks of network, access and services, and AWS's command line before it.
type cloud struct {
	*testing.T
	environment []string
}

const region = "ap-northeast-2"

func newCloud(t *testing.T) cloud {
	t.Helper()
	aws := tool(t, "BALSONG_TEST_AWS")
	c := cloud{t, append(os.Environ(), "PATH="+filepath.Dir(aws)+":"+os.Getenv("PATH"), "AWS_ENDPOINT_URL="+mototest.Start(t), "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_PAGER=")}
	for _, template := range read(t, deploy) {
		name := strings.TrimSuffix(template.File, ".yaml")
		if name == "data" || name == "alarms" {
			continue // moto has no RDS attributes of a server that IAM policies and secrets need, and no configuration of MSK
		}
		text, err := template.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var document any
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		if text, err = json.Marshal(forMoto(document)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), name+".json")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		arguments := []string{"cloudformation", "create-stack", "--stack-name", "balsong-" + name, "--template-body", "file://" + file, "--capabilities", "CAPABILITY_NAMED_IAM", "--parameters"}
		switch name {
		case "access":
			arguments = append(arguments, "ParameterKey=GitHubRepository,ParameterValue=balsong/balsong")
		case "services":
			arguments = append(arguments, "ParameterKey=ImageTag,ParameterValue=v1")
		default:
			arguments = append(arguments, "ParameterKey=Name,ParameterValue=balsong")
		}
		if said, code := c.run("aws", arguments...); code != 0 {
			t.Fatalf("%s: %s", name, said)
		}
	}
	return c
}

// forMoto replaces the functions that moto does not compute, and what the stack of data would export.
func forMoto(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = forMoto(value[i])
		}
	case map[string]any:
		if choice, is := value["Fn::Select"].([]any); is {
			if cidr, is := choice[1].(map[string]any); is && cidr["Fn::Cidr"] != nil {
				return "10.20." + []string{"0", "16", "32", "48", "64", "80"}[int(choice[0].(float64))] + ".0/20"
			}
		}
		if _, is := value["Fn::GetAZs"]; is {
			return []any{region + "a", region + "b", region + "c"}
		}
		if imported, is := value["Fn::ImportValue"].(map[string]any); is {
			name := strings.TrimPrefix(imported["Fn::Sub"].(string), "${Name}-")
			switch {
			case strings.HasSuffix(name, "Role"):
				return "arn:aws:iam::123456789012:role/" + name
			case name == "PrivateSubnets":
				return "subnet-1,subnet-2"
			}
			return "arn:aws:example:" + region + ":123456789012:thing/" + name
		}
		for key := range value {
			value[key] = forMoto(value[key])
		}
	}
	return value
}

func (c cloud) run(program string, arguments ...string) (said string, code int) {
	c.Helper()
	command := exec.CommandContext(c.Context(), program, arguments...)
	command.Env = c.environment
	for _, entry := range c.environment { // the program is looked for where the command will look
		if path, is := strings.CutPrefix(entry, "PATH="); is && program == "aws" {
			command.Path = filepath.Join(strings.Split(path, ":")[0], "aws")
			command.Err = nil
		}
	}
	output, err := command.CombinedOutput()
	if exit, is := errors.AsType[*exec.ExitError](err); is {
		return string(output), exit.ExitCode()
	} else if err != nil {
		c.Fatal(err)
	}
	return string(output), 0
}

func TestTheStacksOfNetworkAccessAndServicesAreMade(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	for want, arguments := range map[string][]string{
		"90": {"ecs", "describe-task-definition", "--task-definition", "balsong-delivery", "--query", "taskDefinition.containerDefinitions[0].stopTimeout"},
		"repo:balsong/balsong:environment:production": {
			"iam", "get-role", "--role-name", "balsong-github", "--output", "text",
			"--query", `Role.AssumeRolePolicyDocument.Statement[0].Condition.StringEquals."token.actions.githubusercontent.com:sub"`,
		},
	} {
		if said, code := c.run("aws", arguments...); code != 0 || !strings.Contains(said, want) {
			t.Errorf("%s: %s (exit code %d), wanted %s", strings.Join(arguments[:2], " "), said, code, want)
		}
	}
}

// newAccount is an account whose answers are written down, in testdata/aws.
func newAccount(t *testing.T, environment ...string) cloud {
	t.Helper()
	dir := t.TempDir()
	answers, err := filepath.Abs("testdata/aws")
	if err == nil {
		err = os.Symlink(answers, filepath.Join(dir, "aws"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return cloud{t, append(os.Environ(), append(environment, "PATH="+dir+":"+os.Getenv("PATH"), "STATE="+dir, "AWS_REGION="+region, "PATIENCE=1", "PAUSE=0.1")...)}
}

// requests are those that the account saw, one a line.
func (c cloud) requests() string {
	c.Helper()
	for _, entry := range c.environment {
		if dir, is := strings.CutPrefix(entry, "STATE="); is {
			said, err := os.ReadFile(filepath.Join(dir, "asked"))
			if err != nil {
				c.Fatal(err)
			}
			return string(said)
		}
	}
	return ""
}

// asked are the requests that the account saw. AWS's own command line must know each.
func (c cloud) asked() string {
	c.Helper()
	said := c.requests()
	if refused := refusedByAWS(c.T, said); refused != "" {
		c.Error(refused)
	}
	return said
}

// refusedByAWS is what AWS's own command line says about requests that it would not send.
func refusedByAWS(t *testing.T, requests string, how ...string) string {
	t.Helper()
	program, err := filepath.Abs("testdata/check_requests.py")
	if err != nil {
		t.Fatal(err)
	}
	check := exec.CommandContext(t.Context(), filepath.Join(filepath.Dir(tool(t, "BALSONG_TEST_AWS")), "python3"), append([]string{program}, how...)...)
	check.Dir = t.TempDir()
	requests = strings.ReplaceAll(requests, "file:///dev/stdin", "file://stdin")
	check.Stdin = strings.NewReader(requests)
	for _, file := range regexp.MustCompile(`file://([a-z./-]+)`).FindAllStringSubmatch(requests, -1) {
		path := filepath.Join(check.Dir, file[1])
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("content"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	check.Env = append(os.Environ(), "AWS_DEFAULT_REGION="+region, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	var refused strings.Builder
	check.Stderr = &refused
	if err := check.Run(); err != nil {
		t.Fatalf("%v: %s", err, refused.String())
	}
	return refused.String()
}

func TestVerifyPassesWhereAllIsWell(t *testing.T) {
	t.Parallel()
	c := newAccount(t, `LOG={"months": [{"dispatch": {"SUCCEEDED": 5}}]}`)
	said, code := c.run("bash", filepath.Join(deploy, "verify.sh"), "--act")
	c.asked()
	if code != 0 || strings.Contains(said, "FAIL") || strings.Contains(said, "SKIPPED") || strings.Count(said, "PASS") < 25 {
		t.Errorf("exit code %d:\n%s", code, said)
	}
}

func TestVerifyChangesNothingUnlessItIsTold(t *testing.T) {
	t.Parallel()
	c := newAccount(t, "ILL=true")
	said, code := c.run("bash", filepath.Join(deploy, "verify.sh"))
	if code != 1 {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	for _, line := range []string{
		`FAIL +stack alarms +nothing, wanted complete`, `FAIL +scaling is on +it is suspended`, `FAIL +database +available False True True, wanted`, `FAIL +no start failed +3.0 in the queue`, `SKIPPED failover`,
		`FAIL +flow log +ACTIVE Access error`, `FAIL +alarms have data +balsong-KafkaDisk1$`, `FAIL +told of Critical +not confirmed: oncall@example.com`, `FAIL +told of Warning`,
	} {
		if !regexp.MustCompile("(?m)" + line).MatchString(said) {
			t.Errorf("no line %q in:\n%s", line, said)
		}
	}
	if acted := regexp.MustCompile(`"(run-task|stop-task|reboot-db-instance|put-metric-data|set-alarm-state)".*`).FindString(c.asked()); acted != "" {
		t.Errorf("without --act it did %q", acted)
	}
	if said, code := c.run("bash", filepath.Join(deploy, "verify.sh"), "--all"); code != 2 {
		t.Errorf("--all: exit code %d: %s", code, said)
	}
}

func TestVerifySkipsWhatASoundInstallationCannotShowYet(t *testing.T) {
	t.Parallel()
	said, code := newAccount(t, "NEW=true").run("bash", filepath.Join(deploy, "verify.sh"))
	for _, line := range []string{
		`SKIPPED schedule fires +it was changed 10 minutes ago`, `SKIPPED secret providers +no gateway needs one`, `SKIPPED alarms have data +balsong-KafkaDisk1: not yet`,
	} {
		if !regexp.MustCompile(line).MatchString(said) {
			t.Errorf("no line %q in:\n%s", line, said)
		}
	}
	if code != 0 {
		t.Errorf("exit code %d:\n%s", code, said)
	}
}

// A disk that has grown is known to the alarm once deploy.sh has told it.
func TestWhatAlarmsTakeFromTheInstallationIsToldByDeploymentAndSeenByVerify(t *testing.T) {
	t.Parallel()
	if said, _ := newAccount(t, "KNOWN=100").run("bash", filepath.Join(deploy, "verify.sh")); !regexp.MustCompile(`FAIL +what alarms know +DatabaseStorage=100 .*wanted DatabaseStorage=200 `).MatchString(said) {
		t.Errorf("verify says:\n%s", said)
	}
	c := newAccount(t)
	for _, arguments := range [][]string{{"alarms", "Mail=oncall@example.com"}, {"services", "SettlementTasks=0"}} {
		if said, code := c.deploys(arguments...); code != 0 {
			t.Errorf("%q: exit code %d: %s", arguments, code, said)
		}
	}
	told := `"Name=balsong","DatabaseStorage=200","ScheduleState=ENABLED","SettlementTasks=2"`
	if asked := c.asked(); !strings.Contains(asked, told+`,"Mail=oncall@example.com"`) || strings.Count(asked, told) != 2 {
		t.Errorf("it asked %s", asked)
	}
	none := newAccount(t, "ILL=true") // has no stack of alarms
	if said, code := none.deploys("services", "ImageTag=1.0.0"); code != 0 {
		t.Errorf("exit code %d: %s", code, said)
	}
	if asked := none.asked(); strings.Contains(asked, `"DatabaseStorage=`) {
		t.Errorf("it asked %s", asked)
	}
	for database, account := range map[string]cloud{"balsong-restored": newAccount(t, "RESTORED=balsong-restored"), "balsong": newAccount(t)} {
		if said, code := account.deploys("alarms"); code != 0 {
			t.Errorf("exit code %d: %s", code, said)
		}
		if asked := account.requests(); !strings.Contains(asked, `"--db-instance-identifier","`+database+`"`) {
			t.Errorf("it asked %s", asked)
		}
	}
}

func TestATaskIsRunAndItsEndIsToldByItsExitCode(t *testing.T) {
	t.Parallel()
	c := newAccount(t, "EXIT=3", "LONG=1")
	said, code := c.run("bash", filepath.Join(deploy, "run.sh"), "batch", "import", "--month", "2026-11", "--file", "s3://b/a file.csv")
	if code != 3 || strings.Count(said, "what the task said") != 1 || strings.Count(said, "what it said then") != 1 {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	want := `{\"containerOverrides\":[{\"name\":\"batch\",\"command\":[\"import\",\"--month\",\"2026-11\",\"--file\",\"s3://b/a file.csv\"]}]}`
	if asked := c.asked(); !strings.Contains(asked, want) {
		t.Errorf("it asked %s, wanted %s", asked, want)
	}
	if said, code := c.run("bash", filepath.Join(deploy, "run.sh"), "batsh"); code != 2 {
		t.Errorf("exit code %d: %s", code, said)
	}
}

func TestAHaltTakesTheTasksAwayUntilItIsSet(t *testing.T) {
	t.Parallel()
	halt := filepath.Join(deploy, "halt.sh")
	c := newAccount(t)
	if said, code := c.run("bash", halt, "--reason", "wrong amounts", "--actor", "kim"); code != 0 {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	order := regexp.MustCompile(`(?s)"register-scalable-target".*DynamicScalingOutSuspended=true.*"update-service".*"--desired-count","0".*"run-task".*\\"halt\\",\\"--reason\\",\\"wrong amounts\\".*"register-scalable-target".*DynamicScalingOutSuspended=false`)
	if asked := c.asked(); !order.MatchString(asked) {
		t.Errorf("it asked %s", asked)
	}
	failed := newAccount(t, "EXIT=6") // no task may start while nobody knows
	if said, code := failed.run("bash", halt, "--reason", "x"); code != 6 || !strings.Contains(said, "none starts") || strings.Contains(failed.asked(), "Suspended=false") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	stuck := newAccount(t, "STUCK=1") // the session ends before the tasks are given back
	if said, code := stuck.run("bash", halt, "--reason", "x"); code == 0 || !strings.Contains(said, "halt.sh --release") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	for _, arguments := range [][]string{{"--reason", "x"}, {"--release"}} {
		restoring := newAccount(t, "SCALING=SUSPENDED") // by the stack, for a restore
		if said, code := restoring.run("bash", append([]string{halt}, arguments...)...); code != 0 || !strings.Contains(said, "stays suspended") || strings.Contains(restoring.requests(), "Suspended=false") {
			t.Errorf("%q: exit code %d:\n%s", arguments, code, said)
		}
	}
	left := newAccount(t)
	if said, code := left.run("bash", halt, "--release"); code != 0 || !strings.Contains(left.requests(), "DynamicScalingOutSuspended=false") || strings.Contains(left.requests(), "run-task") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	for _, arguments := range [][]string{{}, {"--release", "now"}} {
		if said, code := newAccount(t).run("bash", append([]string{halt}, arguments...)...); code != 2 {
			t.Errorf("%q: exit code %d: %s", arguments, code, said)
		}
	}
}

// Nothing that a script says of the installation may come from an answer that AWS did not give.
func TestAScriptWithoutASessionSaysWhatIsSo(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]struct {
		arguments   []string
		code        int
		said, never string
	}{
		"halt.sh":   {[]string{"--reason", "wrong amounts"}, 1, "DELIVERY GOES ON SENDING", "none starts"},
		"run.sh":    {[]string{"batch", "migrate"}, 1, "there is no network of balsong: are AWS_REGION and BALSONG_NAME right", "was not started"},
		"verify.sh": {nil, 2, "nothing was checked", "FAIL|SKIPPED|PASS"},
		"deploy.sh": {[]string{"network"}, 254, "ExpiredToken", "nothing to change"},
	} {
		c := newAccount(t, "SIGNED_OUT=1")
		said, code := c.run("bash", append([]string{filepath.Join(deploy, script)}, want.arguments...)...)
		if code != want.code || !strings.Contains(said, want.said) || regexp.MustCompile(want.never).MatchString(said) {
			t.Errorf("%s: exit code %d:\n%s", script, code, said)
		}
		if asked := c.requests(); strings.Contains(asked, "run-task") {
			t.Errorf("%s asked %s", script, asked)
		}
	}
}

func TestAStackIsDeployedByItsName(t *testing.T) {
	t.Parallel()
	c := newAccount(t, "BALSONG_NAME=other", "NAME=DESKTOP-1")
	for _, arguments := range [][]string{{"networks"}, {}, {"network", "NatGateways"}, {"network", "NatGateway=one"}, {"alarms", "mail=a@example.com"}, {"delete"}, {"delete", "everything"}, {"parameters", "A=1"}} {
		if said, code := c.deploys(arguments...); code != 2 {
			t.Errorf("%q: exit code %d: %s", arguments, code, said)
		}
	}
	ca := filepath.Join(c.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, []byte("-----BEGIN CERTIFICATE-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.environment = append(c.environment, "RDS_CA_URL=file://"+ca)
	for _, arguments := range [][]string{{"network", "NatGateways=each-zone"}, {"parameters"}} {
		if said, code := c.deploys(arguments...); code != 0 {
			t.Errorf("%q: exit code %d: %s", arguments, code, said)
		}
	}
	if asked := c.asked(); !strings.Contains(asked, `"--parameter-overrides","Name=other","NatGateways=each-zone"`) || !strings.Contains(asked, `"--name","/other/kafka-brokers"`) {
		t.Errorf("it asked %s", asked)
	}
}

func (c cloud) deploys(arguments ...string) (said string, code int) {
	c.Helper()
	return c.run("bash", append([]string{filepath.Join(deploy, "deploy.sh")}, arguments...)...)
}

func TestADeploymentIsFollowedToItsEndAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	const begins = `"deploy".*"execute-change-set"`
	var requests strings.Builder
	for name, want := range map[string]struct {
		status, arguments string
		code              int
		said, asked       string // expressions
		never             string
	}{
		"a new stack": {"NONE CREATE_IN_PROGRESS CREATE_COMPLETE", "network", 0, `balsong-network in account 123456789012, ap-northeast-2\s(?s:.*)CREATE_IN_PROGRESS: Database Kafka`, begins, "disable-rollback"},
		"what is under way is waited for, then changed": {
			"CREATE_IN_PROGRESS CREATE_COMPLETE UPDATE_COMPLETE", "access", 0, `CREATE_IN_PROGRESS`, `"list-stack-resources".*` + begins, "delete-stack",
		},
		"a first deployment that failed is deleted": {
			"ROLLBACK_COMPLETE DELETE_IN_PROGRESS NONE CREATE_COMPLETE", "network", 0, `is ROLLBACK_COMPLETE: what its first deployment left is deleted`, `"delete-stack".*` + begins, "disable-rollback",
		},
		"what cannot be deleted is named":   {"ROLLBACK_FAILED DELETE_FAILED", "network", 1, `there is no capacity\s+.*DELETE_FAILED`, `"delete-stack"`, `"deploy"`},
		"what could not be deleted stays":   {"DELETE_FAILED", "network", 1, `deploy.sh delete network`, `"describe-stacks"`, `"deploy"`},
		"the reason of a failure":           {"NONE ROLLBACK_IN_PROGRESS ROLLBACK_COMPLETE", "network", 1, `Kafka\s+there is no capacity\s+.*is ROLLBACK_COMPLETE`, begins, "delete-stack"},
		"services keep their first logs":    {"NONE CREATE_FAILED", "services ImageTag=1", 1, `/balsong/delivery`, `"execute-change-set".*"--disable-rollback"`, "delete-stack"},
		"services are rolled back later":    {"UPDATE_COMPLETE UPDATE_ROLLBACK_COMPLETE", "services", 1, `is UPDATE_ROLLBACK_COMPLETE`, begins, "disable-rollback"},
		"a session that ended":              {"LOST", "network", 1, `ExpiredToken`, `"describe-stacks"`, `"deploy"`},
		"a database is protected at last":   {"NONE NONE CREATE_COMPLETE CREATE_COMPLETE UPDATE_COMPLETE", "data", 0, ``, `"DeletionProtection=false".*"execute-change-set".*"DeletionProtection=true".*"execute-change-set"`, "delete-stack"},
		"and stays protected":               {"UPDATE_COMPLETE", "data KafkaStorage=200", 0, ``, `"KafkaStorage=200","DeletionProtection=true"`, "DeletionProtection=false"},
		"unless it is to be deleted":        {"UPDATE_COMPLETE", "data DeletionProtection=false", 0, ``, `"DeletionProtection=false"`, "DeletionProtection=true"},
		"a stack is deleted":                {"DELETE_IN_PROGRESS NONE", "delete data", 0, `balsong-data is deleted`, `"delete-stack"`, `"deploy"`},
		"a stack that is not there":         {"NONE", "delete data", 0, `there is no stack balsong-data here`, `"describe-stacks"`, `"delete-stack"`},
		"a stack that is used is not":       {"DELETE_FAILED", "delete network", 1, `there is no capacity`, `"delete-stack"`, `"deploy"`},
		"a delete that goes on is followed": {"DELETE_IN_PROGRESS DELETE_IN_PROGRESS NONE", "delete alarms", 0, `DELETE_IN_PROGRESS: Database Kafka`, `"delete-stack"`, `"deploy"`},
	} {
		t.Run(name, func(t *testing.T) {
			c := newAccount(t, "STATUS="+want.status)
			said, code := c.deploys(strings.Fields(want.arguments)...)
			if code != want.code || !regexp.MustCompile(want.said).MatchString(said) {
				t.Errorf("exit code %d:\n%s", code, said)
			}
			asked := c.requests()
			requests.WriteString(asked)
			if !regexp.MustCompile(`(?s)`+want.asked).MatchString(asked) || strings.Contains(asked, want.never) {
				t.Errorf("it asked %s", asked)
			}
		})
	}
	if refused := refusedByAWS(t, requests.String()); refused != "" { // of all at once: the command line needs a second to start
		t.Error(refused)
	}
}

func TestAKeysetThatIsThereIsNeverReplaced(t *testing.T) {
	t.Parallel()
	c := newAccount(t, "VERSIONS=1", "TMPDIR="+t.TempDir())
	if said, code := c.deploys("keyset"); code != 0 || !strings.Contains(said, "left as it is") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if asked := c.asked(); strings.Contains(asked, "put-secret-value") {
		t.Errorf("it asked %s", asked)
	}
}

func TestAnUpgradeMigratesBeforeTheServicesAreReplaced(t *testing.T) {
	t.Parallel()
	upgrade := filepath.Join(deploy, "upgrade.sh")
	c := newAccount(t, "STACK_ROLE=arn:aws:iam::123456789012:role/balsong-services-stack")
	if said, code := c.run("bash", upgrade, "1.2.0"); code != 0 || !strings.Contains(said, "AWS::ECS::TaskDefinition") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	order := regexp.MustCompile(`(?s)"BatchImageTag=1.2.0","ScheduleState=DISABLED".*"execute-change-set".*"list-tasks".*"run-task".*\\"migrate\\".*"ImageTag=1.2.0","BatchImageTag=","ScheduleState=ENABLED".*"execute-change-set"`)
	if asked := c.asked(); !order.MatchString(asked) || strings.Count(asked, `"--role-arn","arn:aws:iam::123456789012:role/balsong-services-stack"`) != 2 {
		t.Errorf("it asked %s", asked)
	}
	for name, want := range map[string]struct {
		variable, said, never string
	}{
		"a service would be replaced": {"REPLACED=True", "not executed", "execute-change-set"},
		"it does not migrate":         {"EXIT=6", "SCHEDULE=ENABLED", `"ImageTag=1.2.0"`},
		"nobody knows what runs":      {"LOST=1", "SCHEDULE=ENABLED", `"run-task"`},
		"a second time":               {"SCHEDULED=DISABLED", "SCHEDULE=ENABLED", `"deploy"`},
		"with images of one's own":    {"OWN=1.0.0-words-1", "1.0.0-words-1", `"deploy"`},
	} {
		c := newAccount(t, want.variable)
		if said, code := c.run("bash", upgrade, "1.2.0"); code == 0 || !strings.Contains(said, want.said) {
			t.Errorf("%s: exit code %d:\n%s", name, code, said)
		}
		if asked := c.asked(); strings.Contains(asked, want.never) {
			t.Errorf("%s: it asked %s", name, asked)
		}
	}
	own := newAccount(t, "OWN=1.0.0-words-1", "SCHEDULED=DISABLED", "SCHEDULE=DISABLED")
	if said, code := own.run("bash", upgrade, "1.2.0", "1.2.0-words-1"); code != 0 {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	order = regexp.MustCompile(`(?s)"BatchImageTag=1.2.0-words-1","ScheduleState=DISABLED".*"ImageTag=1.2.0","OwnTag=1.2.0-words-1","BatchImageTag=","ScheduleState=DISABLED"`)
	if asked := own.asked(); !order.MatchString(asked) {
		t.Errorf("it asked %s", asked)
	}
	for _, arguments := range [][]string{{}, {"1.2.0; true"}, {"1.2.0", "now then"}, {"1.2.0", "1.2.0-words-1", "now"}} {
		if said, code := newAccount(t).run("bash", append([]string{upgrade}, arguments...)...); code != 2 {
			t.Errorf("%q: exit code %d: %s", arguments, code, said)
		}
	}
}

// What people scheduled must not start the old dispatcher between the steps either, nor be lost.
func TestAnUpgradeHoldsWhatPeopleScheduled(t *testing.T) {
	t.Parallel()
	upgrade, made := filepath.Join(deploy, "upgrade.sh"), "MADE=balsong-run-20991225T0800 balsong-run-20201225T0800"
	c := newAccount(t, made)
	said, code := c.run("bash", upgrade, "1.2.0")
	if code != 0 || !strings.Contains(said, "balsong-run-20991225T0800, at(2099-12-25T08:00:00) in Asia/Seoul, is disabled until") || !strings.Contains(said, "balsong-run-20201225T0800 is past its time and stays disabled") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	asked := c.asked()
	order := regexp.MustCompile(`(?s)ScheduleState=DISABLED.*"update-schedule".*"DISABLED.*2099.*"list-tasks".*"run-task".*ScheduleState=ENABLED.*"update-schedule"`)
	if states := regexp.MustCompile(`balsong-run-2099.*?\\"State\\":\\"(EN|DIS)ABLED`).FindAllString(asked, -1); !order.MatchString(asked) || len(states) != 2 || strings.Count(asked, `"update-schedule"`) != 3 || strings.Contains(asked, "CreationDate") {
		t.Errorf("%q; it asked %s", states, asked)
	}
	broken := newAccount(t, made, "EXIT=6")
	said, code = broken.run("bash", upgrade, "1.2.0")
	if code == 0 || !strings.Contains(said, `SCHEDULE=ENABLED ALSO="balsong-run-20991225T0800 balsong-run-20201225T0800" `+upgrade) {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	broken.environment = append(broken.environment, "EXIT=0", "SCHEDULE=ENABLED", "ALSO=balsong-run-20991225T0800")
	said, code = broken.run("bash", upgrade, "1.2.0")
	if code != 0 || !strings.Contains(said, "balsong-run-20201225T0800 is disabled, and stays so") || !regexp.MustCompile(`(?s).*balsong-run-2099[^\n]*\\"State\\":\\"ENABLED`).MatchString(broken.asked()) {
		t.Errorf("exit code %d:\n%s", code, said)
	}
}

func TestTheScriptsAreClean(t *testing.T) {
	t.Parallel()
	shellcheck := tool(t, "BALSONG_TEST_SHELLCHECK")
	scripts, err := filepath.Glob(filepath.Join(deploy, "*.sh"))
	if err != nil || len(scripts) == 0 {
		t.Fatal(err)
	}
	// Debian's version calls functions unreachable that are passed by name (SC2317).
	if said, err := exec.CommandContext(t.Context(), shellcheck, append(scripts, "--exclude=SC2015,SC2317")...).CombinedOutput(); err != nil {
		t.Errorf("%s", said)
	}
	broken := filepath.Join(t.TempDir(), "broken.sh")
	if err := os.WriteFile(broken, []byte("#!/bin/bash\nrm -rf $1/x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), shellcheck, broken).CombinedOutput(); err == nil || !strings.Contains(string(said), "SC2086") {
		t.Errorf("a broken script passed: %s", said)
	}
}
