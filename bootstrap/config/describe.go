package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Variable is one environment variable of a configuration.
type Variable struct {
	Name, Default, Help string
	Required, Secret    bool
	field               reflect.StructField
}

// Variables lists the variables of a configuration, in order.
func Variables[C any]() []Variable {
	var c C
	return variables(reflect.TypeOf(c), "")
}

func variables(t reflect.Type, prefix string) []Variable {
	var list []Variable
	for i := range t.NumField() {
		field := t.Field(i)
		tag, ok := field.Tag.Lookup("env")
		if !ok {
			list = append(list, variables(field.Type, prefix+field.Tag.Get("envPrefix"))...)
			continue
		}
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		list = append(list, Variable{
			Name: prefix + name, Default: field.Tag.Get("envDefault"), Help: field.Tag.Get("help"),
			Required: strings.Contains(options, "required"), Secret: field.Tag.Get("secret") == "true",
			field: field,
		})
	}
	return list
}

// Describe writes the variables of a configuration for --help. Durations are written as in 90s, 15m or 2h.
func Describe[C any](w io.Writer) {
	fmt.Fprintln(w, "Configuration comes from the environment. Durations are written as in 90s, 15m, 2h.")
	fmt.Fprintln(w, referencesHelp)
	for _, v := range Variables[C]() {
		note := "default " + v.Default
		switch {
		case v.Required:
			note = "required"
		case v.Default == "":
			note = "optional"
		}
		if v.Secret {
			note += ", secret"
		}
		fmt.Fprintf(w, "  %-32s %s (%s)\n", v.Name, v.Help, note)
	}
}

// referencesHelp says how a secret is kept out of the environment.
const referencesHelp = `Any value may be a reference, followed once at the start: file:/path, ssm:/name (AWS Parameter
Store), secretsmanager:name-or-arn#field (AWS Secrets Manager). A secret NAME may also come from the file NAME_FILE names.
AWS is reached by its own variables (AWS_REGION, …) or the machine's role.`

// parts returns the structs that a configuration is made of.
func parts(c any) []any {
	v := reflect.ValueOf(c)
	list := []any{c}
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.Struct && !v.Type().Field(i).Anonymous { // what is embedded, the outer one checks
			list = append(list, parts(v.Field(i).Interface())...)
		}
	}
	return list
}
