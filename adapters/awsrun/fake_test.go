package awsrun_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/balsong/balsong/adapters/awsrun"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// fake answers as ECS and EventBridge Scheduler do, by their API references, and refuses what these would: moto looks at little of it.
type fake struct {
	*testing.T
	mutex     sync.Mutex
	requests  map[string]map[string]any // of RunTask, by client token
	tasks     map[string]map[string]any // by ARN
	tokens    map[string]string         // ARN by client token
	made      map[string]bool           // client tokens of schedules
	schedules map[string]map[string]any
	orders    []port.RunOrder
	status    int    // of every answer; 0: as it should be
	code      string // with status
	full      bool   // no place for a task
}

const (
	cluster    = "arn:aws:ecs:ap-northeast-2:111122223333:cluster/balsong"
	definition = "arn:aws:ecs:ap-northeast-2:111122223333:task-definition/balsong-dispatcher"
	queue      = "arn:aws:sqs:ap-northeast-2:111122223333:balsong-not-started"
	role       = "arn:aws:iam::111122223333:role/balsong-scheduler"
)

// newFake starts it, and lets AWS's own chain lead there. The test cannot be parallel.
func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{T: t, requests: map[string]map[string]any{}, tasks: map[string]map[string]any{}, tokens: map[string]string{}, made: map[string]bool{}, schedules: map[string]map[string]any{}}
	server := httptest.NewServer(http.HandlerFunc(f.answer))
	t.Cleanup(server.Close)
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "ap-northeast-2", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_PROFILE": "", "AWS_MAX_ATTEMPTS": "2",
	} {
		t.Setenv(name, value)
	}
	return f
}

func configuration() awsrun.Config {
	return awsrun.Config{
		Cluster: cluster, TaskDefinition: definition, Container: "dispatcher", Subnets: []string{"subnet-1", "subnet-2"}, SecurityGroups: []string{"sg-1"},
		ScheduleRole: role, ScheduleGroup: "balsong", ScheduleQueue: queue,
		AWS: func(ctx context.Context) (aws.Config, error) { return config.LoadDefaultConfig(ctx) },
		Command: func(o port.RunOrder) ([]string, map[string]string) {
			environment := map[string]string{}
			if o.Linger {
				environment["BALSONG_DISPATCH_LINGER"] = "true"
			}
			return []string{fmt.Sprint(int(o.Month)), o.By.Actor, o.By.Reason}, environment
		},
	}
}

func (f *fake) answer(w http.ResponseWriter, r *http.Request) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body) // some have none
	if f.status != 0 {
		f.refuse(w, f.status, f.code, "no")
		return
	}
	switch _, operation, ecs := strings.Cut(r.Header.Get("X-Amz-Target"), "AmazonEC2ContainerServiceV20141113."); {
	case ecs && operation == "RunTask":
		f.runTask(w, body)
	case ecs && operation == "DescribeTasks":
		f.describe(w, body)
	case !ecs:
		f.schedule(w, r, body)
	default:
		f.refuse(w, 400, "UnknownOperationException", operation)
	}
}

func (f *fake) refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message, "Message": message})
}

func say(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// at follows names and indexes into a document; nil where there is nothing.
func at(document any, path ...any) any {
	for _, step := range path {
		switch known := document.(type) {
		case map[string]any:
			document = known[fmt.Sprint(step)]
		case []any:
			if i, is := step.(int); is && i < len(known) {
				document = known[i]
				continue
			}
			return nil
		default:
			return nil
		}
	}
	return document
}

// order reads an order back from the override of a container.
func order(container any) (o port.RunOrder) {
	var month int
	_, _ = fmt.Sscan(fmt.Sprint(at(container, "command", 0)), &month)
	o.Month, o.By.Actor, o.By.Reason = key.Month(month), fmt.Sprint(at(container, "command", 1)), fmt.Sprint(at(container, "command", 2))
	o.Linger = at(container, "environment", 0, "name") == "BALSONG_DISPATCH_LINGER" && at(container, "environment", 0, "value") == "true"
	return o
}

var clientToken = regexp.MustCompile(`^[!-~]{1,64}$`)

func (f *fake) runTask(w http.ResponseWriter, body map[string]any) {
	token := fmt.Sprint(body["clientToken"])
	vpc := at(body, "networkConfiguration", "awsvpcConfiguration")
	container := at(body, "overrides", "containerOverrides", 0)
	switch {
	case !clientToken.MatchString(token), body["cluster"] != cluster, body["taskDefinition"] != definition, body["launchType"] != "FARGATE", body["count"] != 1.0,
		at(vpc, "subnets", 1) != "subnet-2", at(vpc, "securityGroups", 0) != "sg-1", at(vpc, "assignPublicIp") != "DISABLED", at(container, "name") != "dispatcher":
		f.refuse(w, 400, "InvalidParameterException", fmt.Sprint(body))
	case f.full:
		say(w, map[string]any{"tasks": []any{}, "failures": []any{map[string]any{"reason": "Capacity is unavailable at this time"}}})
	case f.requests[token] != nil && !reflect.DeepEqual(f.requests[token], body):
		f.refuse(w, 400, "ConflictException", "the token is in use with a different request")
	default:
		arn, known := f.tokens[token]
		if !known {
			arn = fmt.Sprintf("arn:aws:ecs:ap-northeast-2:111122223333:task/balsong/%032x", len(f.tasks))
			f.requests[token], f.tokens[token] = maps.Clone(body), arn
			f.tasks[arn] = map[string]any{"taskArn": arn, "taskDefinitionArn": definition + ":7", "lastStatus": "PROVISIONING", "containers": []any{}}
			f.orders = append(f.orders, order(container))
		}
		say(w, map[string]any{"tasks": []any{f.tasks[arn]}, "failures": []any{}})
	}
}

func (f *fake) describe(w http.ResponseWriter, body map[string]any) {
	task, there := f.tasks[fmt.Sprint(at(body, "tasks", 0))]
	if !there {
		say(w, map[string]any{"tasks": []any{}, "failures": []any{map[string]any{"arn": at(body, "tasks", 0), "reason": "MISSING"}}})
		return
	}
	say(w, map[string]any{"tasks": []any{task}, "failures": []any{}})
}

// End lets a task stop.
func (f *fake) End(arn string, code int) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.tasks[arn]["lastStatus"], f.tasks[arn]["stoppedReason"] = "STOPPED", "Essential container in task exited"
	f.tasks[arn]["containers"] = []any{map[string]any{"name": "collector", "exitCode": 0}, map[string]any{"name": "dispatcher", "exitCode": code}}
}

func (f *fake) Orders() []port.RunOrder {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return slices.Clone(f.orders)
}

var scheduleName = regexp.MustCompile(`^[0-9a-zA-Z_.-]{1,64}$`)

func (f *fake) schedule(w http.ResponseWriter, r *http.Request, body map[string]any) {
	name := strings.TrimPrefix(r.URL.Path, "/schedules/")
	known, there := f.schedules[name]
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/schedules":
		var list []any
		for _, name := range slices.Sorted(maps.Keys(f.schedules)) {
			list = append(list, map[string]any{"Name": name, "State": f.schedules[name]["State"]})
		}
		if f.schedules["gone"] != nil {
			delete(f.schedules, "gone") // between the two questions
		}
		say(w, map[string]any{"Schedules": list})
	case r.Method == http.MethodPost && f.made[fmt.Sprint(body["ClientToken"])]: // it was answered before, whatever became of it
		say(w, map[string]any{"ScheduleArn": "arn:aws:scheduler:ap-northeast-2:111122223333:schedule/balsong/" + name})
	case r.Method == http.MethodPost && there:
		f.refuse(w, 409, "ConflictException", "it exists")
	case r.Method == http.MethodPost:
		if wrong := wrongSchedule(name, body); wrong != "" {
			f.refuse(w, 400, "ValidationException", wrong)
			return
		}
		f.made[fmt.Sprint(body["ClientToken"])] = true
		body["State"] = "ENABLED"
		f.schedules[name] = body
		say(w, map[string]any{"ScheduleArn": "arn:aws:scheduler:ap-northeast-2:111122223333:schedule/balsong/" + name})
	case !there || r.URL.Query().Get("groupName") != "balsong":
		f.refuse(w, 404, "ResourceNotFoundException", "it does not exist")
	case r.Method == http.MethodGet:
		say(w, known)
	default:
		delete(f.schedules, name)
		say(w, map[string]any{})
	}
}

// wrongSchedule says what CreateSchedule would refuse.
func wrongSchedule(name string, body map[string]any) string {
	target := at(body, "Target")
	var input map[string]any
	switch {
	case !scheduleName.MatchString(name), len([]rune(fmt.Sprint(body["Description"]))) > 512, !clientToken.MatchString(fmt.Sprint(body["ClientToken"])), body["GroupName"] != "balsong",
		at(body, "FlexibleTimeWindow", "Mode") != "OFF", body["ActionAfterCompletion"] != "DELETE", body["ScheduleExpressionTimezone"] != "Asia/Seoul",
		!strings.HasPrefix(fmt.Sprint(body["ScheduleExpression"]), "at("):
		return fmt.Sprint("the schedule: ", body)
	case at(target, "Arn") != cluster, at(target, "RoleArn") != role, at(target, "EcsParameters", "TaskDefinitionArn") != definition,
		at(target, "DeadLetterConfig", "Arn") != queue, at(target, "RetryPolicy", "MaximumEventAgeInSeconds") != 3600.0,
		at(target, "EcsParameters", "NetworkConfiguration", "awsvpcConfiguration", "Subnets", 0) != "subnet-1":
		return fmt.Sprint("the target: ", target)
	case json.Unmarshal([]byte(fmt.Sprint(at(target, "Input"))), &input) != nil, at(input, "containerOverrides", 0, "name") != "dispatcher":
		return fmt.Sprint("the input: ", at(target, "Input"))
	}
	return ""
}
