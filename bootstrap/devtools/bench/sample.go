package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// sample is one look at the processes.
type sample struct {
	at                  time.Time
	accepted            float64 // by the gateway
	delivered           float64 // outcomes that Delivery stored as SUCCEEDED
	settled             float64 // targets that settlement changed
	inFlight            float64 // calls that the gateway has in flight
	s3Requests, s3Bytes float64
	lookups, misses     float64
	claimsLost          float64
	transactions        float64 // of the database, committed
	usages              map[string]usage
}

// look samples delivery, settlement and gateway.
func (l *line) look(ctx context.Context, withUsage bool) (sample, error) {
	s := sample{at: time.Now()}
	var stats gatewaysim.Stats
	if err := getJSON(ctx, l.gatewayAdmin+"/stats", &stats); err != nil {
		return s, err
	}
	delivery, err := scrape(ctx, l.deliveryHealth)
	if err != nil {
		return s, err
	}
	settlement, err := scrape(ctx, l.settleHealth)
	if err != nil {
		return s, err
	}
	s.accepted, s.inFlight = float64(stats.Accepted), float64(stats.InFlight)
	s.delivered = delivery.sum(metric.Deliveries.Name, `outcome="SUCCEEDED"`)
	s.settled = settlement.sum(metric.TargetsSettled.Name, "")
	s.s3Requests = delivery.sum(metric.S3Requests.Name, "")
	s.s3Bytes = delivery.sum(metric.S3TransferredBytes.Name, `direction="read"`)
	s.lookups = delivery.sum(metric.S3BlockLookups.Name, "")
	s.misses = delivery.sum(metric.S3BlockLookups.Name, `outcome="miss"`)
	if err := l.db.GetContext(ctx, &s.transactions, `SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()`); err != nil {
		return s, err
	}
	s.claimsLost = delivery.sum(metric.ClaimsLost.Name, "")
	if withUsage {
		s.usages = usages()
	}
	return s, nil
}

// measure waits for the first accepted message and the warm-up, and then samples every second.
func (b *bench) measure(ctx context.Context, l *line) error {
	if err := b.warmUp(ctx, l); err != nil {
		return err
	}
	if b.Profiles != "" {
		go b.activity(ctx, l, b.For-time.Second)
		for name, process := range map[string]*child.Process{"delivery": l.delivery, "settlement": l.settlement} {
			go b.profile(ctx, process, name, min(b.For, 30*time.Second))
		}
	}
	counted, err := l.count(ctx, l.month, "SUCCEEDED")
	if err != nil {
		return err
	}
	first, err := l.look(ctx, true)
	if err != nil {
		return err
	}
	samples := []sample{first}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	told := time.Now()
	dry := false
	for last := first; last.at.Sub(first.at) < b.For && !dry; {
		if err := l.waitFor(ctx, ticker.C); err != nil {
			return err
		}
		if last, err = l.look(ctx, true); err != nil {
			return err
		}
		samples = append(samples, last)
		dry = int(last.accepted) >= b.Statements-b.InFlight
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			b.say("delivery: %.0f accepted, %.0f settled, %.0f in flight", last.accepted, last.settled, last.inFlight)
		}
	}
	after, err := l.count(ctx, l.month, "SUCCEEDED")
	if err != nil {
		return err
	}
	b.report.Delivery.summarize(samples, after-counted)
	if dry && samples[len(samples)-1].at.Sub(first.at) < b.For {
		b.note("the topic ran dry after %.0f s of %s: give --statements more for the whole time", b.report.Delivery.Seconds, b.For)
	}
	return nil
}

func (b *bench) warmUp(ctx context.Context, l *line) error {
	limit := time.Now().Add(time.Minute)
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	var since time.Time
	for since.IsZero() || time.Since(since) < b.Warmup {
		if err := l.waitFor(ctx, ticker.C); err != nil {
			return err
		}
		s, err := l.look(ctx, false)
		switch {
		case err != nil && time.Now().After(limit):
			return err
		case err != nil: // still starting
		case s.accepted > 0 && since.IsZero():
			since = time.Now()
			b.say("delivery: the first message is accepted; warming up for %s", b.Warmup)
		case since.IsZero() && time.Now().After(limit):
			return fmt.Errorf("nothing was delivered within a minute (logs: %s)", b.DataDir)
		}
	}
	return nil
}

// waitFor waits for a tick; a process that ends meanwhile is an error.
func (l *line) waitFor(ctx context.Context, tick <-chan time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-l.gateway.Done():
		return errors.New("the gateway ended by itself: see bench-gateway.log")
	case <-l.delivery.Done():
		return errors.New("the delivery process ended by itself: see bench-delivery.log")
	case <-l.settlement.Done():
		return errors.New("the settlement process ended by itself: see bench-settlement.log")
	case <-tick:
		return nil
	}
}

// metrics are the lines of a Prometheus page.
type metrics []string

func scrape(ctx context.Context, server string) (metrics, error) {
	body, err := get(ctx, server+"/metrics")
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var lines metrics
	scanner := bufio.NewScanner(body)
	for scanner.Scan() {
		if strings.HasPrefix(scanner.Text(), "balsong_") {
			lines = append(lines, scanner.Text())
		}
	}
	return lines, scanner.Err()
}

// sum adds up the values of a metric whose labels contain label.
func (m metrics) sum(name, label string) (total float64) {
	for _, line := range m {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || (!strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, " ")) || !strings.Contains(rest, label) {
			continue
		}
		value, _ := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		total += value
	}
	return total
}

func get(ctx context.Context, address string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("%s answers %s", address, answer.Status)
	}
	return answer.Body, nil
}

func getJSON(ctx context.Context, address string, into any) error {
	body, err := get(ctx, address)
	if err != nil {
		return err
	}
	defer body.Close()
	return json.NewDecoder(body).Decode(into)
}

// profile keeps a process's CPU profile, and then the profiles of its allocations and its memory.
func (b *bench) profile(ctx context.Context, process *child.Process, name string, lasts time.Duration) {
	var where info
	if err := process.Info(&where); err != nil || where.Profiles == "" {
		return
	}
	seconds := strconv.Itoa(int(max(lasts.Seconds(), 1)))
	for kind, path := range map[string]string{"cpu": "profile?seconds=" + seconds, "allocs": "allocs?seconds=" + seconds, "heap": "heap"} {
		go func() {
			body, err := get(ctx, "http://"+where.Profiles+"/debug/pprof/"+path)
			if err != nil {
				return
			}
			defer body.Close()
			content, err := io.ReadAll(body)
			if err != nil {
				return // the process has ended: a profile cut short cannot be read
			}
			_ = os.WriteFile(filepath.Join(b.Profiles, name+"."+kind+".pprof"), content, 0o644)
		}()
	}
}
