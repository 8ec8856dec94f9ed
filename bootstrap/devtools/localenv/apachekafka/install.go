package apachekafka

import (
	"bytes"
	"context"
	_ "embed" // the list of jars
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"syscall"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/cachedir"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// Version of Apache Kafka, as in pom.xml.
const Version = "4.1.0"

// How to get what may be missing on this machine.
const installHint = "install it, for example with: apt-get install default-jre-headless maven"

var (
	// ErrNoJava says that there is no Java runtime to run the broker.
	ErrNoJava = errors.New("the Apache Kafka broker needs Java 17 or later, and there is no java: " + installHint)
	// ErrNoMaven says that there is no Maven to fetch the broker, which is needed
	// once.
	ErrNoMaven = errors.New("the Apache Kafka broker is fetched with Maven once, and there is no mvn: " + installHint)
)

//go:embed pom.xml
var pom []byte

// Available tells whether a broker can run here: nil, ErrNoJava or ErrNoMaven.
// Tests ask it before they skip on a laptop.
func Available(cacheDir string) error {
	if _, err := javaProgram(); err != nil {
		return err
	}
	if cachedir.Installed(jarDirectory(cacheDir), brokerJar) {
		return nil
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		return ErrNoMaven
	}
	return nil
}

func javaProgram() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		if program, err := exec.LookPath(filepath.Join(home, "bin", "java")); err == nil {
			return program, nil
		}
	}
	program, err := exec.LookPath("java")
	if err != nil {
		return "", ErrNoJava
	}
	return program, nil
}

func jarDirectory(cacheDir string) string {
	return filepath.Join(cacheDir, "apache-kafka", Version+"-tools") // a name of its own: older versions of this have fewer jars in the other one
}

// Jars returns the directory of the broker's jars, which hold its command-line tools too, fetching them if they are missing.
func Jars(ctx context.Context, cacheDir string) (string, error) { return install(ctx, cacheDir) }

// brokerJar matches the jar of the broker itself.
const brokerJar = "kafka_*.jar"

// install returns the directory of the broker's jars, fetching them if they
// are not there.
func install(ctx context.Context, cacheDir string) (string, error) {
	jars := jarDirectory(cacheDir)
	err := cachedir.Install(ctx, jars, brokerJar, func(work string) (string, error) { return "lib", fetch(ctx, work) })
	if err != nil {
		return "", fmt.Errorf("fetch Apache Kafka %s (needs the network once): %w", Version, err)
	}
	return jars, nil
}

func fetch(ctx context.Context, work string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return ErrNoMaven
	}
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), pom, 0o644); err != nil {
		return err
	}
	arguments := []string{"-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"}
	if !canKeepMavenRepository() {
		arguments = append(arguments, "-Dmaven.repo.local="+filepath.Join(work, "repository"))
	}
	return runToEnd(ctx, work, mvn, arguments...)
}

// canKeepMavenRepository tells whether Maven can write its own cache, which it
// has in the home that the user database names, whatever HOME says.
func canKeepMavenRepository() bool {
	me, err := user.Current()
	if err != nil {
		return false
	}
	return os.MkdirAll(filepath.Join(me.HomeDir, ".m2", "repository"), 0o755) == nil
}

// runToEnd runs a program to its end; its output is the error's text.
func runToEnd(ctx context.Context, dir, program string, arguments ...string) error {
	var out bytes.Buffer
	cmd := exec.Command(program, arguments...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command, err := child.Spawn(cmd, syscall.SIGKILL)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		// The whole group: mvn is a script that starts Java.
		_ = syscall.Kill(-command.PID(), syscall.SIGKILL)
		<-command.Done()
		return ctx.Err()
	case <-command.Done():
	}
	if command.Err() != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(program), command.Err(), bytes.TrimSpace(out.Bytes()))
	}
	return nil
}
