package importing

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/destination"
	"github.com/balsong/balsong/domain/channel"
)

// Destination says where the address of a channel stands in the billing data. AlimTalk goes to the phone number, as text messages do.
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

// shared are channels that reach a customer by the address of another channel, which has the column.
var shared = map[channel.Kind]channel.Kind{channel.AlimTalk: channel.SMS}

// Destinations lists where the address of each channel stands.
func Destinations() []Destination {
	all := slices.Clone(destinations)
	for _, kind := range channel.All {
		at := slices.IndexFunc(destinations, func(d Destination) bool { return d.Channel == shared[kind] })
		if at >= 0 {
			all = append(all, Destination{kind, destinations[at].Column, destinations[at].Example})
		}
	}
	return all
}

// withShared adds the channels that share an address with one of some. What a row says is the addresses alone: with these in its
// fingerprint, the rows of a month that was imported before the channel existed would count as corrections.
func withShared(found map[channel.Kind]string) map[channel.Kind]string {
	all := maps.Clone(found)
	for kind, of := range shared {
		if address, there := found[of]; there {
			all[kind] = address
		}
	}
	return all
}

func destinationColumns() []string {
	columns := make([]string, len(destinations))
	for i, d := range destinations {
		columns[i] = d.Column
	}
	return columns
}

// contactColumns are where the addresses of some channels stand.
func contactColumns(of channel.Set) (columns []string) {
	for _, d := range destinations {
		if of.Has(d.Channel) {
			columns = append(columns, d.Column)
		}
	}
	return columns
}

// destinations returns the addresses of a row. An address that is wrong does not cost the bill: it is left out, with a
// remark.
func (r *row) destinations(firstAddress bool) map[channel.Kind]string {
	found := map[channel.Kind]string{}
	left := false
	for _, d := range destinations {
		text, wrong := r.read(d.Column)
		if wrong != "" {
			r.remark(ContactLeftOut, d.Column, wrong)
			left = true
			continue
		}
		if text == "" {
			continue
		}
		address, err := destination.Parse(d.Channel, text)
		if err != nil {
			address = r.doubtful(d, text, err, firstAddress)
		}
		if address == "" {
			left = true
			continue
		}
		found[d.Channel] = address
	}
	if left && len(found) == 0 {
		r.remark(NoChannelLeft, "", "no address is left: dispatch will pause the bill")
	}
	return found
}

// doubtful remarks what is wrong with an address. It returns the first of several addresses if that was asked for, else "".
func (r *row) doubtful(d Destination, text string, wrong error, firstAddress bool) string {
	if first := firstOfSeveral(d.Channel, text); first != "" {
		if firstAddress {
			r.remark(FirstAddressTaken, d.Column, "has several addresses: the first is used")
			return first
		}
		r.remark(SeveralAddresses, d.Column, "has several addresses and is left out (--first-address uses the first)")
		return ""
	}
	kind := ContactLeftOut
	if errors.Is(wrong, destination.ErrNotMobile) {
		kind = NoMobileNumber
	}
	r.remark(kind, d.Column, wrong.Error())
	return ""
}

// firstOfSeveral returns the first of several addresses in one field; "" if it does not begin with an address, or has only
// one part.
func firstOfSeveral(kind channel.Kind, text string) string {
	if kind == channel.Push {
		return ""
	}
	parts := strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(";,/|\n\r\t ", c) })
	if len(parts) < 2 {
		return ""
	}
	first, err := destination.Parse(kind, parts[0])
	if err != nil {
		return ""
	}
	return first
}
