package wording

import "fmt"

// Form returns the form of an English word for so many.
func Form[N int | int64](n N, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Count is Form behind the number: "1 bill is", "2 bills are".
func Count[N int | int64](n N, one, many string) string {
	return fmt.Sprintf("%d %s", n, Form(n, one, many))
}
