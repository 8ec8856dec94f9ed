package scaling

import "time"

// Scenarios are the months that the page shows.
func Scenarios() []Scenario {
	month := func(name string, targets int) Scenario {
		return Scenario{Name: name, Targets: targets, Retries: []float64{0.03, 0.005}, Every: 2 * time.Hour, Latency: time.Second}
	}
	slow := month("5 M, gateway ten times slower from 5 min on", 5_000_000)
	slow.SlowAt, slow.SlowBy = 5*time.Minute, 10
	held := month("5 M, gateway holds from 4 min to 1 h", 5_000_000)
	held.Held = [2]time.Duration{4 * time.Minute, time.Hour}
	return []Scenario{month("1 M", 1_000_000), month("5 M", 5_000_000), month("50 M", 50_000_000), slow, held}
}

// Steady is a month that comes as fast as one task and a quarter can send it, for hours: a dispatcher that lingers, while quiet
// hours end one after the other. It is what makes the number of tasks swing.
func Steady() Scenario {
	return Scenario{Name: "50 M over 4 h", Targets: 50_000_000, Spread: 4 * time.Hour, Latency: time.Second}
}
