package oauth_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/oauth"
	"github.com/balsong/balsong/application/porttest"
)

const secret = "hunter+2 &=%/"

// failureOf is why there is no token; -1: that is not said.
func failureOf(err error) oauth.Failure {
	if failed, is := errors.AsType[*oauth.Error](err); is {
		return failed.Failure
	}
	return -1
}

// endpoint runs a token endpoint, and returns what a client shows to it.
func endpoint(t *testing.T, answer http.HandlerFunc) oauth.Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return oauth.Client{TokenURL: server.URL + "/token?tenant=t", ID: "balsong", Secret: secret}
}

// says is a token endpoint with one answer.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// silent is a token endpoint that never answers.
func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then a server notices that the client has gone
	<-r.Context().Done()
}

func TestATokenIsAskedForWithTheClientsCredentials(t *testing.T) {
	t.Parallel()
	for name, inBody := range map[string]bool{"as HTTP Basic": false, "in the body, where the endpoint wants that": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
				user, password, _ := r.BasicAuth()
				if inBody {
					user, password = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
				} else if password == "hunter%2B2+%26%3D%25%2F" { // RFC 6749, section 2.3.1: in the form's encoding
					password = secret
				}
				if user != "balsong" || password != secret || r.PostFormValue("grant_type") != "client_credentials" || r.PostFormValue("scope") != "one two" {
					says(http.StatusUnauthorized, `{"error":"invalid_client"}`)(w, r)
					return
				}
				says(http.StatusOK, `{"access_token":"a.b.c","token_type":"bearer","expires_in":3600}`)(w, r)
			})
			c.Scopes = []string{"one", "two"}
			token, err := oauth.New(c).Token(t.Context())
			if left := time.Until(token.Expires); err != nil || token.Value != "a.b.c" || left < 59*time.Minute || left > time.Hour {
				t.Errorf("%+v, %v", token, err)
			}
		})
	}
}

func TestATokenThatCannotBeHadIsExplainedWithoutTheSecret(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(says(http.StatusOK, `{"access_token":"stolen","expires_in":3600}`))
	t.Cleanup(elsewhere.Close)
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		failure oauth.Failure
		text    string
	}{
		"an unknown client": {says(http.StatusUnauthorized, `{"error":"invalid_client","error_description":"not `+secret+`"}`), oauth.Refused, `refuses the client "balsong" (invalid_client, HTTP 401)`},
		"an unknown scope":  {says(http.StatusBadRequest, `{"error":"invalid_scope"}`), oauth.Refused, "invalid_scope, HTTP 400"},
		"a refusal in 200":  {says(http.StatusOK, `{"error":"invalid_client"}`), oauth.Refused, "invalid_client, HTTP 200"},
		"a code of its own": {says(http.StatusForbidden, `{"error":"`+secret+`"}`), oauth.Refused, "(HTTP 403)"},
		"another path":      {http.NotFound, oauth.Refused, "HTTP 404"},
		"a redirect":        {http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect).ServeHTTP, oauth.Refused, "HTTP 307"},
		"too many":          {says(http.StatusTooManyRequests, `{}`), oauth.Unavailable, "HTTP 429"},
		"maintenance":       {says(http.StatusServiceUnavailable, `<html>`+secret), oauth.Unavailable, "HTTP 503"},
		"a page of a proxy": {says(http.StatusOK, `<html>`+secret), oauth.Unavailable, "holds no token"},
		"no token":          {says(http.StatusOK, `{"expires_in":1}`), oauth.Unavailable, "holds no token"},
		"silence":           {silent, oauth.Unavailable, "deadline exceeded"},
		"a broken line":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, oauth.Unavailable, "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			credentials := endpoint(t, c.answer)
			if name == "silence" {
				credentials.Timeout = 50 * time.Millisecond
			}
			_, err := oauth.New(credentials).Token(t.Context())
			if failureOf(err) != c.failure || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%d: %v, want %d with %q", failureOf(err), err, c.failure, c.text)
			}
			for _, hidden := range []string{"hunter", "tenant"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("the error shows %q: %v", hidden, err)
				}
			}
		})
	}
}

func TestTheTokenEndpointMayHaveACAOfItsOwn(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(says(http.StatusOK, `{"access_token":"a","expires_in":3600}`))
	certificate, trusting := porttest.Certificate()
	server.TLS = certificate
	server.StartTLS()
	t.Cleanup(server.Close)
	credentials := oauth.Client{TokenURL: server.URL, ID: "balsong", Secret: secret}
	if _, err := oauth.New(credentials).Token(t.Context()); failureOf(err) != oauth.Untrusted {
		t.Errorf("without the CA: %v", err)
	}
	credentials.TLS = trusting
	if _, err := oauth.New(credentials).Token(t.Context()); err != nil {
		t.Errorf("with the CA: %v", err)
	}
}

func TestATokenThatCouldAddToWhatItIsSentInIsNone(t *testing.T) {
	t.Parallel()
	for _, token := range []string{`a\u0001auth=Bearer b`, "a b", "ä", `a\r\nb`} {
		_, err := oauth.New(endpoint(t, says(http.StatusOK, `{"access_token":"`+token+`","expires_in":60}`))).Token(t.Context())
		if failureOf(err) != oauth.Unavailable || !strings.Contains(err.Error(), "no bearer token has") {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestARefreshTokenIsShownAndReplacedByTheOneThatCameLast(t *testing.T) {
	t.Parallel()
	for name, public := range map[string]bool{"with a secret": false, "of a client without a secret": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var shown []string
			c := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
				_, password, _ := r.BasicAuth()
				if secretIn := r.PostFormValue("client_secret"); !public && password == "" && secretIn == "" || public && (secretIn != "" || r.PostFormValue("client_id") != "balsong") {
					says(http.StatusUnauthorized, `{"error":"invalid_client"}`)(w, r)
					return
				}
				shown = append(shown, r.PostFormValue("grant_type")+" "+r.PostFormValue("refresh_token"))
				says(http.StatusOK, `{"access_token":"a","expires_in":3600,"refresh_token":"`+[]string{"second", "", "third"}[len(shown)-1]+`"}`)(w, r)
			})
			if c.RefreshToken = "first"; public {
				c.Secret = ""
			}
			tokens := oauth.New(c)
			for range 3 {
				if _, err := tokens.Token(t.Context()); err != nil {
					t.Fatal(err)
				}
				tokens.Refused("a")
			}
			if got := strings.Join(shown, ", "); got != "refresh_token first, refresh_token second, refresh_token second" {
				t.Error(got)
			}
		})
	}
	c := endpoint(t, says(http.StatusBadRequest, `{"error":"invalid_grant"}`))
	c.RefreshToken = "hunter2"
	if _, err := oauth.New(c).Token(t.Context()); failureOf(err) != oauth.Refused || !strings.Contains(err.Error(), "invalid_grant") || strings.Contains(err.Error(), "hunter") {
		t.Errorf("a refresh token that was taken back: %v", err)
	}
}
