package postgres

import (
	"fmt"
	"strings"

	"github.com/balsong/balsong/domain/channel"
)

// eachChannel writes something of every channel's column in billing_data (its name in small letters), in the order of
// channel.All.
func eachChannel(write func(i int, column string) string) string {
	parts := make([]string, len(channel.All))
	for i, kind := range channel.All {
		parts[i] = write(i, strings.ToLower(string(kind)))
	}
	return strings.Join(parts, ", ")
}

// destinations lists the columns of a table or an alias: "d.email, d.sms, d.push".
func destinations(of string) string {
	return eachChannel(func(_ int, column string) string { return of + column })
}

// destinationArrays lists the parameters of the columns' values, from the first's number on.
func destinationArrays(first int) string {
	return eachChannel(func(i int, _ string) string { return fmt.Sprintf("$%d::bytea[]", first+i) })
}

// channelBits is the number that stands for the channel of s in a channel.Set.
func channelBits(column string) string {
	var cases strings.Builder
	for _, kind := range channel.All {
		fmt.Fprintf(&cases, " WHEN '%s' THEN %d", kind, channel.NewSet(kind))
	}
	return "CASE " + column + cases.String() + " END"
}

// scanned are places for the columns' values, behind those of others.
func scanned(before []any, values [][]byte, behind ...any) []any {
	for i := range values {
		before = append(before, &values[i])
	}
	return append(before, behind...)
}
