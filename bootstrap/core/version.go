package core

import (
	"fmt"
	"runtime/debug"
)

// build is the version that a release, an image or make gives: go build -ldflags='-X github.com/balsong/balsong/bootstrap/core.build=1.2.0'.
var build string

// Version says which build this is: its version or commit, and the Go that built it.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return version(info)
}

func version(info *debug.BuildInfo) string {
	if build != "" {
		return fmt.Sprintf("%s (%s)", build, info.GoVersion)
	}
	name, modified := info.Main.Version, ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && (name == "" || name == "(devel)"):
			name = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = ", with changes that are not committed"
		}
	}
	return fmt.Sprintf("%s (%s%s)", name, info.GoVersion, modified)
}
