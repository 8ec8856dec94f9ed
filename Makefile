# Balsong. Only Go and GNU make are needed for demo, test, build, layers and lint; `make help` lists everything.
# Settings come as variables: make test RUN=TestClaim PKG=./adapters/postgres/...

.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO ?= go
PKG ?= work
RUN ?=
TESTFLAGS ?=
ARGS ?=
FUZZTIME ?= 20s
BENCH ?= .
ROOT ?= .

ifeq ($(shell command -v $(GO) 2>/dev/null),)
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),help)),)
$(error Go 1.26 or later is needed and "$(GO)" was not found: see https://go.dev/dl, or set GO=/path/to/go)
endif
endif

# The result must not depend on the user's Go settings.
export GOWORK := $(CURDIR)/go.work
export GOFLAGS := -buildvcs=false
export GO111MODULE := on
export CGO_ENABLED := 0

# Go's own caches, or caches below .balsong where those cannot be written (no HOME, or a read-only one).
writable = $(shell d=$$($(GO) env $(1) 2>/dev/null); case "$$d" in (/*) mkdir -p "$$d" 2>/dev/null && [ -w "$$d" ] && echo yes ;; esac)
ifneq ($(MAKECMDGOALS),)
ifneq ($(call writable,GOCACHE),yes)
export GOCACHE := $(CURDIR)/.balsong/go-build
export GOLANGCI_LINT_CACHE := $(CURDIR)/.balsong/golangci-lint
endif
ifneq ($(call writable,GOMODCACHE),yes)
export GOPATH := $(CURDIR)/.balsong/go
export GOMODCACHE := $(GOPATH)/pkg/mod
export GOFLAGS := -buildvcs=false -modcacherw
endif
endif

# What `--version` of the commands says.
build := -ldflags '-X github.com/balsong/balsong/bootstrap/core.build=$(or $(shell git describe --always --dirty 2>/dev/null),unknown)'

# The modules of go.work, as ./domain ./application …
modules := $(shell awk '$$1 ~ /^\.\// { print $$1 }' go.work)
# The linters' and checks' own modules lie outside the workspace.
checks := .ci/tools/checks
with_components := bin/balsong-dev localenv --
# Images are reproducible with one version of Go alone, and so is what packs them.
images images-check: export GOTOOLCHAIN := go$(shell sed -n 's/^FROM golang:\([0-9.]*\)-.*/\1/p' deploy/Dockerfile)

##@ Use

.PHONY: demo
demo: bin/balsong-dev bin/balsong ## a month's bills of 7,043 customers, end to end, on embedded components (ARGS=… for balsong-dev demo)
	bin/balsong-dev demo $(ARGS)

.PHONY: build
build: ## all commands into ./bin: batch, dispatcher, delivery, balsong (operator), balsong-dev (developer)
	mkdir -p bin
	$(GO) build $(build) -o bin/ ./bootstrap/cmd/... ./bootstrap/devtools/cmd/...

.PHONY: bin/balsong-dev
bin/balsong-dev: # phony: Go's build cache decides what is to be built
	[ -x bin/balsong-dev ] || echo "compiling some 800 packages: the first time takes minutes"
	mkdir -p bin
	$(GO) build $(build) -o bin/balsong-dev ./bootstrap/devtools/cmd/balsong-dev

.PHONY: bin/balsong
bin/balsong:
	mkdir -p bin
	$(GO) build $(build) -o bin/balsong ./bootstrap/cmd/balsong

.PHONY: images
images: bin/balsong-dev ## OCI images of all four commands into bin/images, for amd64 and arm64, without Docker (ARGS=… for balsong-dev images)
	bin/balsong-dev images --go '$(GO)' $(ARGS)

##@ Test

.PHONY: test
test: bin/balsong-dev ## all tests against embedded PostgreSQL 18, Kafka and S3 (PKG=work RUN= TESTFLAGS=)
	$(with_components) $(GO) test $(if $(RUN),-run '$(RUN)') $(PKG) $(TESTFLAGS)
	@[ -n "$$(command -v chromium || command -v chromium-browser || command -v google-chrome)" ] || echo 'SKIPPED: no Chromium on this machine, so how the e-mail and the pages look was not tested (make browser installs it)' >&2

.PHONY: test-real
test-real: bin/balsong-dev ## tests against Apache Kafka (and query plans on a million rows), moto in place of AWS, DKIM by dkimpy, and installed PostgreSQL 15 or later (needs Java, Maven, Python, PgBouncer)
	GO='$(GO)' PACKAGES='$(if $(filter file,$(origin PKG)),,$(PKG))' .ci/test-real $(if $(RUN),-run '$(RUN)') $(TESTFLAGS)

.PHONY: images-check
images-check: bin/balsong-dev ## images built twice are the same; they start, answer, drain and refuse under runc (needs root or sudo; installs runc and umoci where it may)
	PATH="$$PATH:/usr/sbin" .ci/need runc=runc umoci=umoci
	PATH="$$PATH:/usr/sbin" $(with_components) env BALSONG_TEST_IMAGES=required $(GO) test -count=1 -p 1 $(if $(RUN),-run '$(RUN)') ./bootstrap/devtools/images/... ./bootstrap/devtools/e2e/imagetest/... $(TESTFLAGS)

.PHONY: browser
browser: ## how the bill and the pages look in Chromium, which it installs where it may (TESTFLAGS=-update writes docs/images)
	.ci/need chromium=chromium
	BALSONG_TEST_BROWSER=required $(GO) test $(if $(RUN),-run '$(RUN)') ./bootstrap/devtools/e2e/lookstest/... $(TESTFLAGS)

.PHONY: kill-test
kill-test: bin/balsong-dev ## kill -9 at eight points of the protocol, judged by a checker of its own (needs Java, Maven; ARGS=… for balsong-dev kill-test)
	.ci/need java=default-jre-headless mvn=maven
	bin/balsong-dev kill-test $(ARGS)

.PHONY: upgrade-test
upgrade-test: ## the services of the version before beside those of this one, under load, judged by the kill test's checker (needs Java, Maven; ARGS='COMMIT FLAGS…')
	.ci/need java=default-jre-headless mvn=maven
	GO='$(GO)' .ci/upgrade $(ARGS)

.PHONY: race
race: bin/balsong-dev ## tests of domain, application and adapters with the race detector (needs gcc; PKG= for others)
	.ci/need gcc=gcc,libc6-dev
	$(with_components) env CGO_ENABLED=1 $(GO) test -race $(if $(RUN),-run '$(RUN)') $(TESTFLAGS) $(if $(filter file,$(origin PKG)),$(addsuffix /...,$(filter-out ./bootstrap%,$(modules))),$(PKG))

.PHONY: fuzz
fuzz: ## every fuzz function for FUZZTIME, several side by side (20s; RUN= those whose name matches; nightly: FUZZTIME=10m)
	GO='$(GO)' .ci/fuzz $(FUZZTIME) '' '$(RUN)'

.PHONY: bench
bench: bin/balsong-dev ## every stage beside its baseline, in one table: half an hour on a quiet machine (ARGS=… for balsong-dev bench all)
	bin/balsong-dev bench all $(ARGS)

.PHONY: gobench
gobench: bin/balsong-dev ## Go benchmarks of packages (BENCH=expression PKG=work TESTFLAGS=)
	$(with_components) $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $(PKG) $(TESTFLAGS)

.PHONY: model
model: ## check the Spin model of the dispatch protocol: 161 runs, minutes on 2 cores (needs spin, gcc; installs them where it may)
	.ci/need spin=spin gcc=gcc,libc6-dev
	docs/model/run.sh quick

##@ Check

.PHONY: lint
lint: bin/golangci-lint ## golangci-lint (who may import whom, the clock, style) and gofumpt, once per module (the first run builds the linter: minutes)
	if git grep -nE '^(<{7}|>{7}) '; then echo 'a merge was not finished' >&2; exit 1; fi
	failed=; for module in $(modules); do \
	  [ -n "$$(find $$module -name '*.go' -print -quit)" ] || continue; \
	  echo "lint $$module"; (cd $$module && '$(CURDIR)/bin/golangci-lint' run ./...) || failed="$$failed $$module"; \
	done; \
	echo "lint $(checks)"; (cd $(checks) && GOWORK=off '$(CURDIR)/bin/golangci-lint' run ./...) || failed="$$failed $(checks)"; \
	[ -z "$$failed" ] || { echo "lint failed in:$$failed"; exit 1; }
	BALSONG_TEST_GOLANGCI_LINT='$(CURDIR)/bin/golangci-lint' GOWORK=off $(GO) -C $(checks) test ./lintrules

.PHONY: format
format: bin/golangci-lint ## gofumpt over every module
	for module in $(modules) $(checks); do (cd $$module && GOWORK=off '$(CURDIR)/bin/golangci-lint' fmt ./...); done

bin/golangci-lint: .ci/tools/go.mod .ci/tools/go.sum
	mkdir -p bin
	GOWORK=off $(GO) -C .ci/tools build -o '$(CURDIR)/bin/golangci-lint' github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: layers
layers: ## who reads the environment or writes outside a transaction, adapters that import each other, and words that are not used
	mkdir -p bin
	GOWORK=off $(GO) -C $(checks) vet ./...
	GOWORK=off $(GO) -C $(checks) test -count=1 ./... # they read files outside of their module, which Go does not cache by
	GOWORK=off $(GO) -C $(checks) build -o '$(CURDIR)/bin/layercheck' ./layercheck
	$(GO) vet -vettool='$(CURDIR)/bin/layercheck' work
	GOWORK=off $(GO) -C $(checks) build -o '$(CURDIR)/bin/wordcheck' ./wordcheck
	bin/wordcheck

.PHONY: binaries
binaries: bin/evidence ## what each binary links, against docs/architecture/binaries.md and the rules (UPDATE=1 writes the page)
	bin/evidence $(if $(UPDATE),-update,-check)

.PHONY: evidence
evidence: bin/evidence bin/balsong-dev ## each binary's modules and size, each package's imports and lines, the files of the three journeys (ROOT= of another checkout)
	bin/evidence -root '$(ROOT)'
	$(with_components) .ci/tools/checks/evidence/journeys.sh '$(ROOT)'

.PHONY: bin/evidence
bin/evidence:
	mkdir -p bin
	GOWORK=off $(GO) -C $(checks) build -o '$(CURDIR)/bin/evidence' ./evidence

.PHONY: docs
docs: bin/balsong-dev ## write the generated pages: architecture, event contract, configuration, metrics, bounces, what templates may use
	$(with_components) $(GO) test -count=1 -run 'Fresh' ./bootstrap/devtools/archdoc ./bootstrap/devtools/cost ./bootstrap/core ./adapters/gateway/bounce -update

.PHONY: docs-check
docs-check: ## every link leads somewhere, every diagram renders and is legible on a phone (needs chromium, npm)
	mkdir -p bin
	BALSONG_TEST_BROWSER=1 GOWORK=off $(GO) -C $(checks) test ./doccheck
	GOWORK=off $(GO) -C $(checks) build -o '$(CURDIR)/bin/doccheck' ./doccheck
	bin/doccheck -root . $(ARGS)

.PHONY: bounces-check
bounces-check: ## bounces that others gathered are read as their own tests expect, but for those that docs/operations/bounces.md lists (needs python3, apt-get)
	bounces="$$(.ci/bounces)"; BALSONG_TEST_BOUNCES="$$bounces" $(GO) test -count=1 -run Gathered ./adapters/gateway/bounce

.PHONY: alarms-check
alarms-check: ## the alarms' rules by promtool, CloudWatch's by replay, and that each has its runbook; the dashboards' queries (needs promtool, or apt-get to have it from)
	promtool=$$(.ci/promtool); BALSONG_TEST_PROMTOOL=$$promtool $(GO) test -count=1 ./bootstrap/devtools/alarmcheck

.PHONY: alarms
alarms: ## each alarm raised and cleared by breaking running services and their components (needs promtool, or apt-get to have it from)
	promtool=$$(.ci/promtool); BALSONG_TEST_PROMTOOL=$$promtool $(GO) test -count=1 -run Alarm ./bootstrap/devtools/e2e/faulttest

.PHONY: guide-check
guide-check: ## do what the guides say, word for word, on a copy of the repository (needs python3; ports 2424, 2525, 8025, 8026, 8090, 9464, 9465)
	.ci/need python3=python3
	mkdir -p bin
	GOWORK=off $(GO) -C $(checks) build -o '$(CURDIR)/bin/guidecheck' ./guidecheck
	bin/guidecheck -root . docs/guides/first-hour.md docs/guides/your-providers.md docs/operations/README.md docs/guides/add-a-provider.md docs/guides/add-a-channel.md

.PHONY: kubernetes-check
kubernetes-check: ## deploy/kubernetes against the programs and, by kubeconform, the schemas of Kubernetes and KEDA (needs python3)
	kubernetes="$$(.ci/python kubernetes-validate)"; \
	keda="$$(GOWORK=off $(GO) mod download -json github.com/kedacore/keda/v2@v2.21.0 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')"; \
	promtool="$$(.ci/promtool)"; \
	export BALSONG_TEST_PROMTOOL="$$promtool" BALSONG_TEST_KEDA="$$keda" BALSONG_TEST_KUBERNETES_SCHEMAS="$$(echo "$$kubernetes"/lib/python3*/site-packages/kubernetes_validate/kubernetes-json-schema)"; \
	GOWORK=off $(GO) -C $(checks) test -count=1 ./kubecheck

.PHONY: workflows-check
workflows-check: ## .github/workflows by actionlint, shellcheck and zizmor (installs shellcheck where it may; needs python3)
	.ci/need shellcheck=shellcheck
	zizmor="$$(.ci/python zizmor)"; BALSONG_TEST_ZIZMOR="$$zizmor/bin/zizmor" GOWORK=off $(GO) -C $(checks) test -count=1 ./workflows

.PHONY: migrations-check
migrations-check: ## migrations by squawk, each rule seen to fail, and that each notes itself (needs python3)
	squawk="$$(.ci/python squawk)"; BALSONG_TEST_SQUAWK="$$squawk/bin/squawk" GOWORK=off $(GO) -C $(checks) test -count=1 ./migrationcheck

.PHONY: deploy-check
deploy-check: kubernetes-check workflows-check alarms-check migrations-check bin/balsong-dev ## deploy/: templates of AWS by cfn-lint, checkov and our own rules, each seen to fail; scripts; manifests; the Dockerfile (needs python3, jq)
	.ci/need jq=jq curl=curl shellcheck=shellcheck psql=postgresql-client
	hadolint="$$(.ci/python hadolint)"; "$$hadolint/bin/hadolint" deploy/Dockerfile
	cfn="$$(.ci/python cfn-lint)"; checkov="$$(.ci/python checkov)"; aws="$$(.ci/python awscli)"; moto="$$(.ci/python moto)"; \
	"$$cfn/bin/cfn-lint" deploy/aws/*.yaml; \
	"$$checkov/bin/checkov" --framework cloudformation --skip-download --quiet --compact -d deploy/aws; \
	export BALSONG_TEST_CFN_LINT="$$cfn/bin/cfn-lint" BALSONG_TEST_CHECKOV="$$checkov/bin/checkov" BALSONG_TEST_AWS="$$aws/bin/aws" BALSONG_TEST_SHELLCHECK=shellcheck BALSONG_TEST_MOTO="$$moto/bin/moto_server"; \
	$(with_components) $(GO) test -count=1 -timeout 20m ./bootstrap/devtools/cloudformation/... ./bootstrap/devtools/deploycheck; \
	$(with_components) $(GO) test -count=1 -run OnAWS ./bootstrap/devtools/e2e/rotationtest; \
	$(with_components) $(GO) test -count=1 -timeout 20m -run FirstMonthOnAWSIsWalked ./bootstrap/devtools/command

.PHONY: isolated
isolated: ## each module alone (GOWORK=off): go.mod is tidy, it builds, vets, and its tests compile
	failed=; for module in $(modules); do \
	  echo "isolated $$module"; \
	  (cd $$module && export GOWORK=off && $(GO) mod tidy -diff && \
	    { [ -z "$$(find . -name '*.go' -print -quit)" ] || { $(GO) build ./... && $(GO) vet ./... && $(GO) test -run '^$$' ./... >/dev/null; }; }) || failed="$$failed $$module"; \
	done; \
	[ -z "$$failed" ] || { echo "isolated failed in:$$failed (a module that uses a sibling needs require v0.0.0 and replace, see CONTRIBUTING.md)"; exit 1; }

##@ Other

.PHONY: clean
clean: ## remove what make made: ./bin, ./.balsong, the model's work; not the demo's data, whose place the demo prints
	[ ! -d .balsong ] || chmod -R u+w .balsong
	rm -rf bin .balsong docs/model/work

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
