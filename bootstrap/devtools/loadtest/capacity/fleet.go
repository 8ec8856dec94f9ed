package capacity

// fleet are the delivery tasks, and which of the partitions each has.
type fleet struct {
	tasks       []task
	owner       []int   // of each partition: a task, -1 nobody
	paused      float64 // no new calls before
	scaledAt    float64 // when the backlog was last read for scaling
	taskSeconds float64 // for the cost
	changes     []change
}

// task is one delivery process.
type task struct {
	up       bool
	inFlight float64
}

// change is something that happens to the fleet at an instant.
type change struct {
	at   float64
	task int
	up   bool
}

func newFleet(s Setup) fleet {
	c := fleet{tasks: make([]task, s.Tasks), owner: make([]int, s.Partitions), scaledAt: -s.ScaleEvery.Seconds()}
	for i := range s.MinTasks {
		c.tasks[i].up = true
	}
	c.share()
	return c
}

// share gives each task that is up a row of partitions; their numbers differ by one at most.
func (c *fleet) share() {
	var up []int
	for i, t := range c.tasks {
		if t.up {
			up = append(up, i)
		}
	}
	for p := range c.owner {
		c.owner[p] = -1
		if len(up) > 0 {
			c.owner[p] = up[p*len(up)/len(c.owner)]
		}
	}
}

func (c *fleet) active() (n int) {
	for _, t := range c.tasks {
		if t.up {
			n++
		}
	}
	return n
}

func (c *fleet) inFlightTotal() (sum float64) {
	for _, t := range c.tasks {
		sum += t.inFlight
	}
	return sum
}

// starting is how many tasks are on their way.
func (c *fleet) starting() (n int) {
	for _, ch := range c.changes {
		if ch.up {
			n++
		}
	}
	return n
}

// nextChange is when the fleet changes next; at the latest then a step ends.
func (c *fleet) nextChange(otherwise float64) float64 {
	for _, ch := range c.changes {
		otherwise = min(otherwise, ch.at)
	}
	return otherwise
}

// manage lets changes happen that are due, loses a task where the fault says so, and scales.
func (f *flow) manage() {
	changed := false
	for i := 0; i < len(f.changes); {
		ch := f.changes[i]
		if ch.at > f.t {
			i++
			continue
		}
		f.changes = append(f.changes[:i], f.changes[i+1:]...)
		if ch.task >= 0 {
			f.tasks[ch.task].up = ch.up
		}
		changed = true
	}
	if at := f.Fault.LoseTaskAt; at > 0 && f.t >= at && f.active() > 0 {
		f.Fault.LoseTaskAt = 0
		f.lose()
	}
	if f.MinTasks < f.Tasks && f.t-f.scaledAt >= f.ScaleEvery.Seconds() {
		f.scaledAt = f.t
		f.scale()
	}
	if changed {
		f.paused = f.t + f.Rebalance.Seconds()
		f.share()
	}
}

// lose ends a task that is up: what it had called has an unknown outcome, the rest of what it had in flight is delivered again.
// The group notices after a while; the service starts another at once.
func (f *flow) lose() {
	for i := range f.tasks {
		if !f.tasks[i].up {
			continue
		}
		called := max(0, 1-f.Handling/1000/f.hold)
		f.made.Unknown += f.tasks[i].inFlight * called
		f.requeue(i, f.tasks[i].inFlight*(1-called))
		f.tasks[i] = task{}
		for p, owner := range f.owner {
			if owner == i {
				f.owner[p] = -1
			}
		}
		f.changes = append(f.changes,
			change{at: f.t + f.Session.Seconds(), task: -1},
			change{at: f.t + f.Session.Seconds() + f.TaskStart.Seconds(), task: i, up: true})
		return
	}
}

// requeue puts requests back into a task's partitions.
func (f *flow) requeue(task int, amount float64) {
	var own []int
	for p, owner := range f.owner {
		if owner == task {
			own = append(own, p)
		}
	}
	for _, p := range own {
		f.topic[p] += amount / float64(len(own))
		f.inTopic[p][f.firstOpen()] += amount / float64(len(own))
	}
}

func (f *flow) firstOpen() int {
	for c, open := range f.open {
		if open {
			return c
		}
	}
	return 0
}

// scale starts tasks for the backlog; it takes none away while there is any.
func (f *flow) scale() {
	lag := 0.0
	for _, n := range f.topic {
		lag += n
	}
	want := min(f.Tasks, int(lag/float64(f.BacklogPerTask))+1)
	if lag <= nothing {
		want = f.MinTasks
	}
	for i := range f.tasks {
		if f.active()+f.starting() >= want {
			return
		}
		if !f.tasks[i].up && !f.isStarting(i) {
			f.changes = append(f.changes, change{at: f.t + f.TaskStart.Seconds(), task: i, up: true})
		}
	}
}

func (c *fleet) isStarting(task int) bool {
	for _, ch := range c.changes {
		if ch.task == task && ch.up {
			return true
		}
	}
	return false
}
