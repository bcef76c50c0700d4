# Two commands matter: `make up` and `make test`. README.md says what they need.
NODE := node_modules/.bin/node -r ts-node/register/transpile-only
LOCAL := $(NODE) local/main.ts
TEST := $(NODE) test/run.ts

.PHONY: up down destroy verify preview env test test-argo test-sites test-slurm test-trust

up down destroy verify preview env: node_modules/.package-lock.json
	@$(LOCAL) $@

test: node_modules/.package-lock.json
	@$(TEST)

test-argo test-sites test-slurm test-trust: node_modules/.package-lock.json
	@$(TEST) $(@:test-%=%)

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error >&2
