package httpgateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

// libraryGateway keeps the same promises through net/http: no repetition, no redirect, no proxy, and a count of the bytes
// that a connection wrote, which tells "not made" from "unknown". ADR 0032 compares the two.
type libraryGateway struct {
	transport *http.Transport
	url       string
}

type countingConn struct {
	net.Conn
	written atomic.Int64
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.written.Add(int64(len(p)))
	return c.Conn.Write(p)
}

func newLibraryGateway(url string, settings *tls.Config) *libraryGateway {
	return &libraryGateway{url: url + "/sms", transport: &http.Transport{
		TLSClientConfig: settings, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}, DisableCompression: true,
		MaxIdleConnsPerHost: 10_000, IdleConnTimeout: 4 * time.Second,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &countingConn{Conn: conn}, nil
		},
	}}
}

func (g *libraryGateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	body, refusal := appendBody(nil, d, "http")
	if refusal.Verdict != "" {
		return refusal
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var conn *countingConn
	var before int64
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		raw := info.Conn
		if secure, is := raw.(*tls.Conn); is {
			raw = secure.NetConn()
		}
		conn, _ = raw.(*countingConn)
		before = conn.written.Load()
	}})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url, struct{ io.Reader }{bytes.NewReader(body)})
	if err != nil {
		return gateway.NotMade(err.Error())
	}
	request.ContentLength = int64(len(body))
	request.Header = http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {d.Key.String()}, "User-Agent": {"balsong"}}
	response, err := g.transport.RoundTrip(request)
	if err != nil {
		if conn == nil || conn.written.Load() == before {
			return gateway.NotMade(err.Error())
		}
		return gateway.Unknown(err.Error())
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 16<<10))
	if err != nil {
		return gateway.Unknown(err.Error())
	}
	return table.Reply(httpclient.Answer{Status: response.StatusCode, Header: response.Header, Body: answer}, nil, time.Now())
}

func (g *libraryGateway) Provider() port.Provider { return testProvider(channel.SMS) }

// answering is a server that costs next to nothing: requests of one length, one answer.
func answering(b *testing.B, settings *tls.Config, hold, arrived chan struct{}, requestEnds []byte) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	serve := func(conn net.Conn) {
		defer conn.Close()
		if settings != nil {
			conn = tls.Server(conn, settings)
		}
		buffer, read := make([]byte, 4<<10), 0
		for {
			n, err := conn.Read(buffer[read:])
			if err != nil {
				return
			}
			if read += n; !bytes.HasSuffix(buffer[:read], requestEnds) {
				continue
			}
			read = 0
			if hold != nil {
				arrived <- struct{}{}
				<-hold
			}
			_, _ = io.WriteString(conn, porttest.AcceptedByHTTP("m-17", ""))
		}
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return listener.Addr().String()
}

// BenchmarkCall makes calls over kept connections, 100 at a time. cpu-µs/op is the process's, the small server's included.
func BenchmarkCall(b *testing.B) {
	eachClient(b, nil, nil, func(b *testing.B, send func(context.Context, port.Delivery) port.Reply) {
		d := testDelivery(channel.SMS, 1)
		b.SetParallelism(50)
		before := processorTime(b)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if reply := send(b.Context(), d); reply.Verdict != port.CallAccepted {
					b.Errorf("%+v", reply)
				}
			}
		})
		b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
	})
}

// BenchmarkWaitingCall lets 1,000 calls wait for their answers, and reports what one of them holds, the server's share
// included.
func BenchmarkWaitingCall(b *testing.B) {
	const calls = 1_000
	hold, arrived := make(chan struct{}), make(chan struct{})
	eachClient(b, hold, arrived, func(b *testing.B, send func(context.Context, port.Delivery) port.Reply) {
		for b.Loop() {
			goroutines, memory := runtime.NumGoroutine(), inUse()
			var all sync.WaitGroup
			for range calls {
				all.Go(func() { send(b.Context(), testDelivery(channel.SMS, 1)) })
			}
			for range calls {
				<-arrived
			}
			b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/calls, "goroutines/call")
			b.ReportMetric(float64(inUse()-memory)/calls, "B-held/call")
			for range calls {
				hold <- struct{}{}
			}
			all.Wait()
		}
	})
}

func eachClient(b *testing.B, hold, arrived chan struct{}, measure func(*testing.B, func(context.Context, port.Delivery) port.Reply)) {
	server, client := porttest.Certificate()
	for _, secure := range []bool{false, true} {
		for _, library := range []bool{false, true} {
			b.Run(fmt.Sprintf("tls=%t/net-http=%t", secure, library), func(b *testing.B) {
				var settings *tls.Config
				scheme := "http://"
				if secure {
					settings, scheme = server, "https://"
				}
				url := scheme + answering(b, settings, hold, arrived, []byte("}"))
				if library {
					g := newLibraryGateway(url, client.Clone())
					defer g.transport.CloseIdleConnections()
					measure(b, g.Send)
					return
				}
				g, err := New(Config{Provider: testProvider(channel.SMS), URL: url, TLS: client})
				if err != nil {
					b.Fatal(err)
				}
				defer g.Close()
				measure(b, g.Send)
			})
		}
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil && !errors.Is(err, syscall.ENOSYS) {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse) //nolint:gosec // a machine's memory
}
