package kubecheck

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// leaves is how long a delivery needs after its calls have ended, to store what is to be stored.
const leaves = 30 * time.Second

var versioned = regexp.MustCompile(`^\S+/\S+:\d[\w.-]*$`)

// checkPod: whatever makes a pod gives it nothing that it does not need.
func (c cluster) checkPod(o object) (f findings) {
	p, _, ok := o.pods()
	if !ok {
		return nil
	}
	account, known := c.find("ServiceAccount", p.Account)
	f.unless(known, "its account %q is no ServiceAccount", p.Account)
	f.unless(off(p.AutomountToken) && off(account.AutomountToken), "it would have a token for the cluster")
	f.unless(off(p.ServiceLinks), "services of the namespace would become variables (enableServiceLinks)")
	f.unless(on(p.SecurityContext.NonRoot) && p.SecurityContext.User == 65532, "it does not run as user 65532")
	f.unless(p.SecurityContext.Seccomp.Type == "RuntimeDefault", "it has no seccomp profile")
	f.unless(len(p.Containers) == 1, "it has not one container")
	for _, k := range p.Containers {
		f.unless(versioned.MatchString(k.Image), "image %q has no version, which version/kustomization.yaml gives", k.Image)
		f.unless(off(k.SecurityContext.Escalation), "it may gain privileges")
		f.unless(on(k.SecurityContext.ReadOnly), "its root file system can be written to")
		f.unless(slices.Equal(k.SecurityContext.Capabilities.Drop, []string{"ALL"}), "it keeps capabilities")
		f.unless(k.Resources.Requests["cpu"] != "" && k.Resources.Limits["cpu"] == "", "it needs a request of processors, and no limit of them, which would make calls late")
		f.unless(k.Resources.Requests["memory"] != "" && k.Resources.Requests["memory"] == k.Resources.Limits["memory"], "its memory's request and limit are not one number")
	}
	return f
}

// checkKind: what the protocol asks of each kind of object.
func (c cluster) checkKind(o object) (f findings) {
	switch o.Kind {
	case "Deployment":
		return c.checkService(o)
	case "CronJob":
		s := o.Spec
		f.unless(s.ConcurrencyPolicy == "Allow", "concurrencyPolicy must be Allow: a run that waits would keep all later ones from beginning")
		f.unless(s.TimeZone != "", "its schedule has no timeZone")
		f.unless(s.StartingDeadline != nil, "it has no startingDeadlineSeconds: after 100 missed runs it would never begin again")
		f.unless(s.JobTemplate.Spec.ActiveDeadline != nil, "its runs have no activeDeadlineSeconds: each would wait for a component that is down")
		return append(f, c.checkFailures(s.JobTemplate.Spec)...)
	case "Job":
		return c.checkFailures(o.Spec)
	case "ScaledObject":
		return c.checkScaling(o.Spec.scaling)
	case "Namespace":
		f.unless(o.Metadata.Labels["pod-security.kubernetes.io/enforce"] == "restricted", "pods that are not restricted would be admitted")
	case "PodDisruptionBudget":
		f.unless(o.Spec.UnhealthyEviction == "AlwaysAllow", "in an outage its pods would keep nodes from being drained")
	}
	return f
}

// checkService: a service that runs all the time.
func (c cluster) checkService(o object) (f findings) {
	p, labels, _ := o.pods()
	k := p.Containers[0]
	name := o.Metadata.Name
	port := strconv.Itoa(portOf(c.environment(o)["BALSONG_HEALTH_ADDR"]))
	f.unless(k.Liveness.HTTP.Path == "/healthz", "its liveness must be /healthz, which an outage of a component does not change")
	f.unless(k.Readiness.HTTP.Path == "/readyz", "its readiness must be /readyz")
	for _, probed := range []string{k.Liveness.HTTP.Port, k.Readiness.HTTP.Port} {
		f.unless(len(k.Ports) == 1 && probed == k.Ports[0].Name && port == strconv.Itoa(k.Ports[0].Port), "it is probed at %q, and answers at BALSONG_HEALTH_ADDR (%s)", probed, port)
	}
	f.unless(o.Spec.Template.Metadata.Annotations["prometheus.io/port"] == port, "Prometheus is told another port than that of BALSONG_HEALTH_ADDR")
	f.unless(len(p.Spread) > 0, "nothing spreads its pods over zones and nodes")
	_, scaled := c.find("ScaledObject", name)
	f.unless(scaled == (o.Spec.Replicas == nil), "its replicas must stand in one place: here, or in a ScaledObject")
	budget, found := c.find("PodDisruptionBudget", name)
	f.unless(found && contains(labels, budget.Spec.Selector.MatchLabels) && contains(labels, o.Spec.Selector.MatchLabels), "no PodDisruptionBudget has its pods")
	if drain := c.drain(o); drain > 0 {
		f.unless(p.GracePeriod != nil && time.Duration(*p.GracePeriod)*time.Second >= drain+leaves,
			"terminationGracePeriodSeconds must be BALSONG_DELIVERY_DRAIN (%s) and %s or more: calls would be cut off", drain, leaves)
	}
	return f
}

// drain is how long a service waits for its calls when it ends; 0 where it makes none.
func (c cluster) drain(o object) time.Duration {
	text, set := c.environment(o)["BALSONG_DELIVERY_DRAIN"]
	if program, _ := c.program(o); !set {
		text = program["BALSONG_DELIVERY_DRAIN"].Default
	}
	drain, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return drain
}

// checkFailures: what another try cannot change ends a job, by exit codes that there are.
func (c cluster) checkFailures(job spec) (f findings) {
	var codes []int
	for _, rule := range job.PodFailurePolicy.Rules {
		if rule.Action == "FailJob" && rule.OnExitCodes.ContainerName == job.Template.Spec.Containers[0].Name {
			codes = append(codes, rule.OnExitCodes.Values...)
		}
	}
	f.unless(slices.Contains(codes, 2), "it would be tried again with a configuration that is wrong (exit code 2)")
	for _, code := range codes {
		f.unless(strings.Contains(c.codes, "\n| "+strconv.Itoa(code)+" | "), "%d is no exit code", code)
	}
	return f
}

// checkScaling: delivery is scaled by a number that there is, to no more than can work at once.
func (c cluster) checkScaling(s scaling) (f findings) {
	_, found := c.find("Deployment", s.Target.Name)
	f.unless(found, "it scales %q, which is no Deployment", s.Target.Name)
	partitions, _ := strconv.Atoi(c.programs["batch migrate"]["BALSONG_KAFKA_PARTITIONS"].Default)
	f.unless(s.MaxReplicas > 0 && s.MaxReplicas <= partitions, "more than %d tasks have no partition to read", partitions)
	f.unless(s.Fallback != nil && s.Fallback.Replicas > 0, "without Prometheus nothing would be delivered: it has no fallback")
	for _, trigger := range s.Triggers {
		f.unless(trigger.Metadata["ignoreNullValues"] == "false", "a lag that is not known would count as none (ignoreNullValues)")
		for _, number := range regexp.MustCompile(`\b\d{4,}\b`).FindAllString(trigger.Metadata["query"], -1) {
			f.unless(number == trigger.Metadata["threshold"], "its query has %s, and the threshold is %s", number, trigger.Metadata["threshold"])
		}
		for _, metric := range regexp.MustCompile(`balsong_\w+`).FindAllString(trigger.Metadata["query"], -1) {
			f.unless(strings.Contains(c.metrics, "`"+metric+"`"), "%s is no metric of docs/operations/metrics.md", metric)
		}
	}
	return f
}

func on(b *bool) bool  { return b != nil && *b }
func off(b *bool) bool { return b != nil && !*b }

// contains reports whether labels has every one of wanted, and wanted some.
func contains(labels, wanted map[string]string) bool {
	for key, value := range wanted {
		if labels[key] != value {
			return false
		}
	}
	return len(wanted) > 0
}
