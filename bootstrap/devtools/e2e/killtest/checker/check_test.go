package checker

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sound is a small run in which everything holds: customer 1 succeeded, 2 was dropped, 3 was killed before the call,
// 4 after the gateway accepted, 5 is exhausted, 6 waits for a person, 7 was cancelled.
func sound() Inputs {
	return Inputs{
		Month:     "2026-11",
		Customers: []string{"A", "B", "C", "D", "E", "F", "G"},
		Users:     map[string]int64{"A": 1, "B": 2, "C": 3, "D": 4, "E": 5, "F": 6, "G": 7},
		Targets: []Target{
			{Month: "2026-11", User: 1, Status: "SUCCEEDED", Attempt: 1},
			{Month: "2026-11", User: 2, Status: "UNKNOWN"},
			{Month: "2026-11", User: 3, Status: "UNKNOWN"},
			{Month: "2026-11", User: 4, Status: "UNKNOWN"},
			{Month: "2026-11", User: 5, Status: "EXHAUSTED", Attempt: 1},
			{Month: "2026-11", User: 6, Status: "PAUSED", Pause: "no_destination"},
			{Month: "2026-11", User: 7, Status: "CANCELLED"},
		},
		Rows: []Row{
			{Month: "2026-11", User: 1, State: "FAILED"},
			{Month: "2026-11", User: 1, Attempt: 1, State: "SUCCEEDED"},
			{Month: "2026-11", User: 2, State: "UNKNOWN", Reason: "no_answer"},
			{Month: "2026-11", User: 3, State: "UNKNOWN", Reason: "lease_expired"},
			{Month: "2026-11", User: 4, State: "UNKNOWN", Reason: "lease_expired"},
			{Month: "2026-11", User: 5, State: "FAILED"},
			{Month: "2026-11", User: 5, Attempt: 1, State: "FAILED"},
			{Month: "2026-11", User: 7, State: "REVOKED"},
		},
		Calls: []Call{
			{Sequence: 1, Key: "2026-11/1/0/0", Class: "temporary", Channel: "EMAIL"},
			{Sequence: 2, Key: "2026-11/1/1/0", Accepted: true, Channel: "SMS"},
			{Sequence: 3, Key: "2026-11/2/0/0", Accepted: true, Dropped: true, Channel: "EMAIL"},
			{Sequence: 4, Key: "2026-11/4/0/0", Accepted: true, Channel: "EMAIL"},
		},
		Kills: []Kill{
			{Point: points[2], Role: "delivery-1#1", Keys: []string{"2026-11/3/0/0"}, InFlight: map[string]string{"2026-11/3/0/0": "claimed"}},
			{Point: points[3], Role: "delivery-2#1", Keys: []string{"2026-11/4/0/0"}, InFlight: map[string]string{"2026-11/4/0/0": "answered"}},
			{Point: points[4], Role: "delivery-2#2", Keys: []string{"2026-11/1/1/0"}},
		},
		Ended: map[string]bool{"delivery-1#1": true, "delivery-2#1": true, "delivery-2#2": true},
	}
}

func violated(r Report) []string {
	var list []string
	for name := range r.Violations {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func TestSoundRunHolds(t *testing.T) {
	t.Parallel()
	if r := Check(sound(), Needs{}); !r.OK() {
		t.Fatalf("violations in a sound run: %v", r.Violations)
	}
}

func TestEachAssertionFailsOnItsOwnFault(t *testing.T) {
	t.Parallel()
	accept := func(in *Inputs, key string) {
		in.Calls = append(in.Calls, Call{Sequence: 99, Key: key, Accepted: true, Channel: "SMS"})
	}
	tests := map[string]struct {
		fault func(in *Inputs)
		want  string
	}{
		"the same delivery accepted twice":                {func(in *Inputs) { accept(in, "2026-11/1/1/0") }, Once},
		"another attempt on another channel accepted too": {func(in *Inputs) { accept(in, "2026-11/2/1/0") }, Once},
		"accepted and cancelled":                          {func(in *Inputs) { accept(in, "2026-11/7/0/0") }, Agrees},
		"accepted and exhausted":                          {func(in *Inputs) { accept(in, "2026-11/5/1/0") }, Agrees},
		"accepted and paused":                             {func(in *Inputs) { accept(in, "2026-11/6/0/0") }, Agrees},
		"accepted for nobody":                             {func(in *Inputs) { accept(in, "2026-11/8/0/0") }, Agrees},
		"accepted without a key":                          {func(in *Inputs) { accept(in, "") }, Agrees},
		"accepted, and the ledger row says refused":       {func(in *Inputs) { in.Rows[1].State = "FAILED" }, Agrees},
		"accepted, and there is no ledger row":            {func(in *Inputs) { in.Rows = in.Rows[:2:2] }, Agrees},
		"succeeded and never accepted":                    {func(in *Inputs) { in.Targets[4].Status = "SUCCEEDED" }, Truly},
		"a ledger row succeeded and never accepted":       {func(in *Inputs) { in.Rows[6].State = "SUCCEEDED" }, Truly},
		"unknown without a kill":                          {func(in *Inputs) { in.Kills[0].InFlight = nil }, Named},
		"unknown without a drop":                          {func(in *Inputs) { in.Calls[2].Dropped = false }, Named},
		"unknown, and its row is not":                     {func(in *Inputs) { in.Targets[4].Status = "UNKNOWN" }, Named},
		"a customer without a user":                       {func(in *Inputs) { delete(in.Users, "E") }, Remembered},
		"a customer without a target":                     {func(in *Inputs) { in.Customers = append(in.Customers, "H"); in.Users["H"] = 8 }, Remembered},
		"two customers of one target":                     {func(in *Inputs) { in.Customers = append(in.Customers, "H"); in.Users["H"] = 7 }, Remembered},
		"a target of nobody":                              {func(in *Inputs) { in.Customers = in.Customers[:6] }, Remembered},
		"a target that waits":                             {func(in *Inputs) { in.Targets[6].Status = "READY" }, Remembered},
		"a target that was requested":                     {func(in *Inputs) { in.Targets[6].Status = "REQUESTED" }, Remembered},
		"a target between two tries":                      {func(in *Inputs) { in.Targets[6].Status = "FAILED" }, Remembered},
		"a pause without a reason":                        {func(in *Inputs) { in.Targets[5].Pause = "" }, Remembered},
		"a claim without an end":                          {func(in *Inputs) { in.Rows[7].State = "CLAIMED" }, Remembered},
		"killed before the call, and accepted":            {func(in *Inputs) { accept(in, "2026-11/3/0/0") }, Records},
		"killed with a claim, and accepted":               {func(in *Inputs) { in.Kills[0].Keys = nil; accept(in, "2026-11/3/0/0") }, Records},
		"killed after acceptance, never accepted":         {func(in *Inputs) { in.Calls = in.Calls[:3] }, Records},
		"killed after an outcome that is not there":       {func(in *Inputs) { in.Kills[2].Keys = []string{"2026-11/6/0/0"} }, Records},
		"a record of a process that did not end":          {func(in *Inputs) { delete(in.Ended, "delivery-1#1") }, Records},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := sound()
			test.fault(&in)
			if got := violated(Check(in, Needs{})); !slices.Contains(got, test.want) {
				t.Fatalf("violated: %q, want %q among them", got, test.want)
			}
		})
	}
}

func TestTooFewKillsAreNotEnough(t *testing.T) {
	t.Parallel()
	if r := Check(lasting(), Needs{All: 3}); !r.OK() {
		t.Fatalf("violations: %v", r.Violations)
	}
	for name, needs := range map[string]Needs{"at a point": {Each: 1}, "in all": {All: 4}} {
		if got := violated(Check(lasting(), needs)); !slices.Equal(got, []string{Enough}) {
			t.Errorf("%s: violated %q, want only %q", name, got, Enough)
		}
	}
}

// lasting is a sound run with work after its last kill.
func lasting() Inputs {
	in := sound()
	in.Kills[2].Time = "2026-11-02T10:00:00.5Z"
	in.Calls[1].Time = "2026-11-02T10:00:01.25Z"
	return in
}

func TestWorkThatEndsBeforeTheLastKillIsNotEnough(t *testing.T) {
	t.Parallel()
	in := lasting()
	in.Calls[1].Time = "2026-11-02T10:00:00.9Z"
	if got := violated(Check(in, Needs{All: 3})); !slices.Equal(got, []string{Enough}) {
		t.Fatalf("violated %q, want only %q", got, Enough)
	}
}

func TestStalledClaimExplainsUnknownAndIsNoKill(t *testing.T) {
	t.Parallel()
	in := sound()
	in.Kills[0] = Kill{Point: "stalled", Role: "delivery-1#1", Keys: []string{"2026-11/3/0/0"}, InFlight: map[string]string{"2026-11/1/1/0": "claimed"}}
	r := Check(in, Needs{})
	if !r.OK() || r.Kills["stalled"] != 0 {
		t.Fatalf("violations %v, kills %v", r.Violations, r.Kills)
	}
}

func TestReportNamesWhatDoesNotHold(t *testing.T) {
	t.Parallel()
	in := sound()
	in.Calls = append(in.Calls, in.Calls[1])
	var out strings.Builder
	Check(in, Needs{}).Print(&out)
	if !strings.Contains(out.String(), "VIOLATED  "+Once) || !strings.Contains(out.String(), "2026-11/1 was accepted 2 times") {
		t.Fatalf("the report does not say so:\n%s", out.String())
	}
}

func TestFilesAreReadWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	customers, err := ReadCustomers(write("bills.csv", "name,customer_number\n\"Kim, A\",K-1\nLee,K-2\n"))
	if err != nil || !slices.Equal(customers, []string{"K-1", "K-2"}) {
		t.Errorf("customers %v, %v", customers, err)
	}
	if _, err := ReadCustomers(write("other.csv", "name\nLee\n")); err == nil {
		t.Error("a file without customer numbers was taken")
	}
	calls, err := ReadCalls(write("log", `{"sequence":1,"accepted":true,"idempotency_key":"2026-11/1/0/0"}`+"\n"))
	if err != nil || len(calls) != 1 || calls[0].Key != "2026-11/1/0/0" {
		t.Errorf("calls %v, %v", calls, err)
	}
	if _, err := ReadCalls(write("torn", `{"sequence":1}`+"\n"+`{"seq`)); err == nil {
		t.Error("a torn log was taken")
	}
	if kills, err := ReadKills(filepath.Join(dir, "none")); err != nil || len(kills) != 0 {
		t.Errorf("no record file: %v, %v", kills, err)
	}
}
