package core

import (
	"runtime/debug"
	"testing"
)

func TestAVersionIsWhatTheBuildGaveOrTheCommit(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}}}
	if said := version(info); said != "0123456789ab (go1.26.8, with changes that are not committed)" {
		t.Error(said)
	}
	before := build
	t.Cleanup(func() { build = before })
	build = "1.2.0"
	if said := version(info); said != "1.2.0 (go1.26.8)" {
		t.Error(said)
	}
}
