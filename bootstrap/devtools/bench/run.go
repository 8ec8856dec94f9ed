package bench

import (
	"context"
	"fmt"
	"slices"
)

// What a run measures.
const (
	Import       = "import"
	Mapped       = "mapped"
	Render       = "render"
	Dispatch     = "dispatch"
	Line         = "line" // delivery with an instant sender, and settlement alone
	SMTP         = "smtp"
	Delivery     = "delivery"
	IdleServices = "idle"
	Whole        = "whole"     // 1,000,000 READY to SUCCEEDED: by itself
	Month        = "month"     // 5,000,000 from CSV to RENDERED: by itself
	Life         = "life"      // 5,000,000 from nothing to SUCCEEDED: by itself
	Reports      = "reports"   // what providers report: received, stored, settled
	Inquiries    = "inquiries" // a provider is asked about 1,000,000 UNKNOWN: by itself
	Growth       = "growth"
	Budget       = "budget" // a fleet under one limit: by itself
	Migrations   = "migrations"
	All          = "all"
)

// measurement is something that a run measures.
type measurement struct {
	name, what string
	long       bool // no part of All
	run        func(*bench, context.Context) error
}

// measurements are all, in their order.
var measurements = []measurement{
	{Import, "generated bills into an empty database, beside a plain COPY of the same rows: ≥ 50%, < 200 MB", false, (*bench).importStage},
	{Mapped, "the same bills as an export with a mapping, beside canonical CSV: ≥ 80%, < 200 MB", false, (*bench).mappedStage},
	{Render, "imported bills into packs on S3: ≥ 15,000/s", false, (*bench).renderStage},
	{Dispatch, "READY rows published and marked: < 10 s for 100,000, < 100 MB; beside the same without the product", false, (*bench).dispatchStage},
	{Line, "delivery with an instant sender (≥ 20,000/s), then settlement alone (≥ 40,000/s): ≥ 60% of the same without the product", false, (*bench).lineStages},
	{SMTP, "delivery by SMTP, beside go-mail alone: ≥ 80%", false, (*bench).smtpStage},
	{Delivery, "a gateway that answers after 1 s, statements of 10 KB, one process: ≥ 5,000/s settled", false, (*bench).deliveryStage},
	{Reports, "signed webhook requests with 5 reports each, to the last settled target: ≥ 5,000 reports/s", false, (*bench).reportsStage},
	{IdleServices, "services with nothing to do, for a minute: < 1% of a core, < 60 MB", false, (*bench).idleStage},
	{Whole, "1,000,000 READY to SUCCEEDED, everything at once: < 120 s", true, (*bench).wholeStage},
	{Month, "5,000,000 from CSV to RENDERED: < 10 min, < 400 MB", true, (*bench).monthStage},
	{Life, "5,000,000 from generate to SUCCEEDED, and the memory of each process", true, (*bench).lifeStage},
	{Growth, "what a row costs in a month of 1,000,000 and of 10,000,000 rows: the same within 15%", true, (*bench).growthStage},
	{Budget, "1 to 6 delivery processes that come and go under one limit, for a minute: ≤ 105% in any second, ≥ 90% while there is work", true, (*bench).budgetStage},
	{Inquiries, "a provider is asked about 1,000,000 UNKNOWN for a minute, of hours: ≤ 105% of its limit in any second, ≥ 90% of it used, < 150 MB", true, (*bench).inquiriesStage},
	{Migrations, "each migration on a month of 1,000,000 and of 10,000,000 rows under load: what it locks, how long, and how long others wait", true, (*bench).migrationsStage},
}

// Names are what Options.What may name, each with what it measures.
func Names() (names, what []string) {
	for _, m := range measurements {
		names, what = append(names, m.name), append(what, m.what)
	}
	return append(names, All), append(what, fmt.Sprintf("all but the last %d", len(measurements)-len(chosen(All))))
}

// chosen are the measurements that are asked for; none where nothing is called so.
func chosen(what string) []measurement {
	return slices.DeleteFunc(slices.Clone(measurements), func(m measurement) bool { return m.name != what && (m.long || what != All) })
}
