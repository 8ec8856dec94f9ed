// Package sqstest reads reports from queues of moto, a server that answers as AWS does and that we did not write.
package sqstest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/balsong/balsong/adapters/awssecrets/mototest"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/sns"
	"github.com/balsong/balsong/adapters/gateway/sns/snstest"
	queue "github.com/balsong/balsong/adapters/gateway/sqs"
	"github.com/balsong/balsong/adapters/gateway/webhook"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/report"
)

// role is an identity at moto.
type role struct{}

func (role) Config(context.Context) (aws.Config, error) {
	return aws.Config{Region: "ap-northeast-2", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}, nil
}

// installation has an id.
type installation struct{}

func (installation) ID(context.Context) (string, error) { return "prod42", nil }

// amazonSNS calls an action of SNS at moto.
func amazonSNS(t *testing.T, endpoint string, form url.Values) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261130/ap-northeast-2/sns/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: HTTP %d", form.Get("Action"), response.StatusCode)
	}
}

// moto has a topic that delivers to a queue, whose unread messages go to another.
func moto(t *testing.T) (endpoint string, client *sqs.Client, made string) {
	t.Helper()
	endpoint = mototest.Start(t)
	own, _ := role{}.Config(t.Context())
	client = sqs.NewFromConfig(own, func(o *sqs.Options) { o.BaseEndpoint = &endpoint })
	create := func(name string, attributes map[string]string) string {
		created, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
		if err != nil {
			t.Fatal(err)
		}
		return *created.QueueUrl
	}
	create("unread", nil)
	made = create("feedback", map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:ap-northeast-2:123456789012:unread","maxReceiveCount":"10"}`,
	})
	amazonSNS(t, endpoint, url.Values{"Action": {"CreateTopic"}, "Name": {"reports"}})
	amazonSNS(t, endpoint, url.Values{
		"Action": {"Subscribe"}, "TopicArn": {snstest.Topic}, "Protocol": {"sqs"}, "Endpoint": {"arn:aws:sqs:ap-northeast-2:123456789012:feedback"},
	})
	return endpoint, client, made
}

func TestMotosQueueIsReadAndWhatSNSDidNotSignIsLeftInIt(t *testing.T) {
	t.Parallel()
	endpoint, client, made := moto(t)
	service := snstest.New(t, "sns.amazonaws.com", 24*time.Hour)
	body, err := json.Marshal(service.Sign(t, snstest.Notification("signed")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &made, MessageBody: aws.String(string(body))}); err != nil {
		t.Fatal(err)
	}
	// moto signs what it publishes with no key of SNS's
	amazonSNS(t, endpoint, url.Values{"Action": {"Publish"}, "TopicArn": {snstest.Topic}, "Message": {"of moto"}})

	source, err := reference.NewSource(installation{}, "a-secret-of-32-characters-or-more")
	if err != nil {
		t.Fatal(err)
	}
	reports, err := sns.NewReports("ses", snstest.Topic, source, service, func(provider, text string, _ reference.Finder) (port.Said, error) {
		return port.Said{Reports: []report.Report{{Provider: provider, ID: text}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen, stored := make(chan string, 10), make(chan string, 10)
	reader, err := queue.New(queue.Config{
		Queue: made, URL: endpoint, Identity: role{}, Readers: 1, Now: time.Now,
		Topics: map[string]string{snstest.Topic: "ses"}, Providers: map[string]port.Reporter{"ses": reports},
		Receive: func(_ context.Context, reports []report.Report) error {
			for i := range reports {
				stored <- reports[i].ID
			}
			return nil
		},
		Observe: func(provider string, result webhook.Result, _ port.Said, err error) {
			if err != nil {
				t.Logf("%s: %v", provider, err)
			}
			seen <- provider + " " + string(result)
		},
		Watch: outage.New(memory.NewClock(snstest.Now), &memory.Log{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); reader.Run(ctx) }()
	results := map[string]bool{<-seen: true, <-seen: true}
	cancel()
	<-ended
	if !results["ses stored"] || !results["ses forged"] || len(stored) != 1 || <-stored != "signed" {
		t.Errorf("%v, %d stored", results, len(stored))
	}
	left, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &made, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil || left.Attributes["ApproximateNumberOfMessagesNotVisible"] != "1" || left.Attributes["ApproximateNumberOfMessages"] != "0" {
		t.Errorf("%v (%v)", left, err)
	}
}
