package smtp

import (
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

func testProvider(kind channel.Kind) port.Provider {
	return port.Provider{
		Name: "test", Channel: kind, CallDeadline: 20 * time.Second, Lease: 30 * time.Second, Margin: time.Second, InFlight: 10_000,
	}
}

func testDelivery(kind channel.Kind, n int64) port.Delivery {
	month, _ := key.NewMonth(2026, time.November)
	return port.Delivery{
		Key: key.Delivery{Month: month, UserID: n, Attempt: 1, Round: 2}, Channel: kind, Destination: "kim@example.com",
		Content: port.Variant{Text: "청구서", Title: "제목", Class: "LMS"},
	}
}
