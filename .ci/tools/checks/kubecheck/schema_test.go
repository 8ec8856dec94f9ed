package kubecheck

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/yannh/kubeconform/pkg/validator"
	"go.yaml.in/yaml/v3"

	"github.com/balsong/balsong/ci/tools/checks/samples"
)

// versions: the oldest Kubernetes that serves all that is used, and the newest.
var versions = []string{"1.31.0", "1.37.0"}

// pauses is the annotation by which the guide stops delivery.
const pauses = "autoscaling.keda.sh/paused-replicas"

// A cluster drops fields that it does not know, and says nothing.
func TestTheManifestsConformToTheSchemas(t *testing.T) {
	t.Parallel()
	kubernetes, asked := os.LookupEnv("BALSONG_TEST_KUBERNETES_SCHEMAS")
	keda := os.Getenv("BALSONG_TEST_KEDA")
	if !asked {
		t.Skip("`make kubernetes-check` brings the schemas")
	}
	text, err := render(repository)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := decode(text)
	if err != nil {
		t.Fatal(err)
	}
	var validators []validator.Validator
	for _, version := range versions {
		folder := t.TempDir()
		writeSchemas(t, filepath.Join(kubernetes, "v"+version+"-local-strict"), folder, objects)
		writeScaledObject(t, filepath.Join(keda, "config/crd/bases/keda.sh_scaledobjects.yaml"), folder)
		v, err := validator.New([]string{folder + "/{{ .ResourceKind }}{{ .KindSuffix }}.json"}, validator.Opts{Strict: true, KubernetesVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		validators = append(validators, v)
	}
	for _, sentence := range conforms(t, validators, text) {
		t.Error(sentence)
	}
	annotations := string(read(t, filepath.Join(keda, "apis/keda/v1alpha1/scaledobject_types.go")))
	if page := string(read(t, filepath.Join(repository, guidePage))); !strings.Contains(page, pauses) || !strings.Contains(annotations, `"`+pauses+`"`) {
		t.Errorf("KEDA does not know %s", pauses)
	}
	for _, test := range []struct{ file, old, broken, want string }{
		{"delivery.yaml", "terminationGracePeriodSeconds", "terminationGracePeriod", "Deployment delivery: .*'terminationGracePeriod' not allowed"},
		{"settlement.yaml", "replicas: 2", "replicas: two", "Deployment settlement: .*'/spec/replicas'.* want .*integer"},
		{"dispatcher.yaml", "startingDeadlineSeconds: 3600", "startingDeadlineSeconds: 1h", "CronJob dispatcher: .*startingDeadlineSeconds"},
		{"dispatcher.yaml", `schedule: "0 */2 * * *"`, "suspend: false", "CronJob dispatcher: .*missing property 'schedule'"},
		{"jobs/import.yaml", "emptyDir: { sizeLimit", "emptyDir: { size", "Job import: .*'size' not allowed"},
		{"network.yaml", "namespaceSelector", "namespaceselector", "NetworkPolicy metrics: .*'namespaceselector' not allowed"},
		{"operator.json", `"envFrom"`, `"envfrom"`, "Pod balsong-1: .*'envfrom' not allowed"},
		{"config.yaml", `BALSONG_KAFKA_TLS: "true"`, "BALSONG_KAFKA_TLS: true", "ConfigMap kafka: .*BALSONG_KAFKA_TLS"},
		{"scaling.yaml", "maxReplicaCount: 6", "maxReplicas: 4", "ScaledObject delivery: .*'maxReplicas' not allowed"},
		{"scaling.yaml", "behavior: currentReplicasIfHigher", "behavior: keep", "ScaledObject delivery: .*/spec/fallback/behavior"},
		{"scaling.yaml", `threshold: "30000"`, "threshold: 30000", "ScaledObject delivery: .*threshold"},
	} {
		t.Run(test.file+" "+test.broken, func(t *testing.T) {
			t.Parallel()
			text, err := render(broken(t, test.file, test.old, test.broken))
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(conforms(t, validators, text), "\n"); !regexp.MustCompile(test.want).MatchString(all) {
				t.Errorf("found %q, wanted %q", all, test.want)
			}
		})
	}
	t.Run("a patch of the guide", func(t *testing.T) {
		t.Parallel()
		change := samples.Change{File: guidePage, Old: `"suspend":true`, New: `"suspended":true`}
		text, err := render(samples.Broken(t, repository, change, "deploy/kubernetes", "deploy/prometheus", "docs"))
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(conforms(t, validators, text), "\n"); !strings.Contains(all, "'suspended' not allowed") {
			t.Errorf("found %q", all)
		}
	})
}

// conforms returns what kubeconform finds wrong with text.
func conforms(t *testing.T, validators []validator.Validator, text []byte) (wrong []string) {
	t.Helper()
	for i, v := range validators {
		for _, result := range v.Validate("deploy/kubernetes", io.NopCloser(bytes.NewReader(text))) {
			if result.Status != validator.Valid && result.Status != validator.Empty {
				signature, _ := result.Resource.Signature()
				wrong = append(wrong, versions[i]+": "+signature.Kind+" "+signature.Name+": "+result.Err.Error())
			}
		}
	}
	return wrong
}

var definition = regexp.MustCompile(`"(?:/api/_definitions\.json)?#/\$defs/([^"]+)"`)

// writeSchemas writes the schema of each kind, with the definitions that it needs: those of Kubernetes are in one file of all kinds, under an address
// that nobody may be asked for.
func writeSchemas(t *testing.T, from, to string, objects []object) {
	t.Helper()
	var all struct {
		Definitions map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal(read(t, filepath.Join(from, "_definitions.json")), &all); err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if o.Kind == "ScaledObject" {
			continue
		}
		group, version, _ := strings.Cut(o.APIVersion, "/")
		name := strings.TrimSuffix(strings.ToLower(o.Kind)+"-"+strings.Split(group, ".")[0]+"-"+version, "-")
		schema := map[string]any{}
		main := read(t, filepath.Join(from, name+".json"))
		if err := json.Unmarshal(main, &schema); err != nil {
			t.Fatal(err)
		}
		needed := map[string]json.RawMessage{}
		for waiting := [][]byte{main}; len(waiting) > 0; waiting = waiting[1:] {
			for _, of := range definition.FindAllSubmatch(waiting[0], -1) {
				if part := string(of[1]); needed[part] == nil {
					needed[part] = all.Definitions[part]
					waiting = append(waiting, needed[part])
				}
			}
		}
		delete(schema, "$id")
		schema["$defs"] = needed
		write(t, filepath.Join(to, name+".json"), schema)
	}
}

// writeScaledObject writes the schema of a CRD.
func writeScaledObject(t *testing.T, crd, to string) {
	t.Helper()
	var definition struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPI map[string]any `yaml:"openAPIV3Schema"`
				} `yaml:"schema"`
			} `yaml:"versions"`
		} `yaml:"spec"`
	}
	if err := yaml.Unmarshal(read(t, crd), &definition); err != nil || len(definition.Spec.Versions) != 1 {
		t.Fatalf("%s has %d versions (%v)", crd, len(definition.Spec.Versions), err)
	}
	schema := definition.Spec.Versions[0].Schema.OpenAPI
	closeObjects(schema)
	// A cluster knows what an object's metadata may have; a CRD does not say it.
	schema["properties"].(map[string]any)["metadata"] = map[string]any{"type": "object"}
	write(t, filepath.Join(to, "scaledobject-keda-v1alpha1.json"), schema)
}

// closeObjects lets no object have fields that its schema does not name.
func closeObjects(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		if _, is := s["properties"].(map[string]any); is && s["type"] == "object" {
			s["additionalProperties"] = false
		}
		for _, part := range s {
			closeObjects(part)
		}
	case []any:
		for _, part := range s {
			closeObjects(part)
		}
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, name string, schema map[string]any) {
	t.Helper()
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("/api/_definitions.json#"), []byte("#"))
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
