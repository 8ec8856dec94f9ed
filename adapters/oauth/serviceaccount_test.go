package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/oauth"
)

// accountFile is the file of a key whose tokens come from an address.
func accountFile(t testing.TB, key any, tokens string) string {
	t.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "bills-1", "client_email": "sender@bills-1.iam.gserviceaccount.com", "private_key_id": "k1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})), "token_uri": tokens,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(file)
}

func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAServiceAccountSignsForItsTokens(t *testing.T) {
	t.Parallel()
	key := rsaKey(t)
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.FormValue("grant_type") + " " + r.FormValue("assertion")
		_, _ = w.Write([]byte(`{"access_token":"ya29.a-b_c","token_type":"Bearer","expires_in":3599}`))
	}))
	defer server.Close()
	account, err := oauth.ParseServiceAccount([]byte(accountFile(t, key, server.URL+"/token")))
	if err != nil || account.Project != "bills-1" {
		t.Fatalf("%+v (%v)", account.Project, err)
	}
	tokens := oauth.OfServiceAccount(account, nil, "https://www.googleapis.com/auth/firebase.messaging")
	if err := tokens.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if token, held := tokens.Held(); !held || token != "ya29.a-b_c" {
		t.Errorf("%q, %t", token, held)
	}
	grant, assertion, _ := strings.Cut(<-asked, " ")
	parts := strings.Split(assertion, ".")
	if grant != "urn:ietf:params:oauth:grant-type:jwt-bearer" || len(parts) != 3 {
		t.Fatalf("%s with %d parts", grant, len(parts))
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
		t.Error(err)
	}
	var claims struct{ Iss, Scope, Aud string }
	raw, _ := base64.RawURLEncoding.DecodeString(parts[1])
	if err := json.Unmarshal(raw, &claims); err != nil || claims.Iss != account.Email || claims.Aud != server.URL+"/token" || claims.Scope != "https://www.googleapis.com/auth/firebase.messaging" {
		t.Errorf("%+v (%v)", claims, err)
	}
}

func TestWhyAServiceAccountHasNoTokenIsSaidWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`))
	}))
	defer refusing.Close()
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) }))
	defer empty.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, c := range map[string]struct {
		address string
		want    oauth.Failure
		says    string
	}{
		"refused": {refusing.URL, oauth.Refused, "refuses the client"}, "no token": {empty.URL, oauth.Unavailable, "token"},
		"unreachable": {closed.URL, oauth.Unavailable, "cannot be reached"},
	} {
		account, err := oauth.ParseServiceAccount([]byte(accountFile(t, rsaKey(t), c.address)))
		if err != nil {
			t.Fatal(err)
		}
		err = oauth.OfServiceAccount(account, nil).Prepare(t.Context())
		failure, is := errors.AsType[*oauth.Error](err)
		if !is || failure.Failure != c.want || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "PRIVATE") || strings.Contains(err.Error(), "eyJ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFileThatIsNoKeyOfAServiceAccountIsRefused(t *testing.T) {
	t.Parallel()
	good := accountFile(t, rsaKey(t), "")
	if _, err := oauth.ParseServiceAccount([]byte(good)); err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"empty": "", "no JSON": "x", "a user": strings.Replace(good, "service_account", "authorized_user", 1), "no email": strings.Replace(good, "client_email", "x", 1),
		"no key": strings.Replace(good, "private_key\"", "x\"", 1), "another key": accountFile(t, ec, ""), "a broken key": strings.Replace(good, "MII", "XII", 1),
		"another address": accountFile(t, rsaKey(t), "http://attacker.example/token"), "no address": accountFile(t, rsaKey(t), "https:///token"),
		"very long": good + strings.Repeat(" ", 64<<10),
	} {
		if _, err := oauth.ParseServiceAccount([]byte(file)); !errors.Is(err, oauth.ErrServiceAccount) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseServiceAccount(f *testing.F) {
	f.Add([]byte(accountFile(f, rsaKey(f), "")))
	f.Add([]byte(`{"type":"service_account","client_email":"a","private_key":"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----"}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		if account, err := oauth.ParseServiceAccount(file); err == nil && account.Email == "" {
			t.Error("an account of nobody")
		}
	})
}
