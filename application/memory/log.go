package memory

import (
	"slices"
	"sync"

	"github.com/balsong/balsong/application/port"
)

var _ port.Log = (*Log)(nil)

// Level is the level of a recorded line.
type Level string

// The levels.
const (
	LevelInfo  Level = "info"
	LevelWarn  Level = "warn"
	LevelError Level = "error"
)

// Line is a recorded line.
type Line struct {
	Level   Level
	Message string
	Fields  []port.Field
}

// Field returns the value of a field; nil where the line has none of that name.
func (l Line) Field(name string) any {
	for _, f := range l.Fields {
		if f.Key == name {
			return f.Value
		}
	}
	return nil
}

// Log records lines. The zero Log is ready to use.
type Log struct {
	mu    sync.Mutex
	lines []Line
}

// Info records a line.
func (l *Log) Info(message string, fields ...port.Field) { l.add(LevelInfo, message, fields) }

// Warn records a line.
func (l *Log) Warn(message string, fields ...port.Field) { l.add(LevelWarn, message, fields) }

// Error records a line.
func (l *Log) Error(message string, fields ...port.Field) { l.add(LevelError, message, fields) }

func (l *Log) add(level Level, message string, fields []port.Field) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, Line{Level: level, Message: message, Fields: slices.Clone(fields)})
}

// Lines returns what was recorded, oldest first.
func (l *Log) Lines() []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// Find returns the lines with a message, oldest first.
func (l *Log) Find(message string) []Line {
	return slices.DeleteFunc(l.Lines(), func(line Line) bool { return line.Message != message })
}
