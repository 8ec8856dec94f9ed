// Package observe is what operators see of a running app: logs, metrics, health and readiness.
package observe

import (
	"errors"
	"fmt"
	"io"
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
	config.EncoderConfig.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	config.EncoderConfig.EncodeDuration = zapcore.StringDurationEncoder
	config.EncoderConfig.TimeKey = "time"
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
			list[i] = zap.NamedError(f.Key, v)
		case []string:
			list[i] = zap.Strings(f.Key, v)
		default:
			list[i] = zap.Any(f.Key, v)
		}
	}
	return list
}

// NewZapTo returns a logger that writes JSON lines to a writer.
func NewZapTo(w io.Writer) *zap.Logger {
	encoder := zap.NewProductionEncoderConfig()
	encoder.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoder.EncodeDuration = zapcore.StringDurationEncoder
	encoder.TimeKey = "time"
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoder), zapcore.Lock(zapcore.AddSync(w)), zap.InfoLevel))
}
