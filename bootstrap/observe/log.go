// Package observe is what operators see of a running app: logs, metrics, health and readiness.
package observe

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/balsong/balsong/application/port"
)

// ErrLevel is wrapped by the error for a log level or a log format that does not exist.
var ErrLevel = errors.New("no such log setting")

// NewZap returns a logger that writes to stderr. format is json or text.
func NewZap(level, format string) (*zap.Logger, error) {
	parsed, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("%w: level %q (want debug, info, warn or error)", ErrLevel, level)
	}
	config := zap.NewProductionConfig()
	config.Level = zap.NewAtomicLevelAt(parsed)
	config.EncoderConfig = encoding()
	config.DisableStacktrace = true
	config.DisableCaller = true
	config.Sampling = nil
	switch format {
	case "json":
	case "text":
		config.Encoding = "console"
		config.EncoderConfig.EncodeLevel = zapcore.CapitalLevelEncoder
		config.EncoderConfig.ConsoleSeparator = " "
	default:
		return nil, fmt.Errorf("%w: format %q (want json or text)", ErrLevel, format)
	}
	return config.Build()
}

// encoding is the form of a line: flat, so that what collects logs reads it without a parser; times in UTC as RFC 3339 has
// them, durations as in 1m30s.
func encoding() zapcore.EncoderConfig {
	c := zap.NewProductionEncoderConfig()
	c.EncodeTime = func(at time.Time, to zapcore.PrimitiveArrayEncoder) {
		to.AppendString(at.UTC().Format(time.RFC3339Nano))
	}
	c.EncodeDuration = zapcore.StringDurationEncoder
	c.TimeKey = "time"
	return c
}

// Log is port.Log on zap.
type Log struct{ zap *zap.Logger }

// NewLog returns the port over a logger.
func NewLog(logger *zap.Logger) Log { return Log{zap: logger} }

var _ port.Log = Log{}

// Info implements port.Log.
func (l Log) Info(message string, fields ...port.Field) { l.zap.Info(message, typed(fields)...) }

// Warn implements port.Log.
func (l Log) Warn(message string, fields ...port.Field) { l.zap.Warn(message, typed(fields)...) }

// Error implements port.Log.
func (l Log) Error(message string, fields ...port.Field) { l.zap.Error(message, typed(fields)...) }

func typed(fields []port.Field) []zap.Field {
	list := make([]zap.Field, len(fields))
	for i, f := range fields {
		switch v := f.Value.(type) {
		case string:
			list[i] = zap.String(f.Key, v)
		case bool:
			list[i] = zap.Bool(f.Key, v)
		case int:
			list[i] = zap.Int(f.Key, v)
		case int64:
			list[i] = zap.Int64(f.Key, v)
		case float64:
			list[i] = zap.Float64(f.Key, v)
		case time.Duration:
			list[i] = zap.Duration(f.Key, v)
		case time.Time:
			list[i] = zap.Time(f.Key, v)
		case error:
			list[i] = zap.String(f.Key, errorText(v)) // zap's own field of an error may be several, and objects
		case []string:
			list[i] = zap.Strings(f.Key, v)
		default:
			list[i] = zap.String(f.Key, fmt.Sprint(v))
		}
	}
	return list
}

// errorText is an error's text. A nil pointer in an error that is not nil panics in most methods Error: a failure must not be the
// end of the process that logs it.
func errorText(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("an error without a text (%T)", err)
		}
	}()
	return err.Error()
}

// NewZapTo returns a logger that writes JSON lines to a writer.
func NewZapTo(w io.Writer) *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoding()), zapcore.Lock(zapcore.AddSync(w)), zap.InfoLevel))
}

// ErrorLines returns a writer that makes of each text an error in a JSON line of a log.
func ErrorLines(w io.Writer) io.Writer { return errorLines{NewZapTo(w)} }

type errorLines struct{ log *zap.Logger }

// Write implements io.Writer.
func (e errorLines) Write(text []byte) (int, error) {
	e.log.Error("the command failed", zap.String("error", strings.TrimPrefix(strings.TrimSpace(string(text)), "error: ")))
	return len(text), nil
}
