package cloudformation

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// balancersLetReportsThrough: what the internet reaches shows TLS and lets reports alone through; all else is inside the VPC. Each has a
// security group, and asks its targets without the database.
func balancersLetReportsThrough(templates []Template) (wrong []string) {
	public := map[string]bool{} // load balancers that the internet reaches
	for _, b := range OfType(templates, "AWS::ElasticLoadBalancingV2::LoadBalancer") {
		public[b.Name] = scalar(get(b.Properties, "Scheme")) != "internal"
		if public[b.Name] && scalar(get(b.Properties, "Type")) != "application" {
			wrong = append(wrong, b.At()+": the internet reaches it, and it does not look at paths")
		}
		if len(items(get(b.Properties, "SecurityGroups"))) == 0 {
			wrong = append(wrong, b.At()+": it has no security group, and can get none later")
		}
	}
	reports := map[string]bool{} // listeners that the internet reaches
	for _, l := range OfType(templates, "AWS::ElasticLoadBalancingV2::Listener") {
		if !public[scalar(get(l.Properties, "LoadBalancerArn"))] {
			continue
		}
		reports[l.Name] = true
		if scalar(get(l.Properties, "Protocol")) != "HTTPS" || !strings.HasPrefix(scalar(get(l.Properties, "SslPolicy")), "ELBSecurityPolicy-TLS13-1-2-") {
			wrong = append(wrong, l.At()+": it takes requests without TLS 1.2")
		}
		if actions := items(get(l.Properties, "DefaultActions")); len(actions) != 1 || scalar(get(actions[0], "Type")) != "fixed-response" {
			wrong = append(wrong, l.At()+": what is no report goes on")
		}
	}
	for _, r := range OfType(templates, "AWS::ElasticLoadBalancingV2::ListenerRule") {
		if reports[scalar(get(r.Properties, "ListenerArn"))] && (!slices.Equal(values(r, "path-pattern", "PathPatternConfig"), []string{"/reports/*"}) ||
			!slices.Equal(values(r, "http-request-method", "HttpRequestMethodConfig"), []string{"POST"})) {
			wrong = append(wrong, r.At()+": what is no report goes on")
		}
	}
	for _, g := range OfType(templates, "AWS::ElasticLoadBalancingV2::TargetGroup") {
		if path := scalar(get(g.Properties, "HealthCheckPath")); scalar(get(g.Properties, "Protocol")) == "HTTP" && path != "/healthz" {
			wrong = append(wrong, fmt.Sprintf("%s: it asks %q, which the webhooks do not answer", g.At(), path))
		}
	}
	return wrong
}

// values are those of one condition of a listener's rule.
func values(rule Resource, field, config string) (list []string) {
	for _, condition := range items(get(rule.Properties, "Conditions")) {
		if scalar(get(condition, "Field")) == field {
			for _, value := range items(get(condition, config, "Values")) {
				list = append(list, value.Value)
			}
		}
	}
	return list
}

// portsAreThoseOfFeedback: nothing connects to a task but load balancers to those of feedback, at the ports where its program listens.
func portsAreThoseOfFeedback(templates []Template) (wrong []string) {
	listens := map[string]string{} // port by the name of the export of its target group
	for _, g := range OfType(templates, "AWS::ElasticLoadBalancingV2::TargetGroup") {
		listens[g.Name] = scalar(get(g.Properties, "Port"))
	}
	for _, c := range Containers(templates) {
		at := c.Task.At() + ", container " + c.Name + ": "
		var opened []string
		for _, mapping := range items(get(c.node, "PortMappings")) {
			if port := scalar(get(chosen(mapping), "ContainerPort")); c.Name == "feedback" {
				opened = append(opened, ":"+port)
			} else {
				wrong = append(wrong, at+"nothing connects to it, and it maps a port")
			}
		}
		for _, v := range c.environment {
			if addr := scalar(chosen(v.value)); (v.name == "BALSONG_FEEDBACK_ADDR" || v.name == "BALSONG_FEEDBACK_LMTP_ADDR") && !slices.Contains(opened, addr) {
				wrong = append(wrong, at+v.name+" is "+addr+", which no port is mapped for")
			}
		}
	}
	for _, s := range OfType(templates, "AWS::ECS::Service") {
		for _, balancer := range items(get(s.Properties, "LoadBalancers")) {
			to := chosen(balancer)
			if group := imported(get(to, "TargetGroupArn")); listens[group] != scalar(get(to, "ContainerPort")) {
				wrong = append(wrong, fmt.Sprintf("%s: %s sends to port %q, and the service listens at %s", s.At(), group, listens[group], scalar(get(to, "ContainerPort"))))
			}
		}
	}
	for _, in := range OfType(templates, "AWS::EC2::SecurityGroupIngress") {
		if group := scalar(get(in.Properties, "GroupId")); group == "TaskGroup" || group == "FeedbackGroup" && get(in.Properties, "SourceSecurityGroupId") == nil {
			wrong = append(wrong, in.At()+": somebody who is no load balancer may connect to a task")
		}
	}
	return wrong
}

// chosen is what a value is where the condition of its !If holds.
func chosen(node *yaml.Node) *yaml.Node {
	if node != nil && node.Tag == "!If" {
		return node.Content[1]
	}
	return node
}
