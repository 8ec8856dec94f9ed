package settle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// ErrConfig is wrapped by Config.Validate.
var ErrConfig = errors.New("settlement cannot work as configured")

// Config tunes settlement.
type Config struct {
	Batch      int           // targets of a transaction, 1 to 1,000; default 500
	Linger     time.Duration // how long a transaction waits for more targets under load; default 0: not at all
	SweepEvery time.Duration // how often the ledger is swept for what no event reported; default 10 s
	LeaseEvery time.Duration // how often claims whose lease has ended are looked for; default 30 s
	ReapEvery  time.Duration // how often lost requests are looked for; default 30 s
	ReapGrace  time.Duration // how long a request may wait to be claimed before it can count as lost; default 10 min
}

// WithDefaults returns the config with every zero field set to its default.
func (c Config) WithDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if c.Batch == 0 {
		c.Batch = 500
	}
	set(&c.SweepEvery, 10*time.Second)
	set(&c.LeaseEvery, 30*time.Second)
	set(&c.ReapEvery, 30*time.Second)
	set(&c.ReapGrace, 10*time.Minute)
	return c
}

// Validate refuses settings that cannot work, wrapping ErrConfig; the text names the field.
func (c Config) Validate() error {
	if c.Batch < 1 || c.Batch > 1000 {
		return fmt.Errorf("%w: batch is %d (want 1 to 1,000)", ErrConfig, c.Batch)
	}
	if c.Linger < 0 {
		return fmt.Errorf("%w: linger is %s (want 0 or more)", ErrConfig, c.Linger)
	}
	for name, d := range map[string]time.Duration{
		"sweep every": c.SweepEvery, "lease every": c.LeaseEvery, "reap every": c.ReapEvery,
		"reap grace": c.ReapGrace,
	} {
		if d <= 0 {
			return fmt.Errorf("%w: %s is %s (want more than 0)", ErrConfig, name, d)
		}
	}
	return nil
}

// Ports are the driven ports that settlement uses.
type Ports struct {
	Targets  port.Targets
	Sweeps   port.Sweeps
	Requests port.Requests
	Months   port.Months
	Policies port.Policies
	Progress port.Progress
	Results  port.Consumer
	Clock    port.Clock
	Log      port.Log
	Metrics  port.Metrics
}

// Settler settles targets. Safe for concurrent use.
type Settler struct {
	Ports
	config   Config
	watch    *outage.Watch
	versions *versions
}

// New returns a settler that is not running yet; it does no I/O. ErrConfig.
func New(ports Ports, config Config) (*Settler, error) {
	config = config.WithDefaults()
	if err := config.Validate(); err != nil {
		return nil, err
	}
	return &Settler{
		Ports: ports, config: config,
		watch:    outage.New(ports.Clock, ports.Log),
		versions: &versions{policies: ports.Policies},
	}, nil
}

// Down lists the parts that settlement waits for.
func (s *Settler) Down() []string { return s.watch.Down() }

// Settle settles targets, in transactions of a batch each, and returns how many changed. It waits while the database is
// down. A target that agrees with its ledger rows stays as it is.
func (s *Settler) Settle(ctx context.Context, keys []key.Target) (int, error) {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, key.Target.Compare)
	keys = slices.Compact(keys)
	total := 0
	for chunk := range slices.Chunk(keys, s.config.Batch) {
		n, err := s.settleChunk(ctx, chunk)
		total += n
		if errors.Is(err, policy.ErrInvalid) {
			n, err = s.settleEach(ctx, chunk)
			total += n
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// settleEach settles targets one by one after one of them named a policy that is not among those read. It reads the
// policies again, because that one may be new. A target whose policy is truly gone is logged and left.
func (s *Settler) settleEach(ctx context.Context, keys []key.Target) (int, error) {
	s.versions.forget()
	total := 0
	for _, k := range keys {
		n, err := s.settleChunk(ctx, []key.Target{k})
		if errors.Is(err, policy.ErrInvalid) {
			s.Log.Error("a target cannot be settled", port.Field{Key: "target", Value: k.String()}, port.Field{Key: "error", Value: err})
			continue
		}
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// settleChunk settles a batch: first, in one statement, the targets that were accepted and wait for nothing else, as
// nearly all do; then the others, each decided by the domain. It returns how many changed.
func (s *Settler) settleChunk(ctx context.Context, keys []key.Target) (changed int, err error) {
	succeeded, err := s.succeed(ctx, keys)
	if err != nil {
		return 0, err
	}
	others := keys
	if len(succeeded) > 0 {
		others = slices.DeleteFunc(slices.Clone(keys), func(k key.Target) bool {
			_, done := slices.BinarySearchFunc(succeeded, k, key.Target.Compare)
			return done
		})
	}
	if len(others) > 0 {
		if changed, err = s.look(ctx, others); err != nil {
			return len(succeeded), err
		}
	}
	return len(succeeded) + changed, nil
}

func (s *Settler) succeed(ctx context.Context, keys []key.Target) (succeeded []key.Target, err error) {
	err = s.watch.Retry(ctx, "database", func(ctx context.Context) error {
		return s.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) (err error) {
			succeeded, err = tx.Succeed(ctx, keys)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	metric.TargetsSettled.Add(s.Metrics, len(succeeded))
	return succeeded, nil
}

func (s *Settler) look(ctx context.Context, keys []key.Target) (changed int, err error) {
	err = s.watch.Retry(ctx, "database", func(ctx context.Context) error {
		find, err := s.versions.finder(ctx)
		if err != nil {
			return err
		}
		return s.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
			locked, err := tx.Lock(ctx, keys)
			if err != nil {
				return err
			}
			settled, err := Locked(ctx, tx, locked, find, s.Clock)
			if err != nil {
				return err
			}
			changed = len(settled)
			return tx.Save(ctx, settled)
		})
	})
	if err != nil {
		return 0, err
	}
	metric.TargetsSettled.Add(s.Metrics, changed)
	return changed, nil
}

// versions caches the policy versions. A version never changes, so the cache can only lack new ones.
type versions struct {
	policies port.Policies
	mu       sync.Mutex
	known    map[policy.Ref]policy.Version
}

// finder returns how to find a version, reading the versions if the cache is empty.
func (v *versions) finder(ctx context.Context) (billing.Policies, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known == nil {
		list, err := v.policies.Versions(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the policies: %w", err)
		}
		known := make(map[policy.Ref]policy.Version, len(list))
		for _, version := range list {
			known[version.Ref()] = version
		}
		v.known = known
	}
	known := v.known
	return func(ref policy.Ref) (policy.Version, bool) {
		version, ok := known[ref]
		return version, ok
	}, nil
}

// forget empties the cache.
func (v *versions) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known = nil
}
