package tokentest

import (
	"net/url"
	"testing"
	"time"
)

// The example of "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)" in the API reference of Amazon S3.
func TestTheExampleOfAWSIsValidAndNothingElse(t *testing.T) {
	t.Parallel()
	const example = "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
		"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
	find := func(key string) (Credentials, bool) {
		return Credentials{AccessKey: key, Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, key == "AKIAIOSFODNN7EXAMPLE"
	}
	at := time.Date(2013, 5, 24, 12, 0, 0, 0, time.UTC)
	check := func(change func(url.Values), service string, at time.Time) error {
		u, err := url.Parse(example)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		change(q)
		u.RawQuery = q.Encode()
		_, err = verify(u, service, "UNSIGNED-PAYLOAD", find, at)
		return err
	}
	nothing := func(url.Values) {}
	if err := check(nothing, "s3", at); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"for another service": check(nothing, "rds-db", at),
		"after its end":       check(nothing, "s3", at.Add(12*time.Hour)),
		"before its time":     check(nothing, "s3", at.Add(-13*time.Hour)),
		"with a longer life":  check(func(q url.Values) { q.Set("X-Amz-Expires", "86401") }, "s3", at),
		"of another key":      check(func(q url.Values) { q.Set("X-Amz-Credential", "AKIAX/20130524/us-east-1/s3/aws4_request") }, "s3", at),
		"of another region": check(func(q url.Values) {
			q.Set("X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20130524/us-east-2/s3/aws4_request")
		}, "s3", at),
		"for another purpose": check(func(q url.Values) { q.Set("Action", "connect") }, "s3", at),
	} {
		if err == nil {
			t.Errorf("a token %s is valid", name)
		}
	}
}
