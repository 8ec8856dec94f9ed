package bench

// stage is the measurement of the dispatcher as a row of the table of all stages.
func (f *DispatchMeasurement) stage() *Stage {
	s := &Stage{
		Name: Dispatch, Rows: f.Rows, Target: Target{Rate: 40_000, Share: 0.6, PeakRSS: dispatchPeakRSS},
		Label:    "READY rows published and marked, the whole process from its start to its end",
		Baseline: "the same rows locked and read, the same messages produced and the same rows updated, one step after the other",
	}
	for _, r := range f.Runs {
		s.Runs = append(s.Runs, StageRun{Rows: f.Rows, Seconds: r.Seconds, BaselineSeconds: r.BaselineSeconds, CPU: r.CPU, PeakRSS: r.PeakRSS})
	}
	s.summarize()
	return s
}

// stage is the measurement of delivery as a row of the table of all stages.
func (f *DeliveryMeasurement) stage() *Stage {
	s := &Stage{
		Name: Delivery, Rows: f.SettledRows, Target: Target{Rate: 9000, PeakRSS: 400_000_000},
		Label: "settled over a window, a gateway that answers after " + f.GatewayLatency + ", one delivery process",
	}
	run := StageRun{Rows: f.SettledRows, Seconds: f.Seconds, CPU: map[string]float64{}}
	for _, p := range f.Processes {
		if p.Process == "bench" {
			continue // it only looks
		}
		run.CPU[p.Process] = p.CPU
		if p.Process == "delivery" {
			run.PeakRSS = p.PeakRSS
		}
	}
	s.Runs = []StageRun{run}
	s.summarize()
	return s
}

// keep adds a measurement of its own to the table of all stages.
func (r *Report) keep(name string) {
	switch {
	case name == Dispatch && r.Dispatch != nil:
		r.Stages = append(r.Stages, r.Dispatch.stage())
	case name == Delivery && r.Delivery != nil:
		r.Stages = append(r.Stages, r.Delivery.stage())
	}
}
