package cloudformation

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/schedule"
	"github.com/balsong/balsong/domain/window"
)

// Check applies the rules of this repository, which neither cfn-lint nor checkov can have, and returns what is wrong, a sentence each.
func Check(templates []Template) (wrong []string) {
	for _, rule := range []func([]Template) []string{
		wildcardsHaveAReason, suppressionsHaveAReason, importsAreExported, parametersHoldNoSecret, bucketsArePrivate, containersAreConfined, stopsCoverTheDrain,
		servicesRollBack, schedulesAreExact, schedulesOutliveDeployments, databaseLosesNothing, kafkaLosesNothing, eventsExist,
		databaseCanBeReplaced, scalingCanBeSuspended, operatorReadsTheLog, bucketIsDivided, balancersLetReportsThrough, portsAreThoseOfFeedback,
	} {
		wrong = append(wrong, rule(templates)...)
	}
	return wrong
}

// wildcardsHaveAReason: `*` as an action, resource or principal has a comment beside it that begins with "wildcard:".
func wildcardsHaveAReason(templates []Template) (wrong []string) {
	for _, t := range templates {
		walk(t.root, nil, func(path []string, node *yaml.Node) {
			if node.Kind != yaml.ScalarNode || len(path) == 0 {
				return
			}
			key := path[len(path)-1]
			all := node.Value == "*" && slices.Contains([]string{"Action", "Resource", "Principal", "AWS", "NotAction", "NotResource"}, key) ||
				strings.Contains(node.Value, "*") && key == "Action"
			if all && !strings.Contains(node.LineComment, "wildcard: ") {
				wrong = append(wrong, fmt.Sprintf("%s line %d: %s %q without a reason (a comment behind it: # wildcard: …)", t.File, node.Line, key, node.Value))
			}
		})
	}
	return wrong
}

// suppressionsHaveAReason: what checkov is told to let pass says why.
func suppressionsHaveAReason(templates []Template) (wrong []string) {
	for _, t := range templates {
		walk(t.root, nil, func(path []string, node *yaml.Node) {
			if len(path) > 1 && path[len(path)-1] == "skip" && path[len(path)-2] == "checkov" && node.Kind == yaml.MappingNode && len(scalar(get(node, "comment"))) < 20 {
				wrong = append(wrong, fmt.Sprintf("%s line %d: %s is suppressed without a reason", t.File, node.Line, scalar(get(node, "id"))))
			}
		})
	}
	return wrong
}

// importsAreExported: what a template imports, one that is deployed before it exports.
func importsAreExported(templates []Template) (wrong []string) {
	exported := map[string]bool{}
	for _, t := range templates {
		walk(t.root, nil, func(_ []string, node *yaml.Node) {
			if node.Tag == "!ImportValue" && !exported[imported(node)] {
				wrong = append(wrong, fmt.Sprintf("%s line %d imports %q, which no template before it exports", t.File, node.Line, imported(node)))
			}
		})
		each(get(t.root, "Outputs"), func(_ string, output *yaml.Node) {
			exported[strings.TrimPrefix(scalar(get(output, "Export", "Name")), "${Name}-")] = true
		})
	}
	return wrong
}

var secretName = regexp.MustCompile(`(?i)password|secret|token|credential|keyset`)

// parametersHoldNoSecret: a secret is made in Secrets Manager, and never goes through a parameter, whose values everybody who may see a stack sees.
func parametersHoldNoSecret(templates []Template) (wrong []string) {
	for _, t := range templates {
		for _, p := range t.Parameters() {
			if secretName.MatchString(p.Name) {
				wrong = append(wrong, fmt.Sprintf("%s: the parameter %s is a secret: keep it in Secrets Manager", t.File, p.Name))
			}
		}
		walk(t.root, nil, func(path []string, node *yaml.Node) {
			if len(path) > 0 && path[len(path)-1] == "SecretString" {
				wrong = append(wrong, fmt.Sprintf("%s line %d: a secret's value stands in the template", t.File, node.Line))
			}
		})
	}
	return wrong
}

func bucketsArePrivate(templates []Template) (wrong []string) {
	for _, bucket := range OfType(templates, "AWS::S3::Bucket") {
		for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if scalar(get(bucket.Properties, "PublicAccessBlockConfiguration", block)) != "true" {
				wrong = append(wrong, bucket.At()+": the bucket may be public: "+block+" is not true")
			}
		}
	}
	return wrong
}

// containersAreConfined: what images-check says of the images, ECS must say too: user, root filesystem, capabilities.
func containersAreConfined(templates []Template) (wrong []string) {
	for _, c := range Containers(templates) {
		at := c.Task.At() + ", container " + c.Name + ": "
		if scalar(get(c.node, "User")) != "65532:65532" {
			wrong = append(wrong, at+"it does not run as 65532")
		}
		if scalar(get(c.node, "ReadonlyRootFilesystem")) != "true" {
			wrong = append(wrong, at+"its root filesystem can be written")
		}
		if dropped := items(get(c.node, "LinuxParameters", "Capabilities", "Drop")); len(dropped) != 1 || dropped[0].Value != "ALL" {
			wrong = append(wrong, at+"it keeps capabilities")
		}
		if get(c.node, "LogConfiguration", "Options", "awslogs-group") == nil {
			wrong = append(wrong, at+"nothing keeps its log")
		}
		if temporary := items(get(c.node, "LinuxParameters", "Tmpfs")); (c.Name == "batch" || c.Name == "balsong") && (len(temporary) != 1 || scalar(get(temporary[0], "ContainerPath")) != "/tmp") {
			wrong = append(wrong, at+"what goes into the bucket has no /tmp to wait in")
		}
	}
	return wrong
}

// longestStop is the longest stop timeout on Fargate, in seconds.
const longestStop = 120

// stopsCoverTheDrain: delivery is not killed before it has stopped.
func stopsCoverTheDrain(templates []Template) (wrong []string) {
	for _, c := range Containers(templates) {
		at := c.Task.At() + ", container " + c.Name + ": "
		stop, err := strconv.Atoi(scalar(get(c.node, "StopTimeout")))
		if err != nil || stop > longestStop {
			wrong = append(wrong, fmt.Sprintf("%sStopTimeout is %q (want seconds, on Fargate at most %d)", at, scalar(get(c.node, "StopTimeout")), longestStop))
			continue
		}
		for _, v := range c.environment {
			if v.name != "BALSONG_DELIVERY_DRAIN" {
				continue
			}
			drain, err := time.ParseDuration(scalar(v.value))
			if needs := (config.Delivery{DrainFor: drain}).StopsWithin(); err != nil || time.Duration(stop)*time.Second < needs {
				wrong = append(wrong, fmt.Sprintf("%sStopTimeout of %d s is shorter than delivery needs with a drain of %s: %s", at, stop, scalar(v.value), needs))
			}
		}
	}
	return wrong
}

func servicesRollBack(templates []Template) (wrong []string) {
	for _, s := range OfType(templates, "AWS::ECS::Service") {
		breaker := get(s.Properties, "DeploymentConfiguration", "DeploymentCircuitBreaker")
		if scalar(get(breaker, "Enable")) != "true" || scalar(get(breaker, "Rollback")) != "true" {
			wrong = append(wrong, s.At()+": a version that does not start is not rolled back")
		}
		if scalar(get(s.Properties, "NetworkConfiguration", "AwsvpcConfiguration", "AssignPublicIp")) != "DISABLED" {
			wrong = append(wrong, s.At()+": its tasks have public addresses")
		}
	}
	return wrong
}

// schedulesAreExact: a run begins when it was asked for, a start that fails is repeated for a while, and is then written down.
func schedulesAreExact(templates []Template) (wrong []string) {
	for _, s := range OfType(templates, "AWS::Scheduler::Schedule") {
		if scalar(get(s.Properties, "FlexibleTimeWindow", "Mode")) != "OFF" {
			wrong = append(wrong, s.At()+": it may begin later than it says")
		}
		wrong = append(wrong, expressionIsValid(templates, s)...)
		if get(s.Properties, "Target", "DeadLetterConfig", "Arn") == nil {
			wrong = append(wrong, s.At()+": a start that failed is forgotten")
		}
		attempts, err := strconv.Atoi(scalar(get(s.Properties, "Target", "RetryPolicy", "MaximumRetryAttempts")))
		age, err2 := strconv.Atoi(scalar(get(s.Properties, "Target", "RetryPolicy", "MaximumEventAgeInSeconds")))
		if err != nil || err2 != nil || attempts > 10 || age > 3600 {
			wrong = append(wrong, s.At()+": its retries are not bounded (want at most 10 within an hour)")
		}
	}
	return wrong
}

// schedulesOutliveDeployments: what `balsong run schedule` makes names the task definition without a revision, which the next deployment replaces.
func schedulesOutliveDeployments(templates []Template) (wrong []string) {
	for _, c := range Containers(templates) {
		for _, v := range c.environment {
			if v.name == "BALSONG_RUN_ECS_TASK_DEFINITION" && (v.value.Tag != "!Sub" || strings.Contains(v.value.Value[strings.LastIndexByte(v.value.Value, '/')+1:], ":")) {
				wrong = append(wrong, c.Task.At()+", container "+c.Name+": "+v.name+" has a revision, with which nothing can be scheduled beyond the next deployment")
			}
		}
	}
	return wrong
}

// expressionIsValid: a schedule's expression and time zone are such, as they stand or come from the defaults of parameters.
// A parameter without a value, as that of a resource that is made under a condition, is what an operator will give.
func expressionIsValid(templates []Template, s Resource) (wrong []string) {
	t := templates[slices.IndexFunc(templates, func(t Template) bool { return t.File == s.Template })]
	values := Values{}.WithDefaults(t)
	for _, property := range []struct {
		name  string
		parse func(string) error
	}{
		{"ScheduleExpression", func(text string) error { _, err := schedule.Parse(text); return err }},
		{"ScheduleExpressionTimezone", func(text string) error { _, err := window.Zone(text); return err }},
	} {
		node := get(s.Properties, property.name)
		if node == nil {
			wrong = append(wrong, s.At()+": it has no "+property.name)
			continue
		}
		text, err := values.Resolve(t, node)
		if err == nil && text == "" && node.Tag == "!Ref" && s.Condition != "" {
			continue
		}
		if err == nil {
			err = property.parse(text)
		}
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %s: %v", s.At(), property.name, err))
		}
	}
	return wrong
}

func databaseLosesNothing(templates []Template) (wrong []string) {
	groups := OfType(templates, "AWS::RDS::DBParameterGroup")
	for _, db := range OfType(templates, "AWS::RDS::DBInstance") {
		for _, property := range []string{"MultiAZ", "StorageEncrypted", "EnableIAMDatabaseAuthentication", "ManageMasterUserPassword", "AllowMajorVersionUpgrade"} {
			if scalar(get(db.Properties, property)) != "true" {
				wrong = append(wrong, db.At()+": "+property+" is not true")
			}
		}
		if !refersToOne(get(db.Properties, "DBParameterGroupName"), groups) {
			wrong = append(wrong, db.At()+": its parameters are those of no group of the templates")
		}
	}
	for _, group := range groups {
		for _, p := range [][2]string{{"synchronous_commit", "on"}, {"rds.force_ssl", "1"}, {"log_parameter_max_length", "0"}} {
			if got := scalar(get(group.Properties, "Parameters", p[0])); got != p[1] {
				wrong = append(wrong, fmt.Sprintf("%s: %s is %q (want %s)", group.At(), p[0], got, p[1]))
			}
		}
	}
	return wrong
}

func kafkaLosesNothing(templates []Template) (wrong []string) {
	configurations := OfType(templates, "AWS::MSK::Configuration")
	for _, c := range configurations {
		if get(c.Properties, "KafkaVersionsList") != nil {
			wrong = append(wrong, c.At()+": KafkaVersionsList keeps Kafka from being upgraded: another one replaces the configuration, whose name is taken")
		}
		lines := strings.Fields(scalar(get(c.Properties, "ServerProperties")))
		for _, want := range []string{"auto.create.topics.enable=false", "default.replication.factor=3", "min.insync.replicas=2", "unclean.leader.election.enable=false"} {
			if !slices.Contains(lines, want) {
				wrong = append(wrong, c.At()+": "+want+" is missing")
			}
		}
	}
	for _, k := range OfType(templates, "AWS::MSK::Cluster") {
		transit, unauthenticated := get(k.Properties, "EncryptionInfo", "EncryptionInTransit", "ClientBroker"), get(k.Properties, "ClientAuthentication", "Unauthenticated", "Enabled")
		if scalar(transit) != "TLS" || scalar(unauthenticated) != "false" {
			wrong = append(wrong, k.At()+": clients may connect without TLS or without signing in")
		}
		if !refersToOne(get(k.Properties, "ConfigurationInfo", "Arn"), configurations) {
			wrong = append(wrong, k.At()+": its configuration is none of the templates")
		}
	}
	return wrong
}

// refersToOne tells whether a value is a reference to one of some resources: !Ref, or !GetAtt of an attribute.
func refersToOne(node *yaml.Node, resources []Resource) bool {
	if node == nil || node.Tag != "!Ref" && node.Tag != "!GetAtt" {
		return false
	}
	name, _, _ := strings.Cut(node.Value, ".")
	return slices.ContainsFunc(resources, func(r Resource) bool { return r.Name == name })
}

// eventsExist: the topics and groups that the policies name are those of the program.
func eventsExist(templates []Template) (wrong []string) {
	topics := []string{string(port.TopicRequests), string(port.TopicResults), string(port.TopicDeadLetter), "dispatch-*"}
	groups := []string{core.DeliveryGroup, core.SettlementGroup, "balsong-*"}
	for _, t := range templates {
		walk(t.root, nil, func(_ []string, node *yaml.Node) {
			topic, isTopic := strings.CutPrefix(node.Value, "${Topics}/")
			group, isGroup := strings.CutPrefix(node.Value, "${Groups}/")
			if isTopic && !slices.Contains(topics, topic) || isGroup && !slices.Contains(groups, group) {
				wrong = append(wrong, fmt.Sprintf("%s line %d: %s is no topic or group of the program", t.File, node.Line, node.Value))
			}
		})
	}
	return wrong
}
