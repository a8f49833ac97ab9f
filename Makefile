# `make` lists what there is. `make demo` and `make test` need Go and nothing else; `.ci/run` runs all the checks.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
GO ?= go
export GOWORK := off

modules := . examples examples/otel tools tools/bench tools/consumer tools/contract tools/faults tools/lint tools/memory tools/oasdiff tools/plot tools/terminal
checked := . examples examples/otel tools/consumer tools/contract tools/faults tools/memory tools/plot tools/terminal
npm := tools/npm/node_modules/.package-lock.json
traffic := ./docspacetest ./wrapper ./offboard ./cmd/... github.com/docspace-go/userdata/examples/...
# What a check leaves behind, above all when it is interrupted, is in a directory of its own, which goes.
tidily := tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && trap 'exit 1' HUP INT TERM && export GOTMPDIR="$$tmp" TMPDIR="$$tmp" &&
contract := contract-facts contract-checks generate-check contract-wrapper contract-mock contract-api contract-docs contract-lint lint contract-traffic

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: ## Show it at work on a portal in memory
	@$(GO) run ./cmd/docspace-userdata demo

build: ## Build the tool into bin/
	$(GO) build -trimpath -o bin/docspace-userdata ./cmd/docspace-userdata

test: ## Run the tests of the library and of the examples
	$(GO) test ./...
	cd examples && $(GO) test ./...
	cd examples/otel && $(GO) test ./...

race: ## The same with the race detector, which needs a C compiler
	$(GO) test -race ./...
	cd examples && $(GO) test -race ./...
	cd examples/otel && $(GO) test -race ./...

cover: ## Measure how much of the hand-written code the tests reach
	$(GO) test -coverpkg=./... -coverprofile=coverage.out ./...
	@sed -i.orig '/\.gen\.go:/d' coverage.out && rm coverage.out.orig
	@$(GO) tool cover -func=coverage.out | tail -n 1

faults: ## Have everything go wrong, for every operation at every stage, and print what came out
	@cd tools/faults && $(GO) run .

consumer: ## Use the library as strangers get it, with this Go and older ones, and measure what the import costs
	@cd tools/consumer && $(GO) test . && $(GO) run .

terminal: ## Run the tool at a pseudo-terminal, and hold what it shows against tools/terminal/testdata
	cd tools/terminal && $(GO) test -count=1 -timeout=5m .

screens: ## Write those screens anew
	cd tools/terminal && $(GO) test -count=1 -timeout=5m . -update

picture: ## Record docs/bulk.svg from a real run at a pseudo-terminal
	cd tools/terminal && $(GO) run . ../../docs/bulk.svg

# By number, since Go may take the end of a span of time for a failure of the test.
FUZZTIME ?= 10000x
fuzz: ## Run every fuzz test for a while: FUZZTIME=10000x, or a span of time
	@for package in $$($(GO) list ./...); do \
		for f in $$($(GO) test $$package -list '^Fuzz' | grep '^Fuzz'); do \
			$(GO) test $$package -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x || exit 1; \
		done; \
	done

figures: ## Measure anew what the tables in docs/ say
	$(GO) test ./wrapper -run HowLate -update
	$(GO) test ./offboard -run Figures -update
	cd tools/plot && $(GO) run . ../../docs/bulk-figures.md >../../docs/bulk-growth.svg

figures-check: ## Measure bulk runs anew, up to 10,000 users, and compare with docs/bulk-figures.md and its plot
	$(GO) test -count=1 ./offboard -run Figures -full
	cd tools/plot && $(GO) test .

USERS ?= 1000
memory: build ## Measure the memory that the tool takes for USERS=1000, which is minutes of keeping to the limits
	@cd tools/memory && $(GO) run . -users $(USERS) "$(CURDIR)/bin/docspace-userdata"

# In turns and not one after the other, since what else a machine does comes and goes.
BENCHRUNS ?= 10
benchstat := $(GO) tool -modfile=tools/bench/go.mod benchstat
runbench := -test.run '^$$' -test.bench . -test.benchtime 0.1s

bench: ## Measure what calls cost with net/http alone, with the generated client, and with the wrapper
	@$(GO) test -c -o bin/bench.test ./wrapper && cd wrapper && \
	for run in $$(seq $(BENCHRUNS)); do ../bin/bench.test $(runbench) || exit 1; done >../bin/bench.txt
	@$(benchstat) -col /way -row /where,/call bin/bench.txt

bench-compare: ## Measure it in this tree and in BASE=ref, in turns, and compare
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && trap 'exit 1' HUP INT TERM && \
	[ -n '$(BASE)' ] || { echo 'bench-compare: say BASE=ref' >&2; exit 1; } && \
	git -c safe.directory='*' archive '$(BASE)' >"$$tmp/base.tar" && mkdir "$$tmp/base" && tar -xf "$$tmp/base.tar" -C "$$tmp/base" && \
	[ -e "$$tmp/base/wrapper/bench_test.go" ] || { echo 'bench-compare: $(BASE) has no benchmarks' >&2; exit 1; } && \
	$(GO) test -c -o "$$tmp/new.test" ./wrapper && (cd "$$tmp/base" && $(GO) test -c -o "$$tmp/old.test" ./wrapper) && \
	for run in $$(seq $(BENCHRUNS)); do \
		(cd "$$tmp/base/wrapper" && "$$tmp/old.test" $(runbench)) >>"$$tmp/old.txt" || exit 1; \
		(cd wrapper && "$$tmp/new.test" $(runbench)) >>"$$tmp/new.txt" || exit 1; \
	done; \
	$(benchstat) '$(BASE)'="$$tmp/old.txt" here="$$tmp/new.txt"

generate: ## Write the generated code anew from openapi.yaml
	$(GO) generate ./...

# In a scratch copy, so that the tree stays as it is, committed or not.
generate-check: ## Fail if generating, once or twice, changes anything
	@echo 'contract: openapi.yaml and the generated code'
	@$(tidily) mkdir "$$tmp/tree" && \
	tar -cf - --exclude=./.git --exclude=./bin --exclude=node_modules . | tar -xf - -C "$$tmp/tree" && \
	for run in first second; do \
		cp -R "$$tmp/tree" "$$tmp/before" && \
		(cd "$$tmp/tree" && $(GO) generate ./...) || { echo 'contract: FAIL: openapi.yaml: the generator fails' >&2; exit 1; }; \
		(cd "$$tmp" && diff -rq before tree) >"$$tmp/changed" || { \
			sed -n "s|^Files before/\(.*\) and tree/.* differ$$|contract: FAIL: \1: not what openapi.yaml gives in the $$run run of 'make generate'|p; \
				s|^Only in \([^:]*\): |contract: FAIL: generated or gone: \1/|p" "$$tmp/changed" >&2; exit 1; }; \
		rm -rf "$$tmp/before"; \
	done
	@echo 'contract: ok'

tidy-check: ## Fail if a go.mod or go.sum is not tidy, or a module is not what go.sum says
	@failed=0; for m in $(modules); do \
		echo "tidy-check: $$m"; (cd $$m && $(GO) mod tidy -diff && $(GO) mod verify) || failed=1; \
	done; exit $$failed

# All of them are run, whichever fails.
contract: ## Compare openapi.yaml with all that has to agree with it
	@$(tidily) failed=; for check in $(contract); do \
		$(MAKE) --no-print-directory $$check || failed="$$failed $$check"; \
	done; \
	[ -z "$$failed" ] || { echo "contract: FAILED:$$failed" >&2; exit 1; }
	@echo 'contract: all that has to agree does'

contract-facts: ## The documented facts and the contract
	@$(tidily) cd tools/contract && $(GO) test -json -count=1 . | $(GO) run ./report 'openapi.yaml and the documented facts'

contract-wrapper: ## The contract and the wrapper
	@$(tidily) cd tools/contract && $(GO) test -json -count=1 ./wrapped | $(GO) run ./report 'openapi.yaml and the wrapper'

# The tests of the tree, built so that whatever they send and answer is compared with the contract.
contract-traffic: ## The contract and what the tests send over the wire
	@$(tidily) GOWORK="$(CURDIR)/tools/contract/traffic/traffic.work" $(GO) test -json -count=1 -overlay tools/contract/traffic/overlay.json \
		$(traffic) | \
	(cd tools/contract && $(GO) run ./report 'openapi.yaml and the traffic of all tests')

contract-checks: ## That the checks themselves tell right from wrong
	@$(tidily) cd tools/contract && $(GO) test -json -count=1 -skip ExportedAPI \
		$$($(GO) list ./... | grep -v -e /mock$$ -e /wrapped$$ -e /docs$$ -e contract$$) | \
		$(GO) run ./report 'the checks themselves'

# SOUND=1 says that `make contract` has just passed.
contract-mutations: $(npm) bin/golangci-lint ## Break one thing after the other in scratch copies, and see the checks notice
	@$(tidily) cd tools/contract && $(GO) run ./mutation $(if $(SOUND),-sound) '$(ONLY)'

contract-mock: $(npm) ## The contract, the wrapper and an independent mock, which needs Node
	@$(tidily) cd tools/contract && $(GO) test -json -count=1 ./mock | $(GO) run ./report 'openapi.yaml, the wrapper and an independent mock'

contract-api: ## The exported Go API and its listing in testdata/api
	@$(tidily) cd tools/contract && $(GO) test -json -count=1 ./goapi -run ExportedAPI | $(GO) run ./report 'the exported Go API and its listing'

contract-docs: ## The pages of the project: links, names, tables and commands, which are run
	@$(tidily) cd tools/contract && $(GO) test -json -count=1 ./docs | $(GO) run ./report 'what the pages say'

# Built, since `go run` would make one exit code of all: 1 is a difference that is new, 2 that nothing could be compared.
contract-upstream: ## Compare with a contract that the vendor has published: SPEC=file or URL
	@cd tools/contract && $(GO) build -buildvcs=false -o "$(CURDIR)/bin/contract-upstream" ./upstream
	@bin/contract-upstream '$(SPEC)'

contract-diff: bin/diff ## What has changed in openapi.yaml since BASE=ref or file, or the last tag; fail on what breaks clients
	@exec bin/diff contract tools/oasdiff '$(BASE)'

api: ## Write the listing of the exported Go API anew
	@cd tools/contract && $(GO) test -count=1 ./goapi -run ExportedAPI -update

api-diff: bin/diff ## What has changed in the Go API since BASE=ref, or the last tag; fail on what breaks programs
	@exec bin/diff api '$(BASE)'

# Always run, as below. Go would ask git for the version, which fails in somebody else's clone.
bin/diff: always
	@cd tools/contract && $(GO) build -buildvcs=false -o "$(CURDIR)/bin/diff" ./diff

contract-lint: $(npm) ## The linter of the contract, which needs Node
	@echo 'contract: openapi.yaml and the rules of OpenAPI'
	@tools/npm/node_modules/.bin/spectral lint --fail-severity=hint --fail-on-unmatched-globs openapi.yaml

$(npm): tools/npm/package-lock.json tools/npm/package.json
	cd tools/npm && npm ci --ignore-scripts && touch node_modules/.package-lock.json

lint: bin/golangci-lint ## Lint the Go code, formatting included
	@failed=0; for m in $(checked); do \
		echo "lint: $$m"; (cd $$m && "$(CURDIR)/bin/golangci-lint" run ./...) || failed=1; \
	done; exit $$failed

fmt: bin/golangci-lint ## Format the Go code
	@for m in $(checked); do (cd $$m && "$(CURDIR)/bin/golangci-lint" fmt ./...) || exit 1; done

# Always run: Go knows whether anything is to do, and it is if the toolchain has changed.
bin/golangci-lint: always
	@cd tools/lint && GOBIN="$(CURDIR)/bin" $(GO) install tool

ci: ## All that has to pass, as continuous integration runs it
	.ci/run

clean: ## Remove what the targets have built
	rm -rf bin coverage.out tools/npm/node_modules

always:
.PHONY: always help demo build test race cover faults consumer terminal screens picture fuzz figures figures-check memory generate \
	generate-check tidy-check contract $(contract) contract-mutations contract-upstream contract-diff api api-diff fmt ci clean
