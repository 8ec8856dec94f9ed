package alarmcheck

import (
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/repotest"
)

const repository = "../../.."

func TestPrometheusCloudWatchAndTheRunbooksSayTheSameAlarms(t *testing.T) {
	t.Parallel()
	wrong, err := check(repository)
	if err != nil {
		t.Fatal(err)
	}
	for _, sentence := range wrong {
		t.Error(sentence)
	}
}

func TestWhatIsWrongWithAnAlarmIsFound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ file, old, broken, want string }{
		{runbooks, "## Lag grows", "## The lag grows", "LagGrows has no runbook"},
		{runbooks, "## Dead letters\n", "## Dead letters\n**Means.**\n\n## Dead letters two\n", "the runbook dead-letters has no **Look.**"},
		{runbooks, "## How they are tested\n", "## How they are tested\n**Means.** ", "the runbook how-they-are-tested is no alarm's"},
		{runbooks, "| [Halted](#halted)", "| [Stopped](#halted)", "has no Halted"},
		{rulesFile, "alarms.md#halted", "alarms.md#stopped", "Halted has no runbook"},
		{rulesFile, "- alert: BalsongHalted", "- alert: BalsongStopped", "Halted has no rule in Prometheus"},
		{rulesFile, "max(balsong_halted) == 1", "max(balsong_halt) == 1", "rule Halted: balsong_halt is no metric"},
		{rulesFile, "summary: Kafka does not acknowledge", "summary: Kafka acknowledges no", "PublishFailuresDelivery does not say the same"},
		{alarmsFile, "전체 발송을 중지했습니다", "전체 발송을 시작했습니다", "Halted does not say the same as the rule"},
		{alarmsFile, "\n  Refusals:", "\n  Denials:", "Refusals has no alarm in CloudWatch"},
		{alarmsFile, "balsong_leases_expired_total", "balsong_leases_expired", "LeasesExpired: balsong_leases_expired is no metric"},
		{alarmsFile, "MetricName: FreeStorageSpace", "MetricName: FreeSpace", "AWS/RDS FreeSpace is no metric of AWS"},
		{alarmsFile, `"Provider", "push/http"`, `"Provider", "push/http", "Topic", "a"`, "balsong_calls_in_flight has no dimension Topic"},
		{alarmsFile, `"Provider", "push/http"`, `"Provider", "push/fax"`, `balsong_calls_in_flight: there is no provider "push/fax"`},
		{alarmsFile, "MetricName: balsong_unknown_keys_total\n      Dimensions: [{ Name: Installation, Value: !Ref Name }, { Name: Service, Value: delivery }]", "MetricName: balsong_unknown_keys_total\n      Dimensions: [{ Name: Installation, Value: !Ref Name }, { Name: Service, Value: settlement }]", `balsong_unknown_keys_total is not written by "settlement"`},
		{alarmsFile, "MetricName: balsong_halted\n      Dimensions: [{ Name: Installation, Value: !Ref Name }, ", "MetricName: balsong_halted\n      Dimensions: [", "balsong_halted does not name its installation"},
		{alarmsFile, `"balsong_targets_unknown", "Installation", "${Name}"`, `"balsong_targets_unknown", "Installation", "balsong"`, "the dashboard: balsong_targets_unknown does not name its installation"},
		{alarmsFile, `, { Name: "Broker ID", Value: "2" }`, "", `AWS/Kafka KafkaDataLogsDiskUsed is kept by its dimensions ["Broker ID" "Cluster Name"] alone`},
		{alarmsFile, `"Broker ID", "3", `, "", "the dashboard: AWS/Kafka KafkaDataLogsDiskUsed is kept by"},
		{alarmsFile, "alarms.md#start-failed", "alarms.md#starts", "StartFailed has no runbook"},
		{alarmsFile, "        스케줄러가 발송 요청기(dispatcher)를 시작하지 못했습니다.\n", "", "StartFailed does not say what it is in English, in Korean"},
		{alarmsFile, "ActionsEnabled: !If [Scheduled, true, false]", "ActionsEnabled: !If [Scheduled, false, true]", "NoDispatcherRun: it tells somebody on the condition"},
		{alarmsFile, "MetricName: balsong_dead_letters_total\n      Dimensions: [{ Name: Installation, Value: !Ref Name }, { Name: Service, Value: delivery }]\n      Statistic: Sum", "MetricName: balsong_dead_letters_total\n      Dimensions: [{ Name: Installation, Value: !Ref Name }, { Name: Service, Value: delivery }]\n      Statistic: Maximum", "is read by its sum, not by its Maximum"},
		{alarmsFile, "OKActions: [!Ref WarningTopic]", "OKActions: [!Ref CriticalTopic]", "does not tell the topic of its severity"},
		{alarmsFile, `"Balsong", "balsong_deliveries_total"`, `"Balsong", "balsong_delivered_total"`, "the dashboard: balsong_delivered_total is no metric"},
		{alarmsFile, `{"label": "UNKNOWN"}]]}},`, `{"label": "UNKNOWN"}]]}}`, "the dashboard is no JSON"},
		{servicesFile, "MetricName: balsong_delivery_backlog_per_task", "MetricName: balsong_delivery_backlog", "DeliveryByBacklog: balsong_delivery_backlog is no metric"},
		{servicesFile, "MetricName: balsong_delivery_lag_messages, Dimensions: [{ Name: Installation, Value: !Ref Name }, ", "MetricName: balsong_delivery_lag_messages, Dimensions: [", "DeliveryWanted: balsong_delivery_lag_messages does not name its installation"},
		{servicesFile, "MetricName: balsong_gateway_held, Dimensions: [{ Name: Installation, Value: !Ref Name }, { Name: Service, Value: delivery", "MetricName: balsong_gateway_held, Dimensions: [{ Name: Installation, Value: !Ref Name }, { Name: Service, Value: settlement", `DeliveryByBacklog: balsong_gateway_held is not written by "settlement"`},
		{servicesFile, "Id: backlog, ReturnData: false, MetricStat: { Stat: Maximum", "Id: backlog, ReturnData: false, MetricStat: { Stat: Sum", "balsong_delivery_backlog_per_task is read by its maximum, not by its Sum"},
	} {
		t.Run(test.broken, func(t *testing.T) {
			t.Parallel()
			wrong, err := check(repotest.Broken(t, repository, test.file, test.old, test.broken, rulesFile, alarmsFile, servicesFile, runbooks))
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(wrong, "\n"); !strings.Contains(all, test.want) {
				t.Errorf("found %q, wanted %q", all, test.want)
			}
		})
	}
}

func TestTheDashboardOfCloudWatchShowsTheCallsOfEachProvider(t *testing.T) {
	t.Parallel()
	_, dashboard, err := readDefinitions(repository)
	if err != nil {
		t.Fatal(err)
	}
	for _, provider := range ourProviders() {
		if !strings.Contains(dashboard, `"balsong_calls_in_flight", "Installation", "${Name}", "Service", "delivery", "Provider", "`+provider+`"`) {
			t.Errorf("it does not show %s", provider)
		}
	}
}
