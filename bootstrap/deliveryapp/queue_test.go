package deliveryapp_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/observe/observetest"
)

func TestFeedbackReadsAQueueWithNoPortOfItsOwn(t *testing.T) {
	const queue = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/balsong-reports"
	asked := make(chan string, 100)
	sqs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call struct {
			QueueURL string `json:"QueueUrl"`
		}
		_ = json.NewDecoder(r.Body).Decode(&call)
		select {
		case asked <- r.Header.Get("X-Amz-Target") + " " + call.QueueURL:
		default:
		}
		<-r.Context().Done()
	}))
	t.Cleanup(sqs.Close)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL_SQS": sqs.URL, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"} {
		t.Setenv(name, value)
	}
	environment(t, map[string]string{
		"BALSONG_HEALTH_ADDR": observetest.FreeAddr(t), "BALSONG_SMS_URL": "unset", "BALSONG_S3_BUCKET": "unset", "BALSONG_KEYSET": "unset", "BALSONG_KAFKA_BROKERS": "unset",
		"BALSONG_FEEDBACK_QUEUE": queue, "BALSONG_REFERENCE_SECRETS": secret, "BALSONG_SES_FROM": "bills@example.com",
		"BALSONG_SES_TOPIC": "arn:aws:sns:ap-northeast-2:123456789012:balsong-ses",
	})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, deliveryapp.NewCommand(), []string{"--role", "feedback"}, io.Discard, io.Discard)
	}()
	select {
	case said := <-asked:
		if said != "AmazonSQS.ReceiveMessage "+queue {
			t.Errorf("it asked %s", said)
		}
	case code := <-ended:
		t.Fatalf("exit code %d", code)
	}
	stop()
	select {
	case code := <-ended:
		if code != core.ExitOK {
			t.Errorf("exit code %d", code)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}
