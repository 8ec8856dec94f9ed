// Package kubecheck reads deploy/kubernetes as kustomize renders it, and checks it by rules of this repository: what Kubernetes would take, and
// Balsong would not. `make kubernetes-check` also holds it against the schemas of Kubernetes and of KEDA.
package kubecheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// object is what is read of any object.
type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name        string            `yaml:"name"`
		Namespace   string            `yaml:"namespace"`
		Labels      map[string]string `yaml:"labels"`
		Annotations map[string]string `yaml:"annotations"`
	} `yaml:"metadata"`
	Data map[string]string `yaml:"data"`
	Spec spec              `yaml:"spec"`
	// AutomountToken is of a ServiceAccount.
	AutomountToken *bool `yaml:"automountServiceAccountToken"`
}

// spec has the fields of all kinds that are looked at.
type spec struct {
	Replicas *int `yaml:"replicas"`
	Selector struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	} `yaml:"selector"`
	Template template `yaml:"template"`

	Schedule          string       `yaml:"schedule"`
	TimeZone          string       `yaml:"timeZone"`
	ConcurrencyPolicy string       `yaml:"concurrencyPolicy"`
	StartingDeadline  *int         `yaml:"startingDeadlineSeconds"`
	JobTemplate       *jobTemplate `yaml:"jobTemplate"`
	ActiveDeadline    *int         `yaml:"activeDeadlineSeconds"`
	PodFailurePolicy  struct {
		Rules []struct {
			Action      string `yaml:"action"`
			OnExitCodes struct {
				ContainerName string `yaml:"containerName"`
				Values        []int  `yaml:"values"`
			} `yaml:"onExitCodes"`
		} `yaml:"rules"`
	} `yaml:"podFailurePolicy"`

	UnhealthyEviction string `yaml:"unhealthyPodEvictionPolicy"`

	PodSelector struct {
		MatchLabels      map[string]string `yaml:"matchLabels"`
		MatchExpressions []struct {
			Key    string   `yaml:"key"`
			Values []string `yaml:"values"`
		} `yaml:"matchExpressions"`
	} `yaml:"podSelector"`
	PolicyTypes []string      `yaml:"policyTypes"`
	Egress      []networkRule `yaml:"egress"`
	Ingress     []networkRule `yaml:"ingress"`

	scaling `yaml:",inline"`
	pod     `yaml:",inline"`
}

type jobTemplate struct {
	Spec spec `yaml:"spec"`
}

type networkRule struct {
	Ports []struct {
		Port int `yaml:"port"`
	} `yaml:"ports"`
}

// scaling is the spec of a ScaledObject.
type scaling struct {
	Target struct {
		Name string `yaml:"name"`
	} `yaml:"scaleTargetRef"`
	MaxReplicas int `yaml:"maxReplicaCount"`
	Fallback    *struct {
		Replicas int `yaml:"replicas"`
	} `yaml:"fallback"`
	Triggers []struct {
		Metadata map[string]string `yaml:"metadata"`
	} `yaml:"triggers"`
}

type template struct {
	Metadata struct {
		Labels      map[string]string `yaml:"labels"`
		Annotations map[string]string `yaml:"annotations"`
	} `yaml:"metadata"`
	Spec pod `yaml:"spec"`
}

type pod struct {
	Account         string `yaml:"serviceAccountName"`
	AutomountToken  *bool  `yaml:"automountServiceAccountToken"`
	ServiceLinks    *bool  `yaml:"enableServiceLinks"`
	GracePeriod     *int   `yaml:"terminationGracePeriodSeconds"`
	SecurityContext struct {
		NonRoot *bool `yaml:"runAsNonRoot"`
		User    int   `yaml:"runAsUser"`
		Seccomp struct {
			Type string `yaml:"type"`
		} `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	Spread     []any       `yaml:"topologySpreadConstraints"`
	Containers []container `yaml:"containers"`
	Volumes    []volume    `yaml:"volumes"`
}

type container struct {
	Name    string   `yaml:"name"`
	Image   string   `yaml:"image"`
	Args    []string `yaml:"args"`
	EnvFrom []struct {
		ConfigMap reference `yaml:"configMapRef"`
	} `yaml:"envFrom"`
	Env []struct {
		Name  string `yaml:"name"`
		Value string `yaml:"value"`
	} `yaml:"env"`
	Ports []struct {
		Name string `yaml:"name"`
		Port int    `yaml:"containerPort"`
	} `yaml:"ports"`
	Liveness  probe `yaml:"livenessProbe"`
	Readiness probe `yaml:"readinessProbe"`
	Resources struct {
		Requests map[string]string `yaml:"requests"`
		Limits   map[string]string `yaml:"limits"`
	} `yaml:"resources"`
	SecurityContext struct {
		Escalation   *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnly     *bool `yaml:"readOnlyRootFilesystem"`
		Capabilities struct {
			Drop []string `yaml:"drop"`
		} `yaml:"capabilities"`
	} `yaml:"securityContext"`
	Mounts []struct {
		Name string `yaml:"name"`
		Path string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

type reference struct {
	Name string `yaml:"name"`
}

type probe struct {
	HTTP struct {
		Path string `yaml:"path"`
		Port string `yaml:"port"`
	} `yaml:"httpGet"`
}

type volume struct {
	Name      string    `yaml:"name"`
	ConfigMap reference `yaml:"configMap"`
	Projected struct {
		Sources []struct {
			Secret struct {
				Name  string `yaml:"name"`
				Items []struct {
					Key  string `yaml:"key"`
					Path string `yaml:"path"`
				} `yaml:"items"`
			} `yaml:"secret"`
		} `yaml:"sources"`
	} `yaml:"projected"`
}

// render returns all of deploy/kubernetes below root as it would reach a cluster: services, jobs, the jobs on a restored database, the
// scaling, the pods of the operator's command, and what the guide's patches make of them.
func render(root string) ([]byte, error) {
	asked, _, err := ask(root, "")
	if err != nil {
		return nil, err
	}
	return renderWith(root, asked)
}

func renderWith(root string, asked []request) ([]byte, error) {
	folder := filepath.Join(root, "deploy/kubernetes")
	var all [][]byte
	for _, kustomization := range []string{".", "feedback", "jobs", "restored"} {
		rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(folder, kustomization))
		if err != nil {
			return nil, err
		}
		text, err := rendered.AsYaml()
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	text, err := os.ReadFile(filepath.Join(folder, "scaling.yaml"))
	if err != nil {
		return nil, err
	}
	pods, err := operators(asked)
	if err != nil {
		return nil, err
	}
	all = append(append(all, text), pods...)
	changed, err := patched(asked, bytes.Join(all, separator))
	return bytes.Join(append(all, changed...), separator), err
}

var separator = []byte("\n---\n")

// asRun completes the operator's pod as `kubectl run NAME --image=…` does, with overrides: it gives the container the pod's name, and merges containers
// by name.
func asRun(name, image, overrides string) ([]byte, error) {
	var pod map[string]any
	if err := json.Unmarshal([]byte(overrides), &pod); err != nil {
		return nil, fmt.Errorf("operator.json: %w", err)
	}
	metadata, _ := pod["metadata"].(map[string]any)
	spec, _ := pod["spec"].(map[string]any)
	containers, _ := spec["containers"].([]any)
	if metadata == nil || len(containers) != 1 {
		return nil, errors.New("operator.json: it has no metadata, or not one container")
	}
	pod["kind"], metadata["name"], spec["restartPolicy"] = "Pod", name, "Never"
	container, _ := containers[0].(map[string]any)
	if container["name"] != name {
		return nil, errors.New("operator.json: its container is not called operator, for which the guide puts the name of the pod: kubectl would add a second container")
	}
	container["image"] = image
	return yaml.Marshal(pod)
}

// pods returns the pod that an object makes, if it makes one, and the labels that it has.
func (o object) pods() (made pod, labels map[string]string, ok bool) {
	switch o.Kind {
	case "Deployment", "Job":
		return o.Spec.Template.Spec, o.Spec.Template.Metadata.Labels, true
	case "CronJob":
		return o.Spec.JobTemplate.Spec.Template.Spec, o.Spec.JobTemplate.Spec.Template.Metadata.Labels, true
	case "Pod":
		return o.Spec.pod, o.Metadata.Labels, true
	default:
		return pod{}, nil, false
	}
}

func decode(text []byte) (list []object, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var o object
		switch err := decoder.Decode(&o); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, err
		case o.Kind != "":
			list = append(list, o)
		}
	}
}
