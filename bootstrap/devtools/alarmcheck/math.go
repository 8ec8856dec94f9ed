package alarmcheck

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
)

// values is a time series, by the number of the period, or one scalar.
type values struct {
	at     map[int]float64
	scalar *float64
}

// String is the series in words: a value, or - where there is none.
func (v values) String(n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = "-"
		if value, is := v.value(i); is {
			words[i] = strconv.FormatFloat(value, 'g', -1, 64)
		}
	}
	return strings.Join(words, " ")
}

// program is an expression of metric math, as far as the alarms use it: "Using math expressions with CloudWatch metrics" of the Amazon
// CloudWatch User Guide says what each operator and function does where a value is missing.
type program func(t timeline, known map[string]values) (values, error)

var token = regexp.MustCompile(`\s*([A-Za-z_][A-Za-z0-9_]*|[0-9.]+|>=|<=|==|[-+*/(),<>])`)

type parser struct{ tokens []string }

// parse reads an expression.
func parse(expression string) (program, error) {
	p := &parser{}
	rest := strings.TrimSpace(expression)
	for rest != "" {
		found := token.FindStringSubmatchIndex(rest)
		if found == nil || found[0] != 0 {
			return nil, fmt.Errorf("%q is not understood", rest)
		}
		p.tokens = append(p.tokens, rest[found[2]:found[3]])
		rest = strings.TrimSpace(rest[found[1]:])
	}
	result, err := p.binary(0)
	if err == nil && len(p.tokens) > 0 {
		err = fmt.Errorf("%q is left over", p.tokens)
	}
	return result, err
}

// binding has the operators that bind the least first.
var binding = [][]string{{"AND"}, {">", "<", ">=", "<=", "=="}, {"+", "-"}, {"*", "/"}}

func (p *parser) binary(level int) (program, error) {
	if level == len(binding) {
		return p.operand()
	}
	left, err := p.binary(level + 1)
	for err == nil && p.sees(binding[level]...) {
		operator := p.take()
		var right program
		if right, err = p.binary(level + 1); err == nil {
			left = apply(operator, left, right)
		}
	}
	return left, err
}

func (p *parser) sees(wanted ...string) bool {
	for _, t := range wanted {
		if len(p.tokens) > 0 && p.tokens[0] == t {
			return true
		}
	}
	return false
}

func (p *parser) take() (t string) {
	if len(p.tokens) > 0 {
		t, p.tokens = p.tokens[0], p.tokens[1:]
	}
	return t
}

// operand reads a number, a name, a call, or an expression in parentheses.
func (p *parser) operand() (program, error) {
	name := p.take()
	if name == "(" {
		inner, err := p.binary(0)
		if err == nil && p.take() != ")" {
			err = fmt.Errorf("a parenthesis is not closed")
		}
		return inner, err
	}
	if number, err := strconv.ParseFloat(name, 64); err == nil {
		return func(timeline, map[string]values) (values, error) { return values{scalar: &number}, nil }, nil
	}
	if p.sees("(") {
		return p.call(name)
	}
	return func(_ timeline, known map[string]values) (values, error) {
		v, is := known[name]
		if !is {
			return v, fmt.Errorf("no metric has the id %q", name)
		}
		return v, nil
	}, nil
}

func (p *parser) call(function string) (program, error) {
	p.take()
	var arguments []program
	for {
		argument, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		arguments = append(arguments, argument)
		switch p.take() {
		case ",":
		case ")":
			return callOf(function, arguments)
		default:
			return nil, fmt.Errorf("the arguments of %s have no end", function)
		}
	}
}

func callOf(function string, arguments []program) (program, error) {
	switch {
	case function == "IF" && (len(arguments) == 2 || len(arguments) == 3):
		return conditional(arguments), nil
	case function == "DIFF" && len(arguments) == 1:
		return func(t timeline, known map[string]values) (values, error) {
			v, err := arguments[0](t, known)
			result, before := values{at: map[int]float64{}}, -1
			for i := range t.n {
				if value, is := v.at[i]; is {
					if before >= 0 {
						result.at[i] = value - v.at[before]
					}
					before = i
				}
			}
			return result, err
		}, nil
	case function == "EPOCH" && len(arguments) == 1: // a value for each period, also where the metric has none
		return func(t timeline, _ map[string]values) (values, error) {
			result := values{at: map[int]float64{}}
			for i := range t.n {
				result.at[i] = float64(t.start + i*t.period)
			}
			return result, nil
		}, nil
	default:
		return nil, fmt.Errorf("the function %s of %d arguments is not used here", function, len(arguments))
	}
}

// conditional is IF(series, then[, otherwise]): where the condition is missing there is no value.
func conditional(arguments []program) program {
	return func(t timeline, known map[string]values) (values, error) {
		var parts []values
		for _, argument := range arguments {
			v, err := argument(t, known)
			if err != nil {
				return v, err
			}
			parts = append(parts, v)
		}
		result := values{at: map[int]float64{}}
		for i, condition := range parts[0].at {
			switch {
			case condition != 0:
				value, _ := parts[1].value(i) // a value that is missing where it is asked for counts as 0
				result.at[i] = value
			case len(parts) == 3:
				if value, is := parts[2].value(i); is {
					result.at[i] = value
				}
			}
		}
		return result, nil
	}
}

func (v values) value(i int) (float64, bool) {
	if v.scalar != nil {
		return *v.scalar, true
	}
	value, is := v.at[i]
	return value, is
}

// apply joins two operands. Of two series, one that misses a value where the other has one counts as 0 there.
func apply(operator string, left, right program) program {
	return func(t timeline, known map[string]values) (values, error) {
		a, err := left(t, known)
		if err != nil {
			return a, err
		}
		b, err := right(t, known)
		if err != nil {
			return b, err
		}
		if a.scalar != nil && b.scalar != nil {
			result := calculate(operator, *a.scalar, *b.scalar)
			return values{scalar: &result}, nil
		}
		result := values{at: map[int]float64{}}
		for _, side := range []values{a, b} {
			for i := range maps.Keys(side.at) {
				x, _ := a.value(i)
				y, _ := b.value(i)
				if operator != "/" || y != 0 { // a division by zero drops the data point
					result.at[i] = calculate(operator, x, y)
				}
			}
		}
		return result, nil
	}
}

func calculate(operator string, x, y float64) float64 {
	truth := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	switch operator {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "/":
		return x / y
	case ">":
		return truth(x > y)
	case "<":
		return truth(x < y)
	case ">=":
		return truth(x >= y)
	case "<=":
		return truth(x <= y)
	case "==":
		return truth(x == y)
	default: // AND
		return truth(x != 0 && y != 0)
	}
}
