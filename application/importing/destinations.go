package importing

import (
	"slices"

	"github.com/balsong/balsong/application/destination"
	"github.com/balsong/balsong/domain/channel"
)

// Destination says where the address of a channel stands in the billing data.
type Destination struct {
	Channel channel.Kind
	Column  string
	Example string // a valid address that belongs to no customer
}

// destinations are the addresses of all channels, in the order of their columns.
var destinations = []Destination{
	{channel.Email, colEmail, "kim@example.com"},
	{channel.SMS, colPhone, "010-1234-5678"},
	{channel.Push, colPushToken, "token-4711"},
}

// Destinations lists where the address of each channel stands.
func Destinations() []Destination { return slices.Clone(destinations) }

func destinationColumns() []string {
	columns := make([]string, len(destinations))
	for i, d := range destinations {
		columns[i] = d.Column
	}
	return columns
}

func (r *row) destinations() map[channel.Kind]string {
	found := map[channel.Kind]string{}
	for _, d := range destinations {
		text := r.text(d.Column)
		if text == "" {
			continue
		}
		address, err := destination.Parse(d.Channel, text)
		if err != nil {
			r.refuse(d.Column, err.Error())
		}
		found[d.Channel] = address
	}
	return found
}
