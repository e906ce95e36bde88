# The verbs of this repository. Everything here also runs, with more around it, in .ci/run.
.DEFAULT_GOAL := build
.PHONY: build test check race bench fuzz fmt clean

build: ## the binary, in ./sheaf
	CGO_ENABLED=0 go build -trimpath -o sheaf ./cmd/sheaf

test: ## what a newcomer runs
	go test ./...

check: ## formatting, linters, vulnerabilities, generated files, races, short fuzzing
	.ci/run check race fuzz

race:
	.ci/run race

fuzz:
	.ci/run fuzz

bench: ## the Go benchmarks; results belong in docs/benchmarks.md
	go test -run='^$$' -bench=. -benchmem ./...

fmt: ## formats what is tracked
	cd tools && go build -o ../.ci/out/gofumpt mvdan.cc/gofumpt
	git ls-files '*.go' | xargs .ci/out/gofumpt -w

clean:
	rm -rf sheaf .ci/out
