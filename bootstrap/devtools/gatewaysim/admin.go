package gatewaysim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
)

func (s *Server) newAdminServer() *http.Server {
	return &http.Server{
		Handler: s.adminHandler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: zap.NewStdLog(s.config.Log),
	}
}

func (s *Server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Stats()) })
	mux.HandleFunc("GET /settings", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Settings()) })
	mux.HandleFunc("PUT /settings", s.putSettings)
	if s.inbox != nil {
		mux.Handle("GET /", s.inbox.Handler())
	}
	// A page of another site cannot change settings through somebody's browser.
	return http.NewCrossOriginProtection().Handler(mux)
}

// putSettings changes what the body names and leaves the rest.
func (s *Server) putSettings(w http.ResponseWriter, r *http.Request) {
	settings, err := mergeSettings(s.Settings(), http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = s.SetSettings(settings)
	}
	if err != nil {
		writeAdminError(w, http.StatusBadRequest, "bad_settings", err.Error())
		return
	}
	s.config.Log.Info("gateway_settings_changed", zap.Any("settings", s.Settings()))
	writeJSON(w, s.Settings())
}

// ReadSettings reads a file of settings, as GET /settings writes them. What it
// leaves out has its default.
func ReadSettings(path string) (Settings, error) {
	file, err := os.Open(path)
	if err != nil {
		return Settings{}, fmt.Errorf("open the settings: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	settings, err := mergeSettings(Settings{}, file)
	if err != nil {
		return Settings{}, fmt.Errorf("%s: %w", path, err)
	}
	return settings, nil
}

// mergeSettings puts what the JSON names over the settings.
func mergeSettings(settings Settings, document io.Reader) (Settings, error) {
	for _, channel := range behaviour.Channels() {
		if c := settings.Of(channel); c.AcceptAt != nil {
			value := *c.AcceptAt // decoding would write through the pointer that running calls read
			c.AcceptAt = &value
		}
	}
	settings.Kakao.Templates = slices.Clone(settings.Kakao.Templates)
	decoder := json.NewDecoder(document)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&settings); err != nil {
		if strings.HasPrefix(err.Error(), "json: unknown field") { // encoding/json has no type for it
			return Settings{}, fmt.Errorf("read the settings: %w: by default they are %s", err, defaults())
		}
		return Settings{}, fmt.Errorf("read the settings: %w", err)
	}
	return settings, nil
}

// defaults are all that can be set, with the values that hold where nothing is.
func defaults() []byte {
	text, _ := json.Marshal(Settings{}.WithDefaults()) // numbers and texts cannot fail
	return text
}

func writeJSON(w http.ResponseWriter, value any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		writeAdminError(w, http.StatusInternalServerError, "internal", err.Error())
		return
	}
	w.Header().Set("Content-Type", jsonType)
	_, _ = w.Write(body.Bytes()) // the caller may be gone
}

func writeAdminError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	_, _ = w.Write(errorBody(code, message)) // the caller may be gone
}
