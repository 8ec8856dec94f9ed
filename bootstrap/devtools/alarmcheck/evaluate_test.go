package alarmcheck

import (
	"slices"
	"strings"
	"testing"
)

// The rows of the tables of "Configuring how CloudWatch alarms treat missing data": M of N, the five data points that were retrieved (0 is
// within the threshold, X breaches it, - is missing), and the states with missing, ignore, breaching and notBreaching. "retained" is the state before.
func TestAnAlarmIsJudgedAsTheTablesOfAWSSay(t *testing.T) {
	t.Parallel()
	const retained = state("retained")
	for _, row := range []struct {
		m, n   int
		points string
		states [4]state
	}{
		{3, 3, "0 - X - X", [4]state{ok, ok, ok, ok}},
		{3, 3, "0 - - - -", [4]state{ok, ok, ok, ok}},
		{3, 3, "- - - - 0", [4]state{ok, ok, ok, ok}},
		{3, 3, "- - - - -", [4]state{insufficient, retained, alarm, ok}},
		{3, 3, "0 X X - X", [4]state{alarm, alarm, alarm, alarm}},
		{3, 3, "- - - - X", [4]state{insufficient, retained, alarm, ok}},
		{3, 3, "X - - - -", [4]state{alarm, retained, alarm, ok}},
		{3, 3, "- - X - -", [4]state{alarm, retained, alarm, ok}},
		{2, 3, "0 - X - X", [4]state{alarm, alarm, alarm, alarm}},
		{2, 3, "0 0 X 0 X", [4]state{alarm, alarm, alarm, alarm}},
		{2, 3, "0 - X - -", [4]state{ok, ok, alarm, ok}},
		{2, 3, "- - - - 0", [4]state{ok, ok, alarm, ok}},
		{2, 3, "- - - - X", [4]state{insufficient, retained, alarm, ok}},
		{2, 3, "- - - X -", [4]state{alarm, retained, alarm, ok}},
	} {
		var points []*bool
		for _, p := range strings.Fields(row.points) {
			breaching := p == "X"
			points = append(points, map[bool]*bool{true: nil, false: &breaching}[p == "-"])
		}
		for i, treatment := range []string{"missing", "ignore", "breaching", "notBreaching"} {
			d := definition{DatapointsToAlarm: row.m, EvaluationPeriods: row.n, TreatMissingData: treatment}
			if got := d.judge(points, retained); got != row.states[i] {
				t.Errorf("%d of %d, %s, %s: %s, AWS says %s", row.m, row.n, row.points, treatment, got, row.states[i])
			}
		}
	}
}

// The examples of "Using math expressions with CloudWatch metrics".
func TestMathIsDoneAsAWSDocumentsIt(t *testing.T) {
	t.Parallel()
	line := timeline{start: 600, period: 60, n: 5}
	parseSeries := func(text string) values {
		v := values{at: map[int]float64{}}
		for i, word := range strings.Fields(text) {
			if word != "-" {
				v.at[i] = map[string]float64{"0": 0, "1": 1, "15": 15, "20": 20, "30": 30}[word]
			}
		}
		return v
	}
	known := map[string]values{
		"metric1": parseSeries("30 20 0 0"), "metric2": parseSeries("20 - 20 -"),
		"c1": parseSeries("1 1 0 0 -"), "c2": parseSeries("30 - 0 0 30"), "c3": parseSeries("0 0 20 - 20"),
	}
	for expression, want := range map[string]string{
		"metric1 < metric2":             "0 0 1 0 -",
		"metric1 >= 30":                 "1 0 0 0 -",
		"metric1 > 15 AND metric2 > 15": "1 0 0 0 -",
		"IF(c1, c2, c3)":                "30 0 20 - -",
		"IF(c1, 5, c3)":                 "5 5 20 - -",
		"IF(c1, c2, 5)":                 "30 0 5 5 -",
		"IF(metric2 > 0, metric2)":      "20 - 20 - -",
		"DIFF(metric2)":                 "- - 0 - -",
		"DIFF(metric1)":                 "- -10 -20 0 -",
		"EPOCH(metric2)":                "600 660 720 780 840",
		"metric2 - EPOCH(metric2)":      "-580 -660 -700 -780 -840",
		"(metric1 + 10) * 2":            "80 60 20 20 -",
	} {
		program, err := parse(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		got, err := program(line, known)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
		}
		if said := got.String(line.n); said != want {
			t.Errorf("%s is %s, AWS says %s", expression, said, want)
		}
	}
	for _, broken := range []string{"SUM(metric1)", "IF(metric1", "metric1 +", "metric1 ? 2", "(metric1", ""} {
		if program, err := parse(broken); err == nil {
			if _, err := program(line, known); err == nil {
				t.Errorf("%q is understood", broken)
			}
		}
	}
}

func TestStatisticsJoinTheSamplesOfAPeriod(t *testing.T) {
	t.Parallel()
	line := timeline{start: 60, period: 60, n: 3}
	samples := []sample{{0, 9}, {60, 1}, {119, 3}, {180, 5}, {240, 9}}
	for statistic, want := range map[string]string{"Minimum": "1 - 5", "Maximum": "3 - 5", "Sum": "4 - 5", "SampleCount": "2 - 1"} {
		got, err := line.aggregate(samples, statistic)
		if err != nil || got.String(3) != want {
			t.Errorf("%s: %s, %v; want %s", statistic, got.String(3), err, want)
		}
	}
	if _, err := line.aggregate(samples, "Average"); err == nil {
		t.Error("a statistic that is not known is computed")
	}
}

// phases are samples of a metric a minute, one value after another, each for so many minutes; a value that is nil is not reported.
type phase struct {
	minutes int
	value   any
}

func samplesOf(phases ...phase) (all []sample) {
	minute := 0
	for _, p := range phases {
		for range p.minutes {
			at := epoch + minute*60
			switch v := p.value.(type) {
			case int:
				all = append(all, sample{at, float64(v)})
			case func(int) int:
				all = append(all, sample{at, float64(v(at))})
			}
			minute++
		}
	}
	return all
}

// epoch is when the replays begin: a time as any, at which each period begins.
const epoch = 1_800_000_000

// of is where CloudWatch keeps what a service writes of a metric, and what it writes of a provider.
func of(service, metric string, provider ...string) string {
	dimensions := map[string]string{"Installation": "${Name}", "Service": service}
	for _, name := range provider {
		dimensions["Provider"] = name
	}
	return series{namespace: "Balsong", metric: metric, dimensions: dimensions}.String()
}

// raising are the data that raise each alarm of CloudWatch, and clear it again. All are OK in the first phase, whatever it is.
func raising() map[string]map[string][]sample {
	one := func(key string, phases ...phase) map[string][]sample {
		return map[string][]sample{key: samplesOf(phases...)}
	}
	hour, day := 3600, 86_400
	event := func(key string) map[string][]sample {
		return one(key, phase{60, 0}, phase{15, 3}, phase{60, 0})
	}
	ends := func(service string, days int) map[string][]sample {
		left := func(n int) func(int) int { return func(at int) int { return at + n*day } }
		return one(of(service, "balsong_certificate_expiry_timestamp_seconds"), phase{180, left(days + 1)}, phase{180, left(days - 1)}, phase{180, left(365)})
	}
	now := func(at int) int { return at }
	up := func(service string) string { return of(service, "balsong_component_up") }
	down := func(service string) map[string][]sample {
		return one(up(service), phase{30, 1}, phase{30, 0}, phase{30, 1})
	}
	unread := func(service string) map[string][]sample {
		return one(of(service, "balsong_kafka_partitions_out_of_range"), phase{30, 0}, phase{30, 2}, phase{30, 0})
	}
	unpublished := func(service string) string { return of(service, "balsong_kafka_publish_failures_total") }
	full := func(broker string) map[string][]sample {
		return one("AWS/Kafka KafkaDataLogsDiskUsed Broker ID="+broker+" Cluster Name=${Name}-KafkaName", phase{30, 60}, phase{30, 91}, phase{30, 60})
	}
	return map[string]map[string][]sample{
		"ComponentDownDelivery": down("delivery"), "ComponentDownSettlement": down("settlement"), "ComponentDownFeedback": down("feedback"),
		"SettlementSilent":                  one(up("settlement"), phase{30, 1}, phase{60, nil}, phase{30, 1}),
		"Halted":                            one(of("settlement", "balsong_halted"), phase{30, 0}, phase{30, 1}, phase{30, 0}),
		"ChannelHalted":                     one(of("settlement", "balsong_channel_halted"), phase{30, 0}, phase{30, 1}, phase{30, 0}),
		"CertificateEndsIn21DaysDelivery":   ends("delivery", 21),
		"CertificateEndsIn21DaysSettlement": ends("settlement", 21),
		"CertificateEndsIn21DaysFeedback":   ends("feedback", 21),
		"CertificateEndsIn7DaysDelivery":    ends("delivery", 7),
		"CertificateEndsIn7DaysSettlement":  ends("settlement", 7),
		"CertificateEndsIn7DaysFeedback":    ends("feedback", 7),
		"NoDispatcherRun": one(of("settlement", "balsong_dispatch_last_run_timestamp_seconds"),
			phase{150, func(int) int { return epoch }}, phase{60, func(int) int { return epoch }}, phase{30, func(int) int { return epoch + 210*60 }}),
		// The queue counts as in use for some hours; the alarm stays as it is until the number is 0 again.
		"StartFailed":      one("AWS/SQS ApproximateNumberOfMessagesVisible QueueName=${Name}-NotStarted", phase{30, 0}, phase{30, 2}, phase{600, nil}, phase{30, 0}),
		"ReportsUnread":    one("AWS/SQS ApproximateNumberOfMessagesVisible QueueName=${Name}-ReportsUnread", phase{30, 0}, phase{30, 2}, phase{600, nil}, phase{30, 0}),
		"ReportsWait":      one("AWS/SQS ApproximateAgeOfOldestMessage QueueName=${Name}-Reports", phase{60, 20}, phase{60, 2 * hour}, phase{60, 0}),
		"LagGrows":         one(of("settlement", "balsong_delivery_lag_messages"), phase{30, 0}, phase{60, 500}, phase{30, func(at int) int { return 500 - (at-epoch-90*60)/60 }}),
		"DeadlineInDanger": one(of("settlement", "balsong_deadline_margin_seconds"), phase{30, 5 * hour}, phase{30, -20}, phase{30, 2 * hour}),
		"UnknownTargets":   one(of("settlement", "balsong_targets_unknown"), phase{30, 0}, phase{30, 4}, phase{30, 0}),
		"UnknownGrows":     one(of("settlement", "balsong_targets_unknown"), phase{30, 3}, phase{30, func(at int) int { return 10 * (at - epoch) / 60 }}, phase{30, 600}),
		"ProviderHeld":     one(of("delivery", "balsong_gateway_held"), phase{30, 0}, phase{30, 1}, phase{30, 0}),
		"Refusals": {
			of("delivery", "balsong_refusals_total"):   samplesOf(phase{60, 5}, phase{60, 30}, phase{60, 5}),
			of("delivery", "balsong_deliveries_total"): samplesOf(phase{180, 200}),
		},
		"ReportsRefused": {
			of("feedback", "balsong_report_requests_refused_total"): samplesOf(phase{60, 1}, phase{60, 10}, phase{60, 1}),
			of("feedback", "balsong_report_requests_total"):         samplesOf(phase{180, 60}),
		},
		"ReportsStray": {
			of("feedback", "balsong_reports_stray_total"):    samplesOf(phase{120, 0}, phase{120, 10}, phase{120, 0}),
			of("feedback", "balsong_reports_received_total"): samplesOf(phase{360, 60}),
		},
		"ReportsSilent": {
			of("feedback", "balsong_reports_expected"):              samplesOf(phase{600, 1}),
			of("delivery", "balsong_provider_accepted_total"):       samplesOf(phase{600, 30}),
			of("feedback", "balsong_report_last_timestamp_seconds"): samplesOf(phase{180, now}, phase{240, func(int) int { return epoch + 179*60 }}, phase{180, now}),
		},
		"DeadLetters": event(of("delivery", "balsong_dead_letters_total")), "UnknownKey": event(of("delivery", "balsong_unknown_keys_total")),
		"LeasesExpired":                  event(of("settlement", "balsong_leases_expired_total")),
		"PublishFailuresDelivery":        event(unpublished("delivery")),
		"PublishFailuresDispatcher":      one(unpublished("dispatcher"), phase{60, nil}, phase{1, 7}, phase{60, nil}, phase{1, 0}),
		"PartitionsOutOfRangeDelivery":   unread("delivery"),
		"PartitionsOutOfRangeSettlement": unread("settlement"),
		"KafkaDisk1":                     full("1"), "KafkaDisk2": full("2"), "KafkaDisk3": full("3"),
		"DatabaseDisk": one("AWS/RDS FreeStorageSpace DBInstanceIdentifier=${Name}-Database", phase{30, 80 << 30}, phase{30, 20 << 30}, phase{30, 80 << 30}),
	}
}

func TestEachAlarmOfCloudWatchIsRaisedAndCleared(t *testing.T) {
	t.Parallel()
	definitions, _, err := readDefinitions(repository)
	if err != nil {
		t.Fatal(err)
	}
	data := raising()
	for id, d := range definitions {
		states := replayed(t, d, data[id])
		if got := slices.Compact(slices.DeleteFunc(states, func(s state) bool { return s == insufficient })); !slices.Equal(got, []state{ok, alarm, ok}) {
			t.Errorf("%s goes through %v", id, got)
		}
	}
	for id := range data {
		if _, is := definitions[id]; !is {
			t.Errorf("%s is no alarm", id)
		}
	}
}

// A service that is scaled to nothing, or that was never started, reports nothing.
func TestNoAlarmIsRaisedByMetricsThatAreMissingButOfSettlement(t *testing.T) {
	t.Parallel()
	definitions, _, err := readDefinitions(repository)
	if err != nil {
		t.Fatal(err)
	}
	for id, d := range definitions {
		if raised := slices.Contains(replayed(t, d, map[string][]sample{"": samplesOf(phase{300, 1})}), alarm); raised != (id == "SettlementSilent") {
			t.Errorf("%s: raised is %v", id, raised)
		}
	}
}

// replayed replays a period more than there are data of.
func replayed(t *testing.T, d definition, data map[string][]sample) []state {
	t.Helper()
	last := 0
	for _, samples := range data {
		for i := range samples {
			last = max(last, samples[i].at)
		}
	}
	states, err := d.replay(data, epoch, last+d.period())
	if err != nil {
		t.Errorf("%s: %v", d.ID, err)
	}
	return states
}
