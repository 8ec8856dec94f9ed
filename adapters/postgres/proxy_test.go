package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// cutWhere says where a proxy cuts a connection.
type cutWhere int32

const (
	nowhere      cutWhere = iota
	beforeCommit          // COMMIT never reaches the server
	afterCommit           // the server's answer to COMMIT never reaches the client
	atInsert              // the server has done the INSERT; its answer never reaches the client
	swallow               // from COMMIT on packets vanish, and nobody closes anything
)

// proxy stands between the adapter and the server and cuts the first connection that gets to a place.
type proxy struct {
	address string
	cut     atomic.Int32
	inserts atomic.Int32 // how many times a claim reached the server
}

func newProxy(t *testing.T, server string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: u.Host}
	var connections sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		connections.Wait()
	})
	connections.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { p.serve(ctx, client) })
		}
	})
	u.Host = listener.Addr().String()
	return p, u.String()
}

// serve copies both ways. The driver sends a simple query as one write: 'Q', length, text, so a read sees it whole.
func (p *proxy) serve(ctx context.Context, client net.Conn) {
	server, err := net.Dial("tcp", p.address)
	if err != nil {
		_ = client.Close()
		return
	}
	end := context.AfterFunc(ctx, func() { _, _ = client.Close(), server.Close() })
	defer end()
	defer func() { _, _ = client.Close(), server.Close() }()
	var mute atomic.Bool // the server's words no longer reach the client
	var answered sync.WaitGroup
	silenced := make(chan struct{})
	answered.Go(func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				return
			}
			if mute.Load() {
				select {
				case <-silenced:
				default:
					close(silenced) // the server has done it and said so
				}
				continue
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	defer answered.Wait()
	defer func() { _ = server.Close() }()
	buffer := make([]byte, 256<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		said := buffer[:n]
		if bytes.Contains(said, []byte("/* claim */")) {
			p.inserts.Add(1)
		}
		switch where := p.at(said); where {
		case beforeCommit:
			return
		case swallow:
			_, _ = io.Copy(io.Discard, client)
			return
		case afterCommit, atInsert:
			mute.Store(true)
			_, _ = server.Write(said)
			<-silenced
			return
		default:
			if _, err := server.Write(said); err != nil {
				return
			}
		}
	}
}

// at tells whether this is the place to cut, once.
func (p *proxy) at(said []byte) cutWhere {
	where := cutWhere(p.cut.Load())
	place := []byte("COMMIT")
	if where == atInsert {
		place = []byte("/* claim */")
	}
	if where == nowhere || !bytes.Contains(said, place) || !p.cut.CompareAndSwap(int32(where), int32(nowhere)) {
		return nowhere
	}
	return where
}

func TestAClaimWhoseConnectionIsCutIsOwnedOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		where     cutWhere
		want      error
		committed int // rows after the failed claim
	}{
		{"before COMMIT reaches the server", beforeCommit, port.ErrCommitUnknown, 0},
		{"before COMMIT's answer reaches the client", afterCommit, port.ErrCommitUnknown, 1},
		{"before the INSERT's answer reaches the client", atInsert, port.ErrUnavailable, 0},
		{"without a word, packets vanish", swallow, port.ErrCommitUnknown, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := postgrestest.URL(t)
			direct := postgrestest.OpenURL(t, server)
			seed(t, direct, free)
			p, through := newProxy(t, server)
			db := postgrestest.OpenURL(t, through)
			if tt.where == swallow {
				db = deadlineConn(t, through)
			}
			ledger := postgres.NewLedger(db)
			p.cut.Store(int32(tt.where))

			mine, err := ledger.Claim(t.Context(), claims([]int64{1}, 0, time.Hour))
			if !errors.Is(err, tt.want) || len(mine) != 0 {
				t.Fatalf("the claim gave %v, %v; want %v", mine, err, tt.want)
			}
			if n := p.inserts.Load(); n != 1 {
				t.Errorf("the claim reached the server %d times: the driver repeated it", n)
			}
			if n := settledRows(t, direct); n != tt.committed {
				t.Errorf("%d rows after the failed claim, want %d", n, tt.committed)
			}
			mine, err = ledger.Claim(t.Context(), claims([]int64{1}, 0, time.Hour))
			if err != nil || len(mine) != 1 || mine[0] != (key.Delivery{Month: month, UserID: 1}) {
				t.Errorf("the same claim again gave %v, %v; want it owned", mine, err)
			}
			rival := claims([]int64{1}, 0, time.Hour)
			rival[0].Token = theirs
			if mine, err = ledger.Claim(t.Context(), rival); err != nil || len(mine) != 0 {
				t.Errorf("a rival's claim gave %v, %v; want nothing", mine, err)
			}
			if n := settledRows(t, direct); n != 1 {
				t.Errorf("%d rows in the end, want 1", n)
			}
		})
	}
}

// deadlineConn opens a pool that gives up a silent connection soon.
func deadlineConn(t *testing.T, through string) *sqlx.DB {
	t.Helper()
	db, err := postgres.Open(postgres.Config{URL: through, MaxConns: 2, StatementTimeout: 2 * time.Second, NetworkMargin: time.Second, IdleInTransactionTimeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// settledRows counts the ledger's rows once no other session is in a transaction: a cut one may not have ended yet.
func settledRows(t *testing.T, db *sqlx.DB) int {
	t.Helper()
	for busy := true; busy; {
		err := db.GetContext(t.Context(), &busy, `SELECT EXISTS (SELECT FROM pg_stat_activity a
			WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL)`)
		if err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	if err := db.GetContext(t.Context(), &n, `SELECT count(*) FROM delivery_attempts`); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestASilentConnectionIsGivenUpThoughTheDriverWouldWait(t *testing.T) {
	t.Parallel()
	server := postgrestest.URL(t)
	seed(t, postgrestest.OpenURL(t, server), free)
	p, through := newProxy(t, server)
	p.cut.Store(int32(swallow))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := postgres.NewLedger(deadlineConn(t, through)).Claim(ctx, claims([]int64{1}, 0, time.Hour))
	if !errors.Is(err, port.ErrCommitUnknown) || ctx.Err() != nil {
		t.Errorf("got %v (context: %v), want ErrCommitUnknown long before the context's end", err, ctx.Err())
	}
}

func TestAServerThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	db := postgrestest.OpenURL(t, "postgres://someone:hush@"+address+"/nothing?sslmode=disable")
	for name, err := range map[string]error{
		"read":    second(postgres.NewMonths(db).List(t.Context())),
		"write":   postgres.NewMonths(db).Open(t.Context(), month),
		"migrate": postgres.Migrate(t.Context(), "postgres://someone:hush@"+address+"/nothing?sslmode=disable"),
	} {
		if !errors.Is(err, port.ErrUnavailable) || bytes.Contains([]byte(err.Error()), []byte("hush")) {
			t.Errorf("%s: got %v, want ErrUnavailable without the password", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
