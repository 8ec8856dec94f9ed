package capacity

import (
	"math"
	"slices"
)

// pageRate is how many rows a second the dispatcher publishes with the database to itself: one page after the other.
func (f *flow) pageRate() float64 {
	return 1e6 / (f.PageWait*1000/float64(f.Page) + f.DispatchRow + f.DispatchDatabase)
}

// taskRate is how many deliveries a second a task's processors do.
func (f *flow) taskRate() float64 {
	cores := f.TaskCores * f.Usable
	if f.SharedCores > 0 {
		cores = f.SharedCores
	}
	return cores * 1e6 / f.Delivery
}

// databaseRate is how many deliveries a second the database does.
func (f *flow) databaseRate() float64 {
	if f.SharedCores > 0 {
		return f.SharedCores * 1e6 / f.deliveryWork()
	}
	return f.DatabaseCores * f.Usable * 1e6 / f.Database
}

// deliveryWork is a delivery's microseconds where everything shares the cores.
func (f *flow) deliveryWork() float64 {
	return f.Delivery + f.Database + f.Settlement + f.Broker + f.Storage + f.GatewayWork
}

// step takes the run a step further.
func (f *flow) step() {
	f.slow()
	f.openClasses()
	f.manage()
	due, _ := f.waiting()
	lag := 0.0
	for _, n := range f.topic {
		lag += n
	}
	if due <= nothing && lag <= nothing {
		f.idle()
		return
	}
	f.long = max(f.long, f.t/2000) // a run that takes longer than expected is computed in longer steps
	dt := min(f.long, f.nextEvent()-f.t)
	f.advance(max(dt, 1e-6), due)
}

// openClasses sets which classes are outside their quiet hours. What lies in the topic of a class whose hours begin is put back.
func (f *flow) openClasses() {
	minute := float64(f.Start) + f.t/60 + 1e-9
	f.open[0] = true
	for i, quiet := range f.Quiet {
		c := i + 1
		f.open[c] = quiet.open(math.Mod(minute, Day))
		if f.open[c] {
			continue
		}
		for p := range f.inTopic {
			n := f.inTopic[p][c]
			f.pending[p][c] += n
			f.topic[p] = max(0, f.topic[p]-n)
			f.made.PutBack += n
			f.inTopic[p][c] = 0
		}
	}
}

// nextEvent is the next instant at which something changes by itself.
func (f *flow) nextEvent() float64 {
	next := f.nextChange(math.Inf(1))
	for _, at := range []float64{f.Fault.LoseTaskAt, f.Fault.SlowAt} {
		if at > f.t {
			next = min(next, at)
		}
	}
	return min(next, f.nextHours())
}

// nextHours is when somebody's quiet hours begin or end next.
func (f *flow) nextHours() float64 {
	next := math.Inf(1)
	for _, quiet := range f.Quiet {
		for _, minute := range []int{quiet.From, quiet.To} {
			at := float64(minute-f.Start) * 60
			for at <= f.t+1e-6 {
				at += Day * 60
			}
			next = min(next, at)
		}
	}
	return next
}

// idle goes on to when somebody may be sent to again.
func (f *flow) idle() {
	next := max(min(f.nextHours(), giveUp), f.t)
	f.drain(min(f.t+f.hold, next))
	f.made.Points = append(f.made.Points, f.state()) // from here on nothing arrives
	kept := float64(f.active()) * min(next-f.t, idleAfter)
	if next-f.t > idleAfter {
		kept += float64(f.MinTasks) * (next - f.t - idleAfter)
		f.changes = nil
		for i := range f.tasks {
			f.tasks[i].up = i < f.MinTasks
		}
		f.share()
	}
	f.taskSeconds += kept
	f.held[ByQuiet] += next - f.t
	if f.t <= f.Within.Seconds() {
		f.inTime = f.done
	}
	f.t, f.pointAt = next, next
	f.made.Points = append(f.made.Points, f.state())
}

// drain lets the calls under way end, until an instant.
func (f *flow) drain(until float64) {
	for i := range f.tasks {
		f.done += f.tasks[i].inFlight
		f.tasks[i].inFlight = 0
	}
	f.taskSeconds += float64(f.active()) * (until - f.t)
	f.held[ByQuiet] += until - f.t
	f.t = until
	f.point()
}

// demand is what a step would do if processors had no end.
type demand struct {
	rows      float64   // published
	calls     []float64 // begun, by task
	available []float64 // what a task could begin
	by        []Bottleneck
	sum       float64
}

// advance lets amounts flow for dt seconds.
func (f *flow) advance(dt, due float64) {
	backlog := make([]float64, len(f.tasks))
	d := demand{rows: min(due, f.pageRate()*dt), calls: make([]float64, len(f.tasks)), available: make([]float64, len(f.tasks)), by: make([]Bottleneck, len(f.tasks))}
	for p, owner := range f.owner {
		if owner >= 0 {
			backlog[owner] += f.topic[p] + f.fresh(p, d.rows, due)
		}
	}
	able := min(1, max(0, (f.t+dt-f.paused)/dt)) // share of the step in which messages are taken
	for i := range f.tasks {
		if !f.tasks[i].up {
			continue
		}
		d.available[i], d.by[i] = f.available(i, dt, able)
		d.calls[i] = min(d.available[i], backlog[i])
		d.sum += d.calls[i]
		if d.calls[i] < d.available[i] {
			d.by[i] = ""
		}
	}
	if f.Gateway.TPS > 0 {
		d.keepTo(f.Gateway.TPS * dt * able)
	}
	f.flow(dt, due, d)
}

// keepTo gives all tasks together no more calls than the gateway takes, the same number to each that could make as many.
func (d *demand) keepTo(limit float64) {
	if d.sum <= limit {
		return
	}
	order := slices.Sorted(slices.Values(d.calls))
	share := limit / float64(len(order))
	for i, calls := range order { // who makes fewer than the share leaves the rest to the others
		if share = limit / float64(len(order)-i); calls >= share {
			break
		}
		limit -= calls
	}
	d.sum = 0
	for i, calls := range d.calls {
		if calls > share {
			d.calls[i], d.available[i], d.by[i] = share, share, ByTPS
		}
		d.sum += d.calls[i]
	}
}

// fresh is a partition's part of the rows that are published.
func (f *flow) fresh(p int, rows, due float64) (sum float64) {
	if due <= 0 {
		return 0
	}
	for c, n := range f.pending[p] {
		if f.open[c] {
			sum += n
		}
	}
	return sum * rows / due
}

// available is how many calls a task could begin, and what bounds them.
func (f *flow) available(i int, dt, able float64) (available float64, by Bottleneck) {
	// Calls end at the rate of those in flight by the time they take: places that are free, and that become free.
	available, by = max(0, (float64(f.InFlight)*(1+dt/f.hold)-f.tasks[i].inFlight)*able), ByInFlight
	if limit := f.taskRate() * dt * able; limit < available && f.SharedCores == 0 {
		available, by = limit, ByTasks
	}
	return available, by
}

// scarce is by how much processors that all share hold a step back, and which.
func (f *flow) scarce(dt float64, d demand) (factor float64, by Bottleneck) {
	pools := []struct {
		by        Bottleneck
		cores     float64
		row, call float64
	}{
		{ByDatabase, f.DatabaseCores * f.Usable, f.DispatchDatabase, f.Database},
		{ByBroker, f.BrokerCores * f.Usable, 0, f.Broker},
	}
	if f.SharedCores > 0 {
		pools = pools[:1]
		pools[0].by, pools[0].cores = ByMachine, f.SharedCores
		pools[0].row, pools[0].call = f.DispatchRow+f.DispatchDatabase, f.deliveryWork()
	}
	factor = 1
	for _, pool := range pools {
		if work := d.rows*pool.row + d.sum*pool.call; work > pool.cores*1e6*dt {
			if share := pool.cores * 1e6 * dt / work; share < factor {
				factor, by = share, pool.by
			}
		}
	}
	return factor, by
}

// flow moves what a step does, and keeps the books.
func (f *flow) flow(dt, due float64, d demand) {
	factor, scarce := f.scarce(dt, d)
	f.publish(d.rows*factor, due)
	arrived, used := 0.0, 0.0
	_, unpublished := f.waiting()
	for i := range f.tasks {
		calls := f.take(i, d.calls[i]*factor)
		flying := (f.tasks[i].inFlight + calls) / (1 + dt/f.hold)
		arrived += f.tasks[i].inFlight + calls - flying
		f.tasks[i].inFlight = flying
		f.made.Unknown += calls * f.over
		if d.available[i] > 0 {
			used = max(used, calls/(d.available[i]*factor))
		}
		f.blame(i, dt, d, scarce, unpublished)
	}
	f.lastEnd = f.t + dt*min(used, 1)
	f.taskSeconds += dt * float64(f.active()+f.starting())
	f.t += dt
	f.done += arrived
	if f.t <= f.Within.Seconds() {
		f.inTime = f.done
	}
	f.point()
}

// publish moves rows into the topic.
func (f *flow) publish(rows, due float64) {
	if due <= 0 {
		return
	}
	if rows > 0 {
		f.made.Dispatched = f.t
	}
	for p := range f.pending {
		for c := range f.pending[p] {
			if f.open[c] {
				n := f.pending[p][c] * rows / due
				f.pending[p][c] -= n
				f.topic[p] += n
				f.inTopic[p][c] += n
			}
		}
	}
}

// take lets a task consume what it would, or what there is, the oldest first: so its partitions keep step.
func (f *flow) take(i int, calls float64) float64 {
	backlog := 0.0
	for p, owner := range f.owner {
		if owner == i {
			backlog += f.topic[p]
		}
	}
	calls = min(calls, backlog)
	if calls <= 0 {
		return 0
	}
	share := 1 - calls/backlog
	for p, owner := range f.owner {
		if owner == i {
			f.topic[p] *= share
			for c := range f.inTopic[p] {
				f.inTopic[p][c] *= share
			}
		}
	}
	return calls
}

// blame notes what held a task up.
func (f *flow) blame(i int, dt float64, d demand, scarce Bottleneck, unpublished float64) {
	by := d.by[i]
	switch {
	case !f.tasks[i].up:
		by = ByScaling
	case scarce != "":
		by = scarce
	case by != "":
	case unpublished > nothing:
		by = ByDispatcher
	default:
		by = ByBalance
	}
	f.held[by] += dt / float64(len(f.tasks))
}

// state is how things are, without a rate.
func (f *flow) state() Point {
	p := Point{Seconds: f.t, InFlight: f.inFlightTotal(), Tasks: f.active()}
	for _, n := range f.topic {
		p.Lag += n
	}
	_, p.Waiting = f.waiting()
	return p
}

// point notes the state, and the rate since the point before.
func (f *flow) point() {
	p := f.state()
	if f.t > f.pointAt {
		p.Rate = (f.done - f.pointDone) / (f.t - f.pointAt)
	}
	f.pointDone, f.pointAt = f.done, f.t
	f.made.InFlight, f.made.Lag = max(f.made.InFlight, p.InFlight), max(f.made.Lag, p.Lag)
	f.made.Points = append(f.made.Points, p)
}
