# Everything a person needs: make try, make test. The rest is for developers.
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  = -s -w -X main.version=$(VERSION)

# The program is one static binary.
export CGO_ENABLED = 0

.PHONY: build try test tools bench soak clean

build:
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/daylight ./cmd/daylight
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/daylight-verify ./cmd/daylight-verify

# Intake, desk and archive on loopback, with the sample collection. Stop: Ctrl-C.
try: build
	bin/daylight try --data $(or $(DATA),try)

tools:
	scripts/test-tools

test: tools
	scripts/test

# Measures, with nothing that can fail because a machine is slow: the table of docs/performance.md.
bench:
	scripts/bench

# The long runs: a login oracle by the clock, all real documents, every fuzz test for ten minutes.
soak:
	scripts/soak

clean:
	rm -rf bin
