package archdoc

import (
	"reflect"

	"go.yaml.in/yaml/v3"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
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
