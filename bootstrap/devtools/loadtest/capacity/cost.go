package capacity

// Prices are what things cost, in one currency. The fields' JSON names are the price file's.
type Prices struct {
	Region   string `json:"region"`
	Date     string `json:"date"` // when they were read
	Note     string `json:"note"`
	Currency string `json:"currency"`

	TaskCoreHour    float64 `json:"task_vcpu_hour"`
	TaskGBHour      float64 `json:"task_gb_hour"`
	DatabaseHour    float64 `json:"database_hour"` // the server, with its standby
	DatabaseGBMonth float64 `json:"database_gb_month"`
	BrokerHour      float64 `json:"broker_hour"` // one broker
	Brokers         int     `json:"brokers"`
	BrokerGBMonth   float64 `json:"broker_gb_month"`
	StoragePuts     float64 `json:"storage_put_1000"`
	StorageGets     float64 `json:"storage_get_1000"`
	StorageGBMonth  float64 `json:"storage_gb_month"`
	DataOutGB       float64 `json:"data_out_gb"`
}

// Validate names the first field that cannot be.
func (p Prices) Validate() error {
	for name, price := range map[string]float64{
		"task_vcpu_hour": p.TaskCoreHour, "task_gb_hour": p.TaskGBHour, "database_hour": p.DatabaseHour, "database_gb_month": p.DatabaseGBMonth,
		"broker_hour": p.BrokerHour, "broker_gb_month": p.BrokerGBMonth, "storage_put_1000": p.StoragePuts, "storage_get_1000": p.StorageGets,
		"storage_gb_month": p.StorageGBMonth, "data_out_gb": p.DataOutGB, "brokers": float64(p.Brokers),
	} {
		if !(price >= 0 && price <= 1e6) {
			return impossible("prices "+name, "%v (want 0 to 1,000,000)", price)
		}
	}
	return nil
}

// Cost is what a month costs, in the prices' currency.
type Cost struct {
	Tasks    float64 `json:"delivery_tasks"`
	Helpers  float64 `json:"dispatcher_and_settlement"` // while the run lasts
	Storage  float64 `json:"storage"`                   // requests, and a month's keeping
	Data     float64 `json:"data_out"`
	Database float64 `json:"database"` // stands all month, whatever runs
	Brokers  float64 `json:"brokers"`  // the same

	RunPerMillion float64 `json:"run_per_million"` // what the run itself costs
	AllPerMillion float64 `json:"all_per_million"` // with what stands all month
}

const (
	monthHours = 730
	gigabyte   = 1e9
	packed     = 1000 // statements in an object of the storage
	helper     = 0.5  // cores of the dispatcher, and of settlement; twice as many GB
	rowBytes   = 3000 // of a target in the database, with its ledger row and their indexes
)

// Cost computes what a predicted run costs.
func (s Setup) Cost(p Prediction, prices Prices) Cost {
	n := float64(s.Targets)
	b := Cost{
		Tasks:    p.TaskHours * (s.TaskCores*prices.TaskCoreHour + s.TaskGB*prices.TaskGBHour),
		Helpers:  (p.Dispatched + p.Finish) / 3600 * (helper*prices.TaskCoreHour + 2*helper*prices.TaskGBHour),
		Storage:  n/packed/1000*prices.StoragePuts + n/1e6*s.GetsPerMillion/1000*prices.StorageGets + n*float64(s.StatementBytes)/gigabyte*prices.StorageGBMonth,
		Data:     n * float64(s.SentBytes) / gigabyte * prices.DataOutGB,
		Database: monthHours*prices.DatabaseHour + n*rowBytes/gigabyte*prices.DatabaseGBMonth,
		Brokers:  float64(prices.Brokers) * (monthHours*prices.BrokerHour + n*float64(s.LogBytes)/gigabyte*prices.BrokerGBMonth),
	}
	b.RunPerMillion = (b.Tasks + b.Helpers + b.Storage + b.Data) / n * 1e6
	b.AllPerMillion = b.RunPerMillion + (b.Database+b.Brokers)/n*1e6
	return b
}
