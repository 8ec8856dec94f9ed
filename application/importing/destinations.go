package importing

import (
	"fmt"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
)

// Destination says where the address of a channel stands in the billing data, and how it is read.
type Destination struct {
	Channel channel.Kind
	Column  string
	Example string // a valid address that reaches nobody
	parse   func(text string) (string, error)
}

// destinations are the addresses of all channels, in the order of their columns.
var destinations = []Destination{
	{channel.Email, colEmail, "kim@example.com", parseEmail},
	{channel.SMS, colPhone, "010-1234-5678", parsePhone},
	{channel.Push, colPushToken, "token-4711", parsePushToken},
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
		address, err := d.parse(text)
		if err != nil {
			r.refuse(d.Column, err.Error())
		}
		found[d.Channel] = address
	}
	return found
}

// CheckDestination parses a destination as the import does and returns it in the form in which it is sent to. Errors
// never contain the value.
func CheckDestination(kind channel.Kind, text string) (string, error) {
	for _, d := range destinations {
		if d.Channel == kind && text != "" {
			return d.parse(text)
		}
	}
	return "", fmt.Errorf("%w: it is empty", port.ErrInvalid)
}
