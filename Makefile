# README.md says what the targets need.
NODE := node_modules/.bin/node -r ts-node/register/transpile-only
LOCAL := $(NODE) local/main.ts
TEST := $(NODE) test/run.ts
BENCH := $(NODE) bench/main.ts

.PHONY: help up down destroy verify preview env docs bench bench-check test test-argo test-docs test-doctor test-package test-sites test-slurm test-trust test-website

help: ## This list
	@awk -F ': ## ' '/^[a-z-]+: ## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## The local cluster and the program on it, up to the checks: ENV, CONTROLLER, UNIQUE_NAMES
down: ## Removes the local cluster
destroy: ## Removes what the program deployed
verify: ## The checks from the HPC side again
preview: ## What up would do, with the policies
env: ## What a shell has to know to use the local cluster: eval "$(make -s env)"
docs: ## The documentation as a website, in site/dist
bench: ## Measures all ways to the API server side by side; written to docs/performance.md
bench-check: ## The way that is up against the API server itself, by ratios
test: ## Lint, types, unit tests, and every environment and controller on the local cluster
test-argo: ## Argo workflows on the virtual node; written to docs/argo.md
test-docs: ## The guides of docs/environments, run literally; written to docs/docs.md
test-doctor: ## The doctor and its script, with real faults; written to docs/doctor.md
test-package: ## A program in YAML that uses the components as a package; written to docs/package.md
test-sites: ## The local cluster as other sites have theirs: SITES; written to docs/sites.md
test-slurm: ## Pods as Slurm's jobs; written to docs/slurm.md
test-trust: ## What the way in withstands: PARTS; written to docs/trust.md
test-website: ## The website in a browser

up down destroy verify preview env: node_modules/.package-lock.json
	@$(LOCAL) $@

test: node_modules/.package-lock.json
	@$(TEST)

test-argo test-docs test-doctor test-package test-sites test-slurm test-trust test-website: node_modules/.package-lock.json
	@$(TEST) $(@:test-%=%)

docs: node_modules/.package-lock.json site/node_modules/.package-lock.json
	@node_modules/.bin/node site/node_modules/.bin/vitepress build site

bench bench-check: node_modules/.package-lock.json
	@$(BENCH) $@

node_modules/.package-lock.json: package.json package-lock.json
site/node_modules/.package-lock.json: site/package.json site/package-lock.json

node_modules/.package-lock.json site/node_modules/.package-lock.json:
	npm ci --prefix $(@D)/.. --no-audit --no-fund --loglevel=error >&2
