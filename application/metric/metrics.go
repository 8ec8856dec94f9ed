package metric

import (
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/report"
)

// Provider is the label for the name of a gateway's provider.
const Provider = "provider"

// The other labels. A thing has the same label in every metric.
const (
	class     = "class"     // of a refusal: permanent, temporary, content, suppressed
	onChannel = "channel"   // of messages: EMAIL, SMS, …
	component = "component" // that a process stands on: database, event log, statements, … as /readyz names it
	decision  = "decision"  // of a dispatcher about a target
	direction = "direction" // of a transfer: read, written
	found     = "found"     // what a provider answered to an inquiry
	kind      = "kind"      // of a report: DELIVERED, UNDELIVERED, COMPLAINED, OPTED_OUT
	operation = "operation" // of the object store: get_block, put_pack, …
	outcome   = "outcome"   // how something ended
	reason    = "reason"    // why it ended so
	topic     = "topic"     // of Kafka, without the configured prefix
)

// Of the dispatcher.
var (
	DispatchDecisions         = CounterBy2[billing.DecisionKind, billing.Rule]{counter("dispatch_decisions_total", "Decisions about targets, with the rule that led to each.", decision, reason)}
	DispatchRequestsPublished = Counter{essential(port.Sum, counter("dispatch_requests_published_total", "Requests that the event log acknowledged."), port.ServiceDispatcher)}
	DispatchPageDuration      = Duration{histogram("dispatch_page_duration_seconds", "Time to decide about, publish and store one page of targets.")}
)

// Of Delivery.
var (
	Deliveries = CounterBy2[attempt.State, attempt.Reason]{essential(port.Sum, counter("deliveries_total",
		"Delivery keys that got an outcome in the ledger.", outcome, reason), port.ServiceDelivery)}
	ClaimsLost          = Counter{counter("claims_lost_total", "Claims refused because the key has another owner or an outcome already.")}
	DeadLetters         = Counter{essential(port.Sum, counter("dead_letters_total", "Requests that cannot be delivered and went to the dead letter topic."), port.ServiceDelivery)}
	ResultsUnpublished  = Counter{counter("results_unpublished_total", "Results that the event log did not acknowledge; the sweep of the ledger finds them.")}
	Refusals            = CounterBy[attempt.FailureClass]{essential(port.Sum, counter("refusals_total", "Refusals of a message by its gateway, by their class; without those that spend nothing (throttled, provider).", class), port.ServiceDelivery)}
	UnknownKeys         = Counter{essential(port.Sum, counter("unknown_keys_total", "Contents sealed with a key that the keyset does not have; they are tried again until it has."), port.ServiceDelivery)}
	CallsInFlight       = GaugeBy[string]{essential(port.Sum, gauge("calls_in_flight", "Calls to the provider that are under way.", Provider), port.ServiceDelivery)}
	CallsInFlightLimit  = GaugeBy[string]{essential(port.Sum, gauge("calls_in_flight_limit", "Most calls to the provider that this process has under way at once; the sum over all processes is what the fleet may have.", Provider), port.ServiceDelivery)}
	GatewayHeld         = GaugeBy[string]{essential(port.Maximum, gauge("gateway_held", "1 while no call is made because the provider refuses everything, asks to wait, or does not answer; else 0.", Provider), port.ServiceDelivery)}
	CallsUnused         = CounterBy[string]{counter("provider_calls_unused_total", "Calls of the provider's rate that this process had reserved and could not make in time; nobody else makes them.", Provider)}
	ProviderAccepted    = CounterBy[string]{essential(port.Sum, counter("provider_accepted_total", "Calls to the provider that it accepted.", Provider), port.ServiceDelivery)}
	GatewayCallDuration = DurationBy[string]{histogram("gateway_call_duration_seconds", "Time of one call to a gateway.", Provider)}
)

// Of settlement.
var (
	TargetsSettled     = Counter{counter("targets_settled_total", "Targets brought in line with the ledger.")}
	TargetsRequeued    = Counter{counter("targets_requeued_total", "Targets made READY again because their request was lost.")}
	LeasesExpired      = Counter{essential(port.Sum, counter("leases_expired_total", "Claims whose lease ended without an outcome; they are UNKNOWN."), port.ServiceSettlement)}
	ResultsUndecodable = Counter{counter("results_undecodable_total", "Results that could not be decoded; the sweep of the ledger finds them.")}
)

// Inquiries counts the questions to providers.
var Inquiries = CounterBy2[string, port.Found]{counter("inquiries_total", "Questions to a provider what became of a message whose outcome is unknown, with its answer.", Provider, found)}

// Of feedback.
var (
	ReportsStored     = CounterBy[report.Kind]{counter("reports_stored_total", "Reports of providers about deliveries that were stored, each once.", kind)}
	ReportsRepeated   = Counter{counter("reports_repeated_total", "Reports that were stored before.")}
	ReportsReceived   = Counter{essential(port.Sum, counter("reports_received_total", "Reports of providers that were kept or known already, about deliveries and about nothing that is known."), port.ServiceFeedback)}
	ReportsStray      = CounterBy[port.Stray]{essential(port.Sum, counter("reports_stray_total", "Reports about no delivery that is known; they are kept apart, and change nothing.", reason), port.ServiceFeedback)}
	ReportsForeign    = CounterBy[string]{counter("reports_foreign_total", "Reports about messages that this installation did not send.", Provider)}
	ReportsInvalid    = CounterBy[string]{counter("reports_invalid_total", "Reports that cannot be kept; they are dropped.", Provider)}
	ReportsSuppressed = Counter{counter("reports_suppressed_total", "Customers whom reports put on the suppression list, or for more messages than before.")}
	ReportRequests    = CounterBy2[string, string]{essential(port.Sum, counter("report_requests_total", "Requests and mails by which providers report, with what became of each: stored, ignored, foreign, forged, unreadable, too_large, busy, failed.", Provider, outcome), port.ServiceFeedback)}
	RequestsRefused   = CounterBy[string]{essential(port.Sum, counter("report_requests_refused_total", "Of the requests by which providers report, those that were refused: forged, unreadable, too large.", Provider), port.ServiceFeedback)}
	ReportsExpected   = GaugeBy[string]{essential(port.Minimum, gauge("reports_expected", "1 where the provider is configured to report what becomes of messages by requests or a queue, 0 where it sends and does not.", Provider), port.ServiceFeedback)}
	ReportLast        = GaugeBy[string]{essential(port.Maximum, gauge("report_last_timestamp_seconds", "When the provider last reported something that was stored; before that, when the process began.", Provider), port.ServiceFeedback)}
)

// Of the lag monitor. Each settlement process sets them, all to the same values: take the maximum, never the sum.
var (
	DeliveryLag            = Gauge{essential(port.Maximum, gauge("delivery_lag_messages", "Requests that the delivery group has not committed."), port.ServiceSettlement)}
	DeliveryTasks          = Gauge{essential(port.Maximum, gauge("delivery_tasks", "Members of the delivery group."), port.ServiceSettlement)}
	ProviderRate           = GaugeBy[string]{essential(port.Minimum, gauge("provider_rate", "Calls a second that all processes together may make to the provider at present: the limit, and less for a while after the provider has throttled.", Provider), port.ServiceSettlement)}
	ProviderRateLimit      = GaugeBy[string]{essential(port.Minimum, gauge("provider_rate_limit", "Calls a second that all processes together may make to the provider, as configured.", Provider), port.ServiceSettlement)}
	DeliveryBacklogPerTask = Gauge{essential(port.Maximum, gauge("delivery_backlog_per_task", "Requests that the delivery group has not committed, by its members (without any: by one)."), port.ServiceSettlement)}
	DeliveryTimeLeft       = Gauge{essential(port.Maximum, gauge("delivery_time_left_seconds", "Requests that are not committed, by the rate at which they were of late; infinite while none is."), port.ServiceSettlement)}
	OldestRequestAge       = Gauge{essential(port.Maximum, gauge("oldest_request_age_seconds", "Age of the oldest request that the delivery group has not committed; 0 without any."), port.ServiceSettlement)}
	TargetsUnknown         = Gauge{essential(port.Maximum, gauge("targets_unknown", "UNKNOWN targets of the open months, counted up to 10,000."), port.ServiceSettlement)}
	DeadlineMargin         = Gauge{essential(port.Minimum, gauge("deadline_margin_seconds", "Time until the earliest deadline of what has no outcome yet, less the time left; negative: bills will expire."), port.ServiceSettlement)}
	DispatchLastRun        = Gauge{essential(port.Maximum, gauge("dispatch_last_run_timestamp_seconds", "When the dispatcher's last run began."), port.ServiceSettlement)}
	Halted                 = Gauge{essential(port.Maximum, gauge("halted", "1 while everything is halted, else 0."), port.ServiceSettlement)}
	ChannelHalted          = GaugeBy[channel.Kind]{essential(port.Maximum, gauge("channel_halted", "1 while the channel is halted, else 0.", onChannel), port.ServiceSettlement)}
	StandbyLag             = Gauge{gauge("standby_lag_seconds", "Replay lag of the slowest standby of PostgreSQL; absent where none is shown.")}
	StandbysSynchronous    = Gauge{gauge("standbys_synchronous", "Standbys of PostgreSQL that a commit waits for; absent where none is shown.")}
)

// Of each service.
var (
	ComponentUp       = GaugeBy[string]{essential(port.Minimum, gauge("component_up", "1 while the component answers, 0 while the process waits for it.", component), port.ServiceDelivery, port.ServiceSettlement, port.ServiceDispatcher, port.ServiceFeedback)}
	CertificateExpiry = GaugeBy[string]{essential(port.Minimum, gauge("certificate_expiry_timestamp_seconds", "When the certificate ends that the component's server shows, or the one that is shown to it where that ends before.", component), port.ServiceDelivery, port.ServiceSettlement, port.ServiceFeedback)}
)

// Of traces.
var (
	SpansExported = Counter{counter("spans_exported_total", "Spans that the collector took.")}
	SpansDropped  = CounterBy[string]{counter("spans_dropped_total",
		"Spans that were not recorded: the queue was full, the collector did not take them, or more steps failed than are recorded.", reason)}
)

// Of Kafka.
var (
	KafkaMessagesPublished    = CounterBy[port.Topic]{counter("kafka_messages_published_total", "Messages that Kafka acknowledged.", topic)}
	KafkaPublishFailures      = CounterBy[port.Topic]{essential(port.Sum, counter("kafka_publish_failures_total", "Messages that Kafka did not acknowledge.", topic), port.ServiceDelivery, port.ServiceDispatcher)}
	KafkaConsumerErrors       = CounterBy[port.Topic]{counter("kafka_consumer_errors_total", "Errors of a consumer, rebalances aside.", topic)}
	KafkaConsumerSessions     = CounterBy[port.Topic]{counter("kafka_consumer_sessions_total", "Sessions of a consumer group, one for each rebalance.", topic)}
	KafkaPartitionsAssigned   = GaugeBy[port.Topic]{gauge("kafka_partitions_assigned", "Partitions that this process reads.", topic)}
	KafkaPartitionsOutOfRange = GaugeBy[port.Topic]{essential(port.Maximum, gauge("kafka_partitions_out_of_range", "Assigned partitions that are not read because their committed offset is not in the log.", topic), port.ServiceDelivery, port.ServiceSettlement)}
	KafkaMessagesUnfinished   = GaugeBy[port.Topic]{gauge("kafka_messages_unfinished", "Messages that were read and are not done.", topic)}
	KafkaCommitDuration       = DurationBy[port.Topic]{histogram("kafka_commit_duration_seconds", "Time to commit offsets.", topic)}
)

// Of the object store.
var (
	S3Requests         = CounterBy2[string, string]{counter("s3_requests_total", "Requests to the object store.", operation, outcome)}
	S3RequestDuration  = DurationBy[string]{histogram("s3_request_duration_seconds", "Time of one request to the object store.", operation)}
	S3TransferredBytes = CounterBy[string]{counter("s3_transferred_bytes_total", "Bytes of packs.", direction)}
	S3BlockLookups     = CounterBy[string]{counter("s3_block_lookups_total", "Blocks of packs that were asked for: hit in the cache, or miss.", outcome)}
)

// all are the metrics in the order of their declaration.
var all []*port.Metric

// All returns the metrics in the order of their declaration.
func All() []*port.Metric { return slices.Clone(all) }

func counter(name, help string, labels ...string) *port.Metric {
	return declare(port.Counter, name, help, labels)
}

func gauge(name, help string, labels ...string) *port.Metric {
	return declare(port.Gauge, name, help, labels)
}

func histogram(name, help string, labels ...string) *port.Metric {
	return declare(port.Histogram, name, help, labels)
}

// essential marks a metric that alarms or scaling need: how they combine the values of several processes, and which services record it.
func essential(statistic port.Statistic, m *port.Metric, by ...port.Service) *port.Metric {
	m.Statistic, m.Services = statistic, by
	return m
}

func declare(kind port.MetricKind, name, help string, labels []string) *port.Metric {
	m := &port.Metric{Name: "balsong_" + name, Kind: kind, Labels: labels, Help: help}
	all = append(all, m)
	return m
}
