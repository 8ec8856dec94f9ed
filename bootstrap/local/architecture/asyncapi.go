package architecture

import (
	"encoding/json"
	"fmt"
	"go/constant"
	"go/types"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// evolution is the rule by which the contract may change.
const evolution = "It evolves by optional fields only: readers ignore fields that they do not know. Anything else is a new topic."

// message is one kind of event: the Go type that it is written from, and examples made by the real encoder.
type message struct {
	name, title, says, id string
	topic                 port.Topic
	writer, reader        string
	value                 reflect.Type
	examples              []port.Message
}

func messages() ([]message, error) {
	requests, err := encode(requestedExamples())
	if err != nil {
		return nil, err
	}
	results, err := encode(resultExamples())
	return []message{
		{
			"DispatchRequested", "Send one statement", "asks Delivery to send one statement, once", "the delivery key: month/user/attempt/round",
			port.TopicRequests, "dispatcher", "delivery", reflect.TypeFor[event.Requested](), requests,
		},
		{
			"DispatchResult", "A ledger row has changed", "is a hint that a ledger row has changed; the ledger is the truth", "the delivery key and the outcome",
			port.TopicResults, "delivery", "settlement", reflect.TypeFor[event.Result](), results,
		},
	}, err
}

// encoder is an event.
type encoder interface {
	Message(source, trace string, at time.Time) (port.Message, error)
	Delivery() key.Delivery
}

var exampleTime = time.Date(2026, time.November, 22, 3, 0, 0, 0, time.UTC)

func encode(events []encoder) ([]port.Message, error) {
	var list []port.Message
	for _, e := range events {
		m, err := e.Message("balsong/example", event.Trace(e.Delivery(), 7), exampleTime)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

func exampleIdentity() event.Identity {
	return event.Identity{
		Month: key.Month(2026*12 + 10), UserID: 4711, Channel: channel.Email, PolicyID: 1, PolicyVersion: 3, RunID: 7,
	}
}

func requestedExamples() []encoder {
	deadline := exampleTime.AddDate(0, 0, 9)
	full := event.Requested{
		Identity: exampleIdentity(), Destination: []byte("sealed destination"), Statement: []byte("sealed reference"),
		QuietHours: &event.QuietHours{From: "21:00", To: "08:00", Zone: "Asia/Seoul"}, Deadline: &deadline,
		Unknown: attempt.Hold, CallDeadlineMS: 30_000,
	}
	least := full
	least.QuietHours, least.Deadline, least.CallDeadlineMS, least.Unknown = nil, nil, 0, attempt.Resend
	least.Attempt, least.Round, least.Step, least.Channel = 1, 2, 2, channel.SMS
	return []encoder{full, least}
}

func resultExamples() []encoder {
	accepted := event.Result{
		Identity: exampleIdentity(), Outcome: attempt.Succeeded, Provider: "smtp", ProviderMessageID: "250 2.0.0 Ok: queued as 4XyZ", FinishedAt: exampleTime,
	}
	refused := event.Result{
		Identity: exampleIdentity(), Outcome: attempt.Failed, Class: attempt.Permanent, Reason: attempt.ReasonRefused, Provider: "smtp", FinishedAt: exampleTime,
	}
	putBack := event.Result{Identity: exampleIdentity(), Outcome: attempt.NotSent, Reason: attempt.ReasonWindow, FinishedAt: exampleTime}
	return []encoder{accepted, refused, putBack}
}

func asyncAPIFile(p *printer, s Sources) error {
	document, err := asyncAPI(s.Code)
	if err != nil {
		return err
	}
	out := yaml.NewEncoder(p)
	out.SetIndent(2)
	p.line("# Written by `make docs` from the Go types of application/event. Change them, not this file.")
	return out.Encode(document)
}

func asyncAPI(code *workspace) (*yaml.Node, error) {
	list, err := messages()
	if err != nil {
		return nil, err
	}
	channels, operations, components := object(), object(), object()
	for _, m := range list {
		payload, err := schemaOf(code, m.value)
		if err != nil {
			return nil, err
		}
		place := "#/channels/" + m.name
		put(channels, m.name, object("address", string(m.topic), "description", "Written by "+m.writer+", read by "+m.reader+". The Kafka key is the user id.",
			"messages", object(m.name, object("$ref", "#/components/messages/"+m.name))))
		for _, side := range []struct{ who, action string }{{m.writer, "send"}, {m.reader, "receive"}} {
			put(operations, side.who+"."+side.action, object("action", side.action, "summary", side.who+" "+side.action+"s "+m.name+".",
				"channel", object("$ref", place), "messages", sequence(object("$ref", place+"/messages/"+m.name))))
		}
		examples := sequence()
		for _, e := range m.examples {
			example, err := exampleNode(e)
			if err != nil {
				return nil, err
			}
			examples.Content = append(examples.Content, example)
		}
		put(components, m.name, object("name", m.name, "title", m.title, "summary", m.name+" "+m.says+".", "contentType", "application/json",
			"headers", headersSchema(m), "payload", payload,
			"bindings", object("kafka", object("key", object("type", "string", "description", "the user id", "pattern", "^[1-9][0-9]*$"), "bindingVersion", "0.5.0")),
			"examples", examples))
	}
	put(channels, "DeadLetter", object("address", string(port.TopicDeadLetter),
		"description", "Requests that can never be delivered, as they came, with the header balsong-reason. Written by delivery, read by people.",
		"messages", object("DispatchRequested", object("$ref", "#/components/messages/DispatchRequested"))))
	put(operations, "delivery.refuse", object("action", "send", "summary", "Delivery sends what it cannot deliver to the dead letter topic.",
		"channel", object("$ref", "#/channels/DeadLetter")))
	return object("asyncapi", "3.0.0",
		"info", object("title", "Balsong events", "version", "1.0.0",
			"description", "JSON values; CloudEvents 1.0 in binary mode, so the attributes are headers. "+evolution,
			"license", object("name", "Apache-2.0", "url", "https://www.apache.org/licenses/LICENSE-2.0")),
		"defaultContentType", "application/json",
		"channels", channels, "operations", operations, "components", object("messages", components)), nil
}

func headersSchema(m message) *yaml.Node {
	kind := ""
	for _, h := range m.examples[0].Headers {
		if h.Name == "ce_type" {
			kind = h.Value
		}
	}
	text := func(says string) *yaml.Node { return object("type", "string", "description", says) }
	return object("type", "object",
		"required", sequence("ce_specversion", "ce_type", "ce_source", "ce_id", "ce_time"),
		"properties", object(
			"ce_specversion", object("type", "string", "const", "1.0"),
			"ce_type", object("type", "string", "const", kind),
			"ce_source", text("the process that wrote it"),
			"ce_id", text(m.id),
			"ce_time", object("type", "string", "format", "date-time", "description", "when it was written"),
			"content-type", object("type", "string", "const", "application/json"),
			"traceparent", text("W3C trace context; the same for copies of one event")))
}

func exampleNode(m port.Message) (*yaml.Node, error) {
	headers := object()
	for _, h := range m.Headers {
		put(headers, h.Name, h.Value)
	}
	var payload yaml.Node
	if err := yaml.Unmarshal(m.Value, &payload); err != nil { // JSON is YAML, and keeps its order so
		return nil, err
	}
	value := payload.Content[0]
	plain(value)
	return object("headers", headers, "payload", value), nil
}

// plain writes a value as YAML is usually written, not as JSON.
func plain(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		n.SetString(n.Value)
	}
	for _, child := range n.Content {
		plain(child)
	}
}

// schemaOf describes a struct as it is encoded, its fields' comments included.
func schemaOf(code *workspace, t reflect.Type) (*yaml.Node, error) {
	properties, required := object(), sequence()
	if err := addFields(code, t, properties, required); err != nil {
		return nil, err
	}
	return object("type", "object", "required", required, "properties", properties), nil
}

func addFields(code *workspace, t reflect.Type, properties, required *yaml.Node) error {
	pkg, err := code.find(strings.TrimPrefix(t.PkgPath(), project))
	if err != nil {
		return err
	}
	comments := fieldComments(pkg, t.Name())
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous {
			if err := addFields(code, field.Type, properties, required); err != nil {
				return err
			}
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		described, err := typeSchema(code, field.Type)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", t, field.Name, err)
		}
		if comments[field.Name] == "" {
			return fmt.Errorf("%s.%s has no comment: the contract would not say what it is", t, field.Name)
		}
		put(described, "description", comments[field.Name])
		if least, ok := leasts[name]; ok {
			put(described, "minimum", least)
		}
		if options != "omitempty" {
			required.Content = append(required.Content, scalar(name))
			if field.Type.Kind() == reflect.Slice {
				put(described, "minLength", 1)
			}
		}
		put(properties, name, described)
	}
	return nil
}

// leasts are the bounds that the decoder keeps; a test holds it to them.
var leasts = map[string]int{"user_id": 1, "attempt": 0, "round": 0, "step": 0, "call_deadline_ms": 0}

func typeSchema(code *workspace, t reflect.Type) (*yaml.Node, error) {
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[*time.Time]():
		return object("type", "string", "format", "date-time"), nil
	case reflect.TypeFor[key.Month]():
		return object("type", "string", "pattern", "^[0-9]{4}-(0[1-9]|1[0-2])$"), nil
	case reflect.TypeFor[[]byte]():
		return object("type", "string", "contentEncoding", "base64"), nil
	case reflect.TypeFor[attempt.State]():
		return object("type", "string", "enum", sequence(closedStates()...)), nil
	case reflect.TypeFor[attempt.FailureClass](), reflect.TypeFor[attempt.Reason]():
		values, err := constants(code, t) // the decoder takes others too: a newer writer may know more
		return object("type", "string", "examples", sequence(values...)), err
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeSchema(code, t.Elem())
	case reflect.Struct:
		return schemaOf(code, t)
	case reflect.Int16, reflect.Int32, reflect.Int64:
		return object("type", "integer", "format", t.Kind().String()), nil
	case reflect.String:
		values, err := constants(code, t)
		if len(values) == 0 || err != nil {
			return object("type", "string"), err
		}
		return object("type", "string", "enum", sequence(values...)), nil
	default:
		return nil, fmt.Errorf("no schema for %s", t)
	}
}

func closedStates() (values []any) {
	for _, s := range attempt.States {
		if s.Closed() {
			values = append(values, string(s))
		}
	}
	return values
}

// constants lists the values of a named string type, in the order in which its package declares them.
func constants(code *workspace, t reflect.Type) ([]any, error) {
	if t.PkgPath() == "" {
		return nil, nil
	}
	pkg, err := code.find(strings.TrimPrefix(t.PkgPath(), project))
	if err != nil {
		return nil, err
	}
	var found []*types.Const
	for _, name := range pkg.Types.Scope().Names() {
		c, ok := pkg.Types.Scope().Lookup(name).(*types.Const)
		if ok && types.TypeString(c.Type(), nil) == t.PkgPath()+"."+t.Name() {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b *types.Const) int { return int(a.Pos() - b.Pos()) })
	values := make([]any, 0, len(found))
	for _, c := range found {
		values = append(values, constant.StringVal(c.Val()))
	}
	return values, nil
}

// object is a mapping that keeps its order: names and values in turn.
func object(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i+1 < len(pairs); i += 2 {
		put(n, fmt.Sprint(pairs[i]), pairs[i+1])
	}
	return n
}

func put(n *yaml.Node, name string, value any) {
	n.Content = append(n.Content, scalar(name), scalar(value))
}

func sequence(values ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for _, v := range values {
		n.Content = append(n.Content, scalar(v))
	}
	return n
}

func scalar(value any) *yaml.Node {
	if n, ok := value.(*yaml.Node); ok {
		return n
	}
	n := &yaml.Node{}
	if err := n.Encode(value); err != nil {
		n.SetString(fmt.Sprint(value))
	}
	return n
}

func eventsPage(p *printer, s Sources) error {
	p.line("What the services tell each other by Kafka. %s For programs: %s.\n", evolution, p.link("AsyncAPI 3", "docs/contract/asyncapi.yaml"))
	list, err := messages()
	if err != nil {
		return err
	}
	lines := []string{"flowchart TB"}
	for i, m := range list {
		lines = append(lines, fmt.Sprintf("  %s -- %s --> t%d{{%s}}", m.writer, m.name, i, m.topic), fmt.Sprintf("  t%d -- %s --> %s", i, m.name, m.reader))
	}
	lines = append(lines, fmt.Sprintf("  delivery -- what can never be delivered --> dlq{{%s}}", port.TopicDeadLetter))
	p.mermaid(lines...)
	p.line("The Kafka key is the user id. Each value is JSON with the attributes of CloudEvents 1.0 as headers (`ce_id`, `ce_type`, `ce_source`,")
	p.line("`ce_specversion`, `ce_time`) and `traceparent`.\n")
	for _, m := range list {
		payload, err := schemaOf(s.Code, m.value)
		if err != nil {
			return err
		}
		p.line("## %s\n\n%s %s (%s). `ce_id` is %s.\n", m.name, m.name, m.says, p.link("Go type", "application/event/event.go"), m.id)
		p.table([]string{"Field", "Type", "Says"}, fieldRows("", payload))
		var pretty strings.Builder
		body := json.NewEncoder(&pretty)
		body.SetIndent("", "  ")
		if err := body.Encode(json.RawMessage(m.examples[0].Value)); err != nil {
			return err
		}
		p.line("```json\n%s```\n", pretty.String())
	}
	return nil
}

// fieldRows lists a schema's properties, those of its own objects too.
func fieldRows(before string, schema *yaml.Node) (rows [][]string) {
	at := func(n *yaml.Node, name string) *yaml.Node {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				return n.Content[i+1]
			}
		}
		return &yaml.Node{}
	}
	required := at(schema, "required").Content
	properties := at(schema, "properties").Content
	for i := 0; i+1 < len(properties); i += 2 {
		name, field := properties[i].Value, properties[i+1]
		kind := at(field, "type").Value
		for _, more := range []string{"format", "contentEncoding"} {
			if text := at(field, more).Value; text != "" {
				kind = text
			}
		}
		says := at(field, "description").Value
		for _, more := range []string{"enum", "examples"} {
			var values []string
			for _, v := range at(field, more).Content {
				values = append(values, "`"+v.Value+"`")
			}
			if len(values) > 0 {
				says += ": " + strings.Join(values, ", ")
			}
		}
		if !slices.ContainsFunc(required, func(n *yaml.Node) bool { return n.Value == name }) {
			kind += ", optional"
		}
		rows = append(rows, []string{"`" + before + name + "`", kind, says})
		rows = append(rows, fieldRows(before+name+".", field)...)
	}
	return rows
}
