package postgres

import (
	"fmt"
	"strings"

	"github.com/balsong/balsong/domain/channel"
)

// eachChannel joins what write returns for every channel, in the order of channel.All. column is the channel's column
// in billing_data: its name in lower case.
func eachChannel(write func(i int, column string) string) string {
	parts := make([]string, len(channel.All))
	for i, kind := range channel.All {
		parts[i] = write(i, strings.ToLower(string(kind)))
	}
	return strings.Join(parts, ", ")
}

// destinations lists the columns of all channels with a prefix: "d.email, d.sms, d.push" for "d.".
func destinations(of string) string {
	return eachChannel(func(_ int, column string) string { return of + column })
}

// destinationArrays lists a parameter for each channel's column, numbered from first: "$8::bytea[], $9::bytea[], …".
func destinationArrays(first int) string {
	return eachChannel(func(i int, _ string) string { return fmt.Sprintf("$%d::bytea[]", first+i) })
}

// channelBits is an SQL expression that turns a column with a channel's name into the bit of that channel in a
// channel.Set.
func channelBits(column string) string {
	var cases strings.Builder
	for _, kind := range channel.All {
		fmt.Fprintf(&cases, " WHEN '%s' THEN %d", kind, channel.NewSet(kind))
	}
	return "CASE " + column + cases.String() + " END"
}

// scanned lists scan targets: those before, one for each value, those behind.
func scanned(before []any, values [][]byte, behind ...any) []any {
	for i := range values {
		before = append(before, &values[i])
	}
	return append(before, behind...)
}
