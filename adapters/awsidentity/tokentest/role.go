package tokentest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Role is the role of a task, with the endpoint at which a container of ECS gets its credentials.
type Role struct {
	mutex  sync.Mutex
	valid  map[string]Credentials
	latest Credentials
	made   int
	life   time.Duration
	down   bool
}

// NewRole gives the test's process a role for as long as the test runs; the test cannot be parallel. Credentials live for an hour.
func NewRole(t *testing.T) *Role {
	t.Helper()
	r := &Role{valid: map[string]Credentials{}, life: time.Hour}
	r.Rotate()
	server := httptest.NewServer(http.HandlerFunc(r.give))
	t.Cleanup(server.Close)
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.URL + "/v2/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "authorization",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none,
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "",
		"AWS_ENDPOINT_URL_STS": server.URL + "/sts",
	} {
		t.Setenv(name, value)
	}
	return r
}

// Rotate makes new credentials, and ends those before.
func (r *Role) Rotate() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	clear(r.valid)
	r.add()
}

// add makes credentials; the mutex is held.
func (r *Role) add() {
	r.made++
	r.latest = Credentials{
		AccessKey: "ASIA" + rand.Text()[:16], Secret: "secret/+" + rand.Text(), Session: "session//" + rand.Text() + "==",
		Expires: time.Now().Add(r.life).Truncate(time.Second),
	}
	r.valid[r.latest.AccessKey] = r.latest
}

// Life sets how long credentials live that are made from now on, and makes some whenever some are asked for.
func (r *Role) Life(life time.Duration) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.life = life
	r.add()
}

// Down lets the endpoint answer or not.
func (r *Role) Down(down bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.down = down
}

// Made is how many credentials were made.
func (r *Role) Made() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.made
}

// Find implements Find.
func (r *Role) Find(accessKey string) (Credentials, bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	found, known := r.valid[accessKey]
	return found, known
}

// give answers as the endpoint of credentials does ("Amazon ECS task IAM role"), and as AWS STS.
func (r *Role) give(w http.ResponseWriter, request *http.Request) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	switch {
	case request.URL.Path == "/sts":
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
			`<Arn>arn:aws:sts::111122223333:assumed-role/balsong-delivery/task</Arn><UserId>AROA:task</UserId><Account>111122223333</Account>`+
			`</GetCallerIdentityResult></GetCallerIdentityResponse>`)
	case r.down || request.Header.Get("Authorization") != "authorization":
		w.WriteHeader(http.StatusBadRequest) // not 500, which the SDK tries again for seconds
		fmt.Fprintf(w, `{"code":"CredentialsNotFound","message":%q}`, r.latest.Secret)
	default:
		if !time.Now().Before(r.latest.Expires.Add(-5 * time.Minute)) { // as AWS: new ones before the old ones end
			r.add()
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{
			"AccessKeyId": r.latest.AccessKey, "SecretAccessKey": r.latest.Secret, "Token": r.latest.Session, "Expiration": r.latest.Expires.UTC().Format(time.RFC3339),
		})
	}
}
