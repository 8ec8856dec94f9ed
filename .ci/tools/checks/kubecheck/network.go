package kubecheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkNetwork: everything is closed but the ports that configurations name.
func (c cluster) checkNetwork() (wrong []string) {
	closed := false
	for _, o := range c.objects {
		if o.Kind == "NetworkPolicy" && o.Spec.selects(nil) && len(o.Spec.Egress) == 0 && len(o.Spec.Ingress) == 0 {
			closed = slices.Contains(o.Spec.PolicyTypes, "Ingress") && slices.Contains(o.Spec.PolicyTypes, "Egress")
		}
	}
	if !closed {
		wrong = append(wrong, "no NetworkPolicy closes what is not listed, for all pods and both ways")
	}
	for _, o := range c.objects {
		if _, labels, ok := o.pods(); ok {
			wrong = append(wrong, c.checkPorts(o, labels)...)
		}
	}
	return wrong
}

// checkPorts: a pod may reach the ports that its configuration names, and others those at which it answers.
func (c cluster) checkPorts(o object, labels map[string]string) (wrong []string) {
	var out, in []int
	for _, policy := range c.objects {
		if policy.Kind == "NetworkPolicy" && policy.Spec.selects(labels) {
			out, in = append(out, portsOf(policy.Spec.Egress)...), append(in, portsOf(policy.Spec.Ingress)...)
		}
	}
	set := c.environment(o)
	program, _ := c.program(o)
	for _, variable := range slices.Sorted(maps.Keys(set)) {
		port := portOf(set[variable])
		if port == 0 || !program.Has(variable) {
			continue
		}
		open := out
		if slices.ContainsFunc([]string{"_HEALTH_ADDR", "_FEEDBACK_ADDR", "_LMTP_ADDR"}, func(own string) bool { return strings.HasSuffix(variable, own) }) {
			open = in
		}
		if !slices.Contains(open, port) {
			wrong = append(wrong, fmt.Sprintf("%s %s: no NetworkPolicy opens port %d, which %s names", o.Kind, o.Metadata.Name, port, variable))
		}
	}
	if program.Has("BALSONG_S3_BUCKET") && set["BALSONG_S3_BUCKET"] != "" && !slices.Contains(out, 443) {
		wrong = append(wrong, fmt.Sprintf("%s %s: no NetworkPolicy opens port 443, by which the object store is reached", o.Kind, o.Metadata.Name))
	}
	return wrong
}

// selects reports whether a policy is about the pods of some labels.
func (s spec) selects(labels map[string]string) bool {
	selector := s.PodSelector
	for key, value := range selector.MatchLabels {
		if labels[key] != value {
			return false
		}
	}
	for _, expression := range selector.MatchExpressions {
		if !slices.Contains(expression.Values, labels[expression.Key]) {
			return false
		}
	}
	return true
}

func portsOf(rules []networkRule) (ports []int) {
	for _, rule := range rules {
		for _, p := range rule.Ports {
			ports = append(ports, p.Port)
		}
	}
	return ports
}
