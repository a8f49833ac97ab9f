# `make` lists what there is. `make demo` and `make test` need Go and nothing else; `.ci/run` runs all the checks.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
GO ?= go
export GOWORK := off

modules := . examples tools tools/contract tools/lint
checked := . examples tools/contract
spectral := tools/npm/node_modules/.package-lock.json

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: ## Show it at work on a portal in memory
	@$(GO) run ./cmd/docspace-userdata demo

build: ## Build the tool into bin/
	$(GO) build -trimpath -o bin/docspace-userdata ./cmd/docspace-userdata

test: ## Run the tests of the library and of the examples
	$(GO) test ./...
	cd examples && $(GO) test ./...

race: ## The same with the race detector, which needs a C compiler
	$(GO) test -race ./...
	cd examples && $(GO) test -race ./...

cover: ## Measure how much of the hand-written code the tests reach
	$(GO) test -coverpkg=./... -coverprofile=coverage.out ./...
	@sed -i.orig '/\.gen\.go:/d' coverage.out && rm coverage.out.orig
	@$(GO) tool cover -func=coverage.out | tail -n 1

figures: ## Measure anew what the tables in docs/ say
	$(GO) test ./wrapper -run HowLate -update
	$(GO) test ./offboard -run Figures -update

generate: ## Write the generated code anew from openapi.yaml
	$(GO) generate ./...

# In a scratch copy, so that the tree stays as it is, committed or not.
generate-check: ## Fail if generating, once or twice, changes anything
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && trap 'exit 1' HUP INT TERM && \
	mkdir "$$tmp/tree" && \
	tar -cf - --exclude=./.git --exclude=./bin --exclude=node_modules . | tar -xf - -C "$$tmp/tree" && \
	for run in first second; do \
		cp -R "$$tmp/tree" "$$tmp/before" && \
		(cd "$$tmp/tree" && $(GO) generate ./...) && \
		(cd "$$tmp" && diff -r before tree) || { \
			echo "generate-check: the $$run run of 'make generate' changes the files above, or fails" >&2; exit 1; }; \
		rm -rf "$$tmp/before"; \
	done
	@echo "generate-check: ok"

tidy-check: ## Fail if a go.mod or go.sum is not tidy, or a module is not what go.sum says
	@failed=0; for m in $(modules); do \
		echo "tidy-check: $$m"; (cd $$m && $(GO) mod tidy -diff && $(GO) mod verify) || failed=1; \
	done; exit $$failed

contract: contract-facts contract-lint ## Compare the contract with all that has to agree with it, and lint it

contract-facts: ## Only the comparison
	cd tools/contract && $(GO) test -count=1 ./...

contract-lint: $(spectral) ## Only the linter, which needs Node
	tools/npm/node_modules/.bin/spectral lint --fail-severity=hint --fail-on-unmatched-globs openapi.yaml

$(spectral): tools/npm/package-lock.json tools/npm/package.json
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
.PHONY: always help demo build test race cover figures generate generate-check tidy-check contract contract-facts contract-lint \
	lint fmt ci clean
