// Package tokentest checks tokens for RDS and MSK as their servers do, by AWS's documents of Signature Version 4 in the query of a
// URL ("Authenticating Requests: Using Query Parameters", "IAM database authentication", "SASL/OAUTHBEARER mechanism" of MSK), with
// code that shares nothing with the signers.
package tokentest

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Credentials are what a token is signed with.
type Credentials struct {
	AccessKey, Secret, Session string
	Expires                    time.Time // zero: never
}

// Find returns the credentials of an access key.
type Find func(accessKey string) (Credentials, bool)

// Token is what a valid token says.
type Token struct {
	Host, Region, Action, User, AccessKey string
	Signed                                time.Time
	Life                                  time.Duration
}

// Database checks a token for RDS at an instant: the text is a URL without its scheme.
func Database(text string, find Find, at time.Time) (Token, error) {
	u, err := url.Parse("https://" + text)
	if err != nil {
		return Token{}, err
	}
	token, err := verify(u, "rds-db", emptyHash, find, at)
	if err == nil && (token.Action != "connect" || token.User == "") {
		err = fmt.Errorf("the action is %q, the user %q", token.Action, token.User)
	}
	return token, err
}

// Broker checks a token for MSK at an instant: the text is a URL in base64url without padding. User-Agent is added after signing.
func Broker(text string, find Find, at time.Time) (Token, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return Token{}, err
	}
	u, err := url.Parse(string(raw))
	if err != nil {
		return Token{}, err
	}
	query := u.Query()
	query.Del("User-Agent")
	u.RawQuery = query.Encode()
	token, err := verify(u, "kafka-cluster", emptyHash, find, at)
	if err == nil && token.Action != "kafka-cluster:Connect" {
		err = fmt.Errorf("the action is %q", token.Action)
	}
	return token, err
}

// emptyHash is the hash of a request without a body.
var emptyHash = hashed("")

const dateForm = "20060102T150405Z"

// verify checks a signed URL of a service.
func verify(u *url.URL, service, payload string, find Find, at time.Time) (Token, error) {
	q := u.Query()
	token := Token{Host: u.Host, Action: q.Get("Action"), User: q.Get("DBUser")}
	scope := strings.Split(q.Get("X-Amz-Credential"), "/")
	if len(scope) != 5 || scope[3] != service || scope[4] != "aws4_request" || q.Get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256" || q.Get("X-Amz-SignedHeaders") != "host" {
		return token, fmt.Errorf("the scope is %q", q.Get("X-Amz-Credential"))
	}
	token.AccessKey, token.Region = scope[0], scope[2]
	signed, err := time.Parse(dateForm, q.Get("X-Amz-Date"))
	if err != nil || signed.Format("20060102") != scope[1] {
		return token, fmt.Errorf("the date is %q, of the scope %q", q.Get("X-Amz-Date"), scope[1])
	}
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil {
		return token, err
	}
	token.Signed, token.Life = signed, time.Duration(seconds)*time.Second
	by, known := find(token.AccessKey)
	switch {
	case !known:
		return token, fmt.Errorf("nobody has the access key %s", token.AccessKey)
	case !by.Expires.IsZero() && !at.Before(by.Expires):
		return token, fmt.Errorf("the credentials have ended")
	case at.Before(signed.Add(-time.Minute)) || !at.Before(signed.Add(token.Life)):
		return token, fmt.Errorf("it is good from %s on for %s", signed, token.Life)
	case q.Get("X-Amz-Security-Token") != by.Session:
		return token, fmt.Errorf("the session token is another one")
	case subtle.ConstantTimeCompare([]byte(q.Get("X-Amz-Signature")), []byte(signature(u, payload, by))) != 1:
		return token, fmt.Errorf("the signature is wrong")
	}
	return token, nil
}

// signature computes what the signature of a URL should be.
func signature(u *url.URL, payload string, by Credentials) string {
	q := u.Query()
	q.Del("X-Amz-Signature")
	parameters := make([]string, 0, len(q))
	for name := range q {
		parameters = append(parameters, escaped(name)+"="+escaped(q.Get(name)))
	}
	slices.Sort(parameters)
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	request := strings.Join([]string{"GET", path, strings.Join(parameters, "&"), "host:" + u.Host, "", "host", payload}, "\n")
	scope := strings.SplitN(q.Get("X-Amz-Credential"), "/", 2)[1]
	text := strings.Join([]string{"AWS4-HMAC-SHA256", q.Get("X-Amz-Date"), scope, hashed(request)}, "\n")
	key := []byte("AWS4" + by.Secret)
	for _, part := range strings.Split(scope, "/") {
		key = signed(key, part)
	}
	return hex.EncodeToString(signed(key, text))
}

// escaped is a value as Signature Version 4 writes it: everything but unreserved characters in percent encoding.
func escaped(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func signed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
