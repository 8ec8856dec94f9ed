package capacity

// Calibration is the cost of the work as measured. Times are microseconds of a processor unless they say
// otherwise. The fields' JSON names are the calibration file's.
type Calibration struct {
	Measured string `json:"measured"` // when and where, for people

	Delivery    float64 `json:"delivery_us"`   // a delivery, in the delivery task
	Database    float64 `json:"database_us"`   // a delivery: claim, outcome, settle
	Settlement  float64 `json:"settlement_us"` // a delivery
	Broker      float64 `json:"broker_us"`     // a delivery: request and result
	Storage     float64 `json:"storage_us"`    // a delivery; counts only where the storage shares the cores
	GatewayWork float64 `json:"gateway_us"`    // a delivery; counts only where the gateway shares the cores

	DispatchRow      float64 `json:"dispatch_row_us"`          // in the dispatcher
	DispatchDatabase float64 `json:"dispatch_database_row_us"` // in the database
	PageWait         float64 `json:"page_wait_ms"`             // of each page, whatever its size: acknowledgements and commit

	Handling float64 `json:"handling_ms"` // a message is in flight for so long beside its call
	Lead     float64 `json:"lead_ms"`     // from the run's start to the first call
	Spread   float64 `json:"spread"`      // standard deviation of the costs between runs, as a share

	StatementBytes int     `json:"statement_bytes"` // stored, a target
	SentBytes      int     `json:"sent_bytes"`      // to the gateway, a call
	LogBytes       int     `json:"log_bytes"`       // in the event log, a target
	GetsPerMillion float64 `json:"storage_gets_per_million"`
}

// PublishedCalibration are those of docs/performance.md.
func PublishedCalibration() Calibration {
	return Calibration{
		Measured: "docs/performance.md: 2026-11-22, 2 shared cores (Intel Xeon), everything on one machine",
		Delivery: 286, Database: 123, Settlement: 44, Broker: 32, Storage: 87, GatewayWork: 69,
		DispatchRow: 35, DispatchDatabase: 22, PageWait: 15,
		Handling: 150, Lead: 200, Spread: 0.1,
		StatementBytes: 4600, SentBytes: 2600, LogBytes: 1600, GetsPerMillion: 20_000,
	}
}

// Validate names the first field that cannot be, and why.
func (c Calibration) Validate() error {
	for _, f := range []struct {
		name        string
		value, most float64
	}{
		{"delivery_us", c.Delivery, 1e6},
		{"database_us", c.Database, 1e6},
		{"settlement_us", c.Settlement, 1e6},
		{"broker_us", c.Broker, 1e6},
		{"storage_us", c.Storage, 1e6},
		{"gateway_us", c.GatewayWork, 1e6},
		{"dispatch_row_us", c.DispatchRow, 1e6},
		{"dispatch_database_row_us", c.DispatchDatabase, 1e6},
		{"page_wait_ms", c.PageWait, 60_000},
		{"handling_ms", c.Handling, 60_000},
		{"lead_ms", c.Lead, 60_000},
		{"spread", c.Spread, 1},
		{"storage_gets_per_million", c.GetsPerMillion, 1e7},
		{"statement_bytes", float64(c.StatementBytes), 1e7},
		{"sent_bytes", float64(c.SentBytes), 1e7},
		{"log_bytes", float64(c.LogBytes), 1e7},
	} {
		if !(f.value >= 0 && f.value <= f.most) {
			return impossible("calibration "+f.name, "%v (want 0 to %v)", f.value, f.most)
		}
	}
	if c.Delivery == 0 || c.Database == 0 || c.DispatchRow == 0 {
		return impossible("calibration", "delivery_us, database_us and dispatch_row_us have to be above 0")
	}
	return nil
}

// scaled are the costs of a run in which everything takes f times as long.
func (c Calibration) scaled(f float64) Calibration {
	for _, each := range []*float64{
		&c.Delivery, &c.Database, &c.Settlement, &c.Broker, &c.Storage, &c.GatewayWork,
		&c.DispatchRow, &c.DispatchDatabase, &c.PageWait, &c.Handling, &c.Lead,
	} {
		*each *= f
	}
	return c
}
