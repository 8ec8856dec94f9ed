package cloudformation

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/balsong/balsong/application/port"
)

// What docs/operations/restore.md needs of the templates.

// database is what the stack of data exports of its server.
var database = []string{"Database", "DatabaseAddress", "DatabaseResourceId"}

// databaseCanBeReplaced: an export that is in use cannot change, so whoever takes one of the database has a parameter of the same name, which a restored server goes
// into. The secret of its administrator is not among them: only the task that made the role needs it.
func databaseCanBeReplaced(templates []Template) (wrong []string) {
	for _, t := range templates {
		replaceable := map[*yaml.Node]bool{}
		walk(t.root, nil, func(_ []string, node *yaml.Node) {
			if node.Tag == "!If" && len(node.Content) == 3 && node.Content[1].Tag == "!Ref" && node.Content[1].Value == imported(node.Content[2]) {
				replaceable[node.Content[2]] = true
			}
		})
		walk(t.root, nil, func(_ []string, node *yaml.Node) {
			if name := imported(node); slices.Contains(database, name) && !replaceable[node] {
				wrong = append(wrong, fmt.Sprintf("%s line %d: %s cannot be that of a restored database: want !If [Restored, !Ref %s, …]", t.File, node.Line, name, name))
			}
		})
	}
	return wrong
}

// scalingCanBeSuspended: who stops a service by hand must be able to keep scaling from starting it again.
func scalingCanBeSuspended(templates []Template) (wrong []string) {
	for _, target := range OfType(templates, "AWS::ApplicationAutoScaling::ScalableTarget") {
		for _, activity := range []string{"DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"} {
			if state := get(target.Properties, "SuspendedState", activity); state == nil || state.Tag != "!If" {
				wrong = append(wrong, target.At()+": no parameter decides on "+activity)
			}
		}
	}
	return wrong
}

// operatorReadsTheLog: `balsong restore-check` reads each topic.
func operatorReadsTheLog(templates []Template) (wrong []string) {
	var read []string
	for _, policy := range OfType(templates, "AWS::IAM::ManagedPolicy") {
		if !slices.ContainsFunc(items(get(policy.Properties, "Roles")), func(role *yaml.Node) bool { return role.Value == "OperatorRole" }) {
			continue
		}
		for _, statement := range items(get(policy.Properties, "PolicyDocument", "Statement")) {
			if !slices.ContainsFunc(items(get(statement, "Action")), func(action *yaml.Node) bool { return action.Value == "kafka-cluster:ReadData" }) {
				continue
			}
			walk(get(statement, "Resource"), nil, func(_ []string, node *yaml.Node) {
				if topic, is := strings.CutPrefix(node.Value, "${Topics}/"); is {
					read = append(read, topic)
				}
			})
		}
	}
	for _, topic := range []port.Topic{port.TopicRequests, port.TopicResults, port.TopicDeadLetter} {
		if !slices.Contains(read, string(topic)) {
			wrong = append(wrong, "access.yaml: the role of balsong may not read "+string(topic)+", which a restore check reads")
		}
	}
	return wrong
}
