package gatewaysim

import (
	"reflect"
	"strings"
)

// settingsFields names what settings may hold, object by object: "seed, email, …; in email, sms, push: latency, …".
func settingsFields() string {
	var objects []reflect.Type // in the order in which they are met
	holders := map[reflect.Type][]string{}
	fields := map[reflect.Type][]string{}
	var walk func(object reflect.Type)
	walk = func(object reflect.Type) {
		objects = append(objects, object)
		for i := range object.NumField() {
			name, _, _ := strings.Cut(object.Field(i).Tag.Get("json"), ",")
			fields[object] = append(fields[object], name)
			if inner := object.Field(i).Type; inner.Kind() == reflect.Struct {
				met := len(holders[inner]) > 0
				holders[inner] = append(holders[inner], name)
				if !met {
					walk(inner)
				}
			}
		}
	}
	walk(reflect.TypeFor[Settings]())
	texts := make([]string, 0, len(objects))
	for _, object := range objects {
		text := strings.Join(fields[object], ", ")
		if in := holders[object]; len(in) > 0 {
			text = "in " + strings.Join(in, ", ") + ": " + text
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}
