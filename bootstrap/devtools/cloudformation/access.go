package cloudformation

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// bucketIsDivided: no policy speaks of the whole bucket's objects, and what operators have written below export/, customers' addresses among it, the role of
// balsong alone reads and writes.
func bucketIsDivided(templates []Template) (wrong []string) {
	for _, policy := range OfType(templates, "AWS::IAM::ManagedPolicy") {
		operators := true
		for _, role := range items(get(policy.Properties, "Roles")) {
			operators = operators && role.Value == "OperatorRole"
		}
		for _, statement := range items(get(policy.Properties, "PolicyDocument", "Statement")) {
			removes := slices.ContainsFunc(items(get(statement, "Action")), func(action *yaml.Node) bool { return action.Value == "s3:DeleteObject" })
			walk(get(statement, "Resource"), nil, func(_ []string, node *yaml.Node) {
				_, object, is := strings.Cut(node.Value, "${Bucket}/")
				switch {
				case !is:
				case object == "*":
					wrong = append(wrong, policy.At()+": it speaks of the whole bucket")
				case removes && !strings.HasPrefix(object, "????-??/"):
					wrong = append(wrong, policy.At()+": "+object+" is removed by its lifecycle, and by no role")
				case strings.HasPrefix(object, "export/") && !operators:
					wrong = append(wrong, policy.At()+": export/ belongs to the role of balsong alone")
				}
			})
		}
	}
	return wrong
}
