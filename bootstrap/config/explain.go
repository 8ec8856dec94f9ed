package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/caarlos0/env/v11"
)

// explain says of each variable that is missing or cannot be read its name and what is wanted.
func explain(err error, known []Variable, values map[string]string) error {
	var list env.AggregateError
	if !errors.As(err, &list) {
		return err
	}
	var lines []string
	for _, e := range list.Errors {
		var missing env.VarIsNotSetError
		var misread env.ParseError
		switch {
		case errors.As(e, &missing):
			lines = append(lines, missing.Key+" is not set (see --help; it may also come from a file or AWS)")
		case errors.As(e, &misread):
			lines = append(lines, unreadable(misread, known, values)...)
		default:
			lines = append(lines, e.Error())
		}
	}
	slices.Sort(lines)
	problems := make([]error, 0, len(lines))
	for _, line := range slices.Compact(lines) {
		problems = append(problems, errors.New(line))
	}
	return errors.Join(problems...)
}

// unreadable finds the variables behind an error that only names a field of a Go struct: several variables may have a field
// of that name.
func unreadable(e env.ParseError, known []Variable, values map[string]string) (lines []string) {
	for _, v := range known {
		if v.field.Name != e.Name || v.field.Type != e.Type {
			continue
		}
		value := values[v.Name]
		want := wanted(v.field.Type, value)
		if want == "" {
			continue
		}
		if v.Secret {
			lines = append(lines, fmt.Sprintf("%s cannot be read: want %s", v.Name, want))
		} else {
			lines = append(lines, fmt.Sprintf("%s is %q: want %s", v.Name, value, want))
		}
	}
	if len(lines) == 0 {
		lines = append(lines, e.Error())
	}
	return lines
}

// wanted says what a type wants, where a value is not that; "" where it is.
func wanted(t reflect.Type, value string) (want string) {
	var err error
	switch {
	case value == "": // the default
	case t == reflect.TypeFor[time.Duration]():
		_, err = time.ParseDuration(value)
		want = "a duration such as 90s, 15m or 2h"
	case t.Kind() == reflect.Bool:
		_, err = strconv.ParseBool(value)
		want = "true or false"
	case t.Kind() == reflect.Float64:
		_, err = strconv.ParseFloat(value, 64)
		want = "a number"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64:
		_, err = strconv.ParseInt(value, 10, t.Bits())
		want = "a whole number in range"
	}
	if err == nil {
		return ""
	}
	return want
}
