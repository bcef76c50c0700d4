# Two commands matter: `make up` and `make test`. README.md says what they need.
LOCAL := node_modules/.bin/node -r ts-node/register/transpile-only local/main.ts

.PHONY: up down destroy verify preview env test

up down destroy verify preview env: node_modules/.package-lock.json
	@$(LOCAL) $@

test: node_modules/.package-lock.json
	@node_modules/.bin/node -r ts-node/register/transpile-only test/run.ts

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error >&2
