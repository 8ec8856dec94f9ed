package cloudformation_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/cloudformation"
)

// policy is what a template says of a managed policy, as far as it is looked at.
type policy struct {
	PolicyDocument struct {
		Statement []struct {
			Action any `yaml:"Action"` // one, or a list
		} `yaml:"Statement"`
	} `yaml:"PolicyDocument"`
}

// Each request of the scripts that a person on call runs has its right, and none of them changes what is deployed.
func TestAPersonOnCallMayWhatTheirScriptsAsk(t *testing.T) {
	t.Parallel()
	var allowed []string
	for _, resource := range cloudformation.OfType(read(t, deploy), "AWS::IAM::ManagedPolicy") {
		var p policy
		if err := resource.Decode(&p); err != nil {
			t.Fatal(err)
		}
		for _, statement := range p.PolicyDocument.Statement {
			if resource.Name == "OnCallPolicy" {
				allowed = append(allowed, actions(statement.Action)...)
			}
		}
	}
	for _, action := range allowed {
		if verb := action[strings.Index(action, ":")+1:]; (strings.HasPrefix(verb, "Create") || strings.HasPrefix(verb, "Delete") || strings.HasPrefix(verb, "Put") || strings.HasPrefix(verb, "Execute")) && action != "sqs:DeleteMessage" { // of a message that is put back
			t.Errorf("on call may %s", action)
		}
	}
	c := newAccount(t)
	for _, script := range [][]string{{"halt.sh", "--reason", "wrong amounts"}, {"halt.sh", "--release"}, {"run.sh", "balsong", "status"}, {"run.sh", "dispatcher"}} {
		if said, code := c.run("bash", append([]string{filepath.Join(deploy, script[0])}, script[1:]...)...); code != 0 {
			t.Errorf("%q: exit code %d: %s", script, code, said)
		}
	}
	for line := range strings.Lines(c.requests()) {
		var request []string
		if err := json.Unmarshal([]byte(line), &request); err != nil {
			t.Fatal(err)
		}
		action := request[0] + ":"
		for word := range strings.SplitSeq(request[1], "-") {
			action += strings.ToUpper(word[:1]) + word[1:]
		}
		if request[0] != "sts" && !slices.Contains(allowed, action) { // who one is needs no right
			t.Errorf("on call may not %s", action)
		}
	}
}

func actions(value any) (all []string) {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []any:
		for _, action := range value {
			all = append(all, actions(action)...)
		}
	}
	return all
}
