# The one entry of the project. Each target installs the tools it needs, so all of them work in a fresh clone.
# `make` alone lists the targets of one word; those with a hyphen are their parts.
export PYTHONUNBUFFERED := 1
# Bytecode is kept: without it, each process that a test starts compiles every package again.
unexport PYTHONDONTWRITEBYTECODE

HOST ?= 127.0.0.1
PORT ?= 8000
IMAGE ?= todo-backend:latest
# The section of samconfig.toml that `make deploy` uses.
CONFIG_ENV ?= dev
export CONFIG_ENV
ARCHITECTURE ?= $(shell tools/architecture.sh)
CHROMIUM ?= $(firstword $(shell command -v chromium chromium-browser google-chrome))
# The parts of `make test` and `make bench` that run. Not read from the environment, where SUITE may mean something else.
SUITE = main
WHICH = requests

BIN := .venv/bin
SAM := SAM_CLI_TELEMETRY=0 .tools/aws/bin/sam
# An installed kubectl has precedence.
KUBECTL := PATH="$$PATH:$(CURDIR)/.tools/helm/bin" kubectl
# tests/conftest.py decides the order: the longest tests start first.
IN_PARALLEL := --numprocesses 3 --dist loadscope --no-loadscope-reorder
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.13 \
	--generate-hashes --no-emit-index-url --no-emit-package todo-core --no-emit-package todo-assistant \
	--no-emit-package todo-delivery $(UPGRADE)
# python-jose imports it for RSA signatures only. The service uses HMAC.
UNUSED := --no-emit-package rsa
# Leaves out the packages that the core layer contains.
ON_CORE = $(COMPILE) $(UNUSED) --constraint locks/service.txt \
	$$(sed -nE 's/^([a-z0-9-]+)==.*/--no-emit-package \1/p' locks/layer-core.txt)

.DEFAULT_GOAL := help

.PHONY: help
help:
	@sed -nE 's/^([a-z]+):.* ## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

LAYERS := core assistant delivery
.venv/ready: tools/environment.sh locks/dev.txt pyproject.toml $(LAYERS:%=layers/%/pyproject.toml)
	@tools/environment.sh .venv locks/dev.txt $(LAYERS:%=--editable layers/%) --editable .

.tools/%/ready: locks/%.txt tools/environment.sh
	@tools/environment.sh .tools/$* $<

.tools/prometheus/ready: tools/prometheus.sh
	@tools/prometheus.sh .tools/prometheus

.tools/helm/bin/helm: .tools/helm/ready tools/helm.py
	@.tools/helm/bin/python tools/helm.py

.PHONY: run
run: .venv/ready ## serve the API at HOST and PORT, on DATABASE_URL or an embedded PostgreSQL
	@HOST=$(HOST) PORT=$(PORT) exec $(BIN)/python -m functions

# The chart contains the scripts, because Helm packages no file outside of a chart. docs/backups.md describes them.
SCRIPTS := k8s/todo-web-app/files
.PHONY: backup
backup: .venv/ready # write a backup into backups/ and keep the newest 14
	@$(BIN)/python tools/with_database.py $(SCRIPTS)/backup.sh backups 14

.PHONY: restore
restore: .venv/ready # replace all data by the backup FILE; DATABASE confirms the name of the database
	@$(BIN)/python tools/with_database.py $(SCRIPTS)/restore.sh $(or $(FILE),backups) $(DATABASE)

.PHONY: test
test: test-$(SUITE) ## run the tests on a real PostgreSQL (SUITE=list shows other suites, ARGS go to pytest)

.PHONY: test-list
test-list:
	@sed -nE 's/^test-([a-z-]+):.* # (.*)/  make test SUITE=\1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

test-%:
	@{ echo "The suite $* is unknown. These exist:"; $(MAKE) --silent --no-print-directory test-list; } >&2; exit 1

.PHONY: test-main
test-main: .venv/ready .tools/aws/ready .tools/checkov/ready .tools/chart/ready .tools/helm/bin/helm # all rules, in process and in Lambda's emulator (the default)
	$(BIN)/python -m pytest $(IN_PARALLEL) --surface app --surface emulator --one-example \
		--ignore tests/processes --ignore tests/deploy tests $(ARGS)

.PHONY: test-coverage coverage
coverage: test-coverage
test-coverage: .venv/ready # statement and branch coverage of the tests in process, the first example of each rule; fails below 95%
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest $(IN_PARALLEL) --surface app --one-example=all -m "not cpu_time" --ignore tests/surfaces/adversarial \
		tests/surfaces tests/assistant tests/functions tests/core $(ARGS)
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

.PHONY: test-processes
test-processes: .venv/ready # server processes: start, requests, stop, crash and recovery
	$(BIN)/python -m pytest $(IN_PARALLEL) --surface uvicorn --one-example \
		--ignore tests/processes/test_previous_release.py tests/processes tests/surfaces $(ARGS)

.PHONY: test-upgrade
test-upgrade: .venv/ready # the code of the newest release on the schema of today
	$(BIN)/python -m pytest tests/processes/test_previous_release.py $(ARGS)

.PHONY: test-deploy
test-deploy: .venv/ready .tools/aws/ready .tools/prometheus/ready # the artifacts of `make build`, Lambda's failures in its emulator, alerts
	$(BIN)/python -m pytest $(IN_PARALLEL) -m "not lint" tests/deploy $(ARGS)

.PHONY: test-surfaces
test-surfaces: .venv/ready .tools/aws/ready # all examples of all rules, on uvicorn, by the Lambda handlers and in the emulator
	$(BIN)/python -m pytest $(IN_PARALLEL) --surface uvicorn --surface lambda --surface emulator tests/surfaces $(ARGS)

.PHONY: test-schema
test-schema: .venv/ready # the OpenAPI document, with 2,500 requests that Schemathesis generates instead of 300
	SCHEMATHESIS_EXAMPLES=$${SCHEMATHESIS_EXAMPLES:-8} $(BIN)/python -m pytest tests/test_schemathesis.py $(ARGS)

.PHONY: test-fuzz
test-fuzz: .venv/ready # 20,000 raw requests of any bytes, and 20,000 stateful requests that Schemathesis generates
	RAW_REQUESTS=$${RAW_REQUESTS:-20000} SCHEMATHESIS_EXAMPLES=$${SCHEMATHESIS_EXAMPLES:-360} \
		$(BIN)/python -m pytest --capture=no tests/processes/test_raw_requests.py tests/test_schemathesis.py $(ARGS)

.PHONY: test-sync
test-sync: .venv/ready # 10,000 histories of three clients that work offline (SYNC_HISTORIES)
	SYNC_HISTORIES=$${SYNC_HISTORIES:-10000} $(BIN)/python -m pytest tests/stateful/test_sync.py $(ARGS)

.PHONY: test-live
test-live: .venv/ready .tools/aws/ready # 1,000 changes by stream and by long poll, and 100,000 through restarts of service and database
	LIVE_PROPAGATIONS=$${LIVE_PROPAGATIONS:-1000} LIVE_CHANGES=$${LIVE_CHANGES:-100000} LIVE_POLLS=$${LIVE_POLLS:-1000} \
		$(BIN)/python -m pytest --surface emulator tests/processes/test_streams.py tests/surfaces/test_changes_wait.py $(ARGS)

.PHONY: test-neon
test-neon: .venv/ready # through a connection pooler: DATABASE_URL (pooled) and DATABASE_URL_UNPOOLED (direct)
	$(BIN)/python -m pytest $(IN_PARALLEL) --pooler -m pooler --surface app --surface uvicorn tests $(ARGS)

.PHONY: test-sam
test-sam: require-docker-engine .venv/ready # in `sam local start-api` (DOCKER_HOST, DATABASE_URL; docs/deploy-aws.md)
	@: $${DATABASE_URL:?Set DATABASE_URL to a PostgreSQL server that containers can reach and where databases may be created.}
	TEST_DATABASE_URL="$${TEST_DATABASE_URL:-$$DATABASE_URL}" SAM_DATABASE_URL="$$DATABASE_URL" \
		$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --surface sam tests/surfaces $(ARGS)

.PHONY: test-chart
test-chart: .venv/ready .tools/checkov/ready .tools/chart/ready .tools/helm/bin/helm # the rendered Helm chart, and its linters
	$(BIN)/python -m pytest $(IN_PARALLEL) tests/chart $(ARGS)

.PHONY: test-cluster
test-cluster: require-cluster image .venv/ready # the chart in a Kubernetes cluster (KUBECONFIG, DOCKER_HOST; docs/deploy-kubernetes.md)
	@# Other clusters use the images of the Docker engine.
	@if [ "$$($(KUBECTL) config current-context)" = minikube ]; then minikube image load $(IMAGE); fi
	PATH="$$PATH:$(CURDIR)/.tools/helm/bin" \
		$(BIN)/python -m pytest --surface cluster --image $(IMAGE) tests/cluster tests/surfaces $(ARGS)

.PHONY: test-container
test-container: image .venv/ready # the container image: its content, start, stop, compose.yaml, all rules
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --image $(IMAGE) --surface container \
		tests/container tests/surfaces $(ARGS)

.PHONY: test-faults
test-faults: .venv/ready # nothing acknowledged is lost while database, service and network fail (10 minutes; FAULT_MINUTES)
	$(BIN)/python -m pytest --faults --capture=no tests/faults $(ARGS)

.PHONY: test-reminders
test-reminders: .venv/ready # 100,000 reminders within an hour, while processes and the database fail (REMINDERS, REMINDER_SECONDS)
	REMINDERS=$${REMINDERS:-100000} REMINDER_SECONDS=$${REMINDER_SECONDS:-3600} \
		$(BIN)/python -m pytest --capture=no tests/processes/test_reminders.py $(ARGS)
# npm reads a lock, which has versions and hashes, but no addresses of a registry.
tests/javascript/node_modules tests/javascript/chat/node_modules tests/javascript/mcp/node_modules tests/javascript/clients/node_modules tools/javascript/node_modules: %/node_modules: %/package-lock.json
	@# Not by --prefix, with which npm reads no global configuration.
	cd $* && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries 1
	@touch $@

.PHONY: test-webhooks
test-webhooks: require-node .venv/ready tests/javascript/node_modules # a receiver of webhooks in JavaScript verifies every signature (needs node and npm)
	$(BIN)/python -m pytest --javascript tests/javascript $(ARGS)

.PHONY: test-mcp
test-mcp: require-node .venv/ready .tools/aws/ready tests/javascript/mcp/node_modules # clients of MCP and its conformance suite (needs node and npm); ARGS="--surface container --image $(IMAGE)" for a container
	$(BIN)/python -m pytest --javascript tests/mcp $(ARGS)

.PHONY: test-browser
test-browser: require-chromium require-chromedriver .venv/ready .tools/browser/ready # a front end in Chromium (CHROMIUM), on the same site and on another
	@# Selenium is added to the packages of the tests. Its lock uses the same versions.
	PYTHONPATH=.tools/browser/lib/python3.13/site-packages \
		$(BIN)/python -m pytest --browser $(CHROMIUM) tests/browser $(ARGS)

.PHONY: test-page
test-page: require-chromium require-node .venv/ready .tools/page/ready .tools/aws/ready tests/javascript/node_modules # the page in Chromium (CHROMIUM), from a process and Lambda's emulator; ARGS="--image $(IMAGE)" for a container
	@# Playwright is added to the packages of the tests. Its lock uses the same versions.
	PYTHONPATH=.tools/page/lib/python3.13/site-packages \
		$(BIN)/python -m pytest --browser $(CHROMIUM) tests/page $(ARGS)

.PHONY: test-front-ends
test-front-ends: require-chromium require-node .venv/ready .tools/page/ready .tools/aws/ready tests/javascript/chat/node_modules # useChat and AG-UI in Chromium (CHROMIUM), by the examples of docs/front-ends.md
	PYTHONPATH=.tools/page/lib/python3.13/site-packages \
		$(BIN)/python -m pytest --browser $(CHROMIUM) tests/front_ends $(ARGS)

.PHONY: test-oauth
test-oauth: require-chromium .venv/ready .tools/page/ready .tools/aws/ready # the MCP SDK's own OAuth client connects by URL, with sign-in and consent in Chromium; ARGS="--surface container --image $(IMAGE)" for a container
	PYTHONPATH=.tools/page/lib/python3.13/site-packages \
		$(BIN)/python -m pytest --browser $(CHROMIUM) tests/oauth $(ARGS)

.PHONY: test-clients
test-clients: require-node require-java .venv/ready .tools/clients/ready tests/javascript/clients/node_modules # clients that six generators make from the OpenAPI document (needs node, npm and java)
	$(BIN)/python -m pytest --javascript tests/clients $(ARGS)

.PHONY: screenshots
screenshots: require-chromium .venv/ready .tools/page/ready ## take pictures of the page: .screenshots, and docs/pictures for the README
	PYTHONPATH=.tools/page/lib/python3.13/site-packages \
		$(BIN)/python -m pytest --quiet --browser $(CHROMIUM) tests/page/screenshots.py $(ARGS)

.PHONY: check
check: .venv/ready .tools/aws/ready .tools/checkov/ready ## check format, lint, types, imports, plain words, secrets, licences, the image and SAM
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy benchmarks tools migrations k8s
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/plain_words.py functions layers tests migrations tools benchmarks k8s
	$(BIN)/python tools/secrets_scan.py
	@if ! { command -v node && command -v npm; } >/dev/null; then echo "Node.js was not found: the types of the page and the OpenAPI document are not checked."; \
		elif ! $(MAKE) --no-print-directory tools/javascript/node_modules; then echo "npm failed: the types of the page and the OpenAPI document are not checked."; \
		else $(MAKE) --no-print-directory check-page check-document; fi
	@tools/sbom.sh $(BIN)/python .venv/sbom.cdx.json .venv/lib/python3.13/site-packages
	$(BIN)/python tools/licences.py .venv/sbom.cdx.json locks/service.txt
	$(BIN)/python -m pytest --quiet -m lint tests/deploy

NPM_BIN := tools/javascript/node_modules/.bin
.PHONY: check-page
check-page: require-node .venv/ready page-types # types of the page's JavaScript (needs node and npm)
	$(NPM_BIN)/tsc --project functions/web
	$(NPM_BIN)/tsc --project functions/web/tsconfig.worker.json
	@rm -rf .page && cp -R functions/web/page .page && $(BIN)/python -m functions.web.build .page
	node tools/javascript/same_code.mjs functions/web/page .page

.PHONY: check-document
check-document: require-node tools/javascript/node_modules # the OpenAPI document by Redocly and Spectral (needs node and npm)
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true $(NPM_BIN)/redocly lint --format stylish --extends recommended functions/meta/openapi.json
	$(NPM_BIN)/spectral lint --ruleset tools/javascript/spectral.yaml --fail-severity hint functions/meta/openapi.json

.PHONY: page-types
page-types: functions/web/page/api/types.d.ts # types of the API for the page's JavaScript, from the OpenAPI document
functions/web/page/api/types.d.ts: functions/meta/openapi.json tools/javascript/node_modules
	$(NPM_BIN)/openapi-typescript $< --output $@

.PHONY: page-vendor
page-vendor: require-node .venv/ready tools/javascript/node_modules # copy the libraries of the page into it, at the versions of tools/javascript/package.json
	$(BIN)/python tools/vendor_page.py

.PHONY: format
format: .venv/ready ## format the code and apply the linter's fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lock
lock: .venv/ready ## write locks/ from the pyproject.toml files (UPGRADE=--upgrade for newer versions)
	$(COMPILE) pyproject.toml -o locks/service.txt
	$(COMPILE) pyproject.toml --group dev -o locks/dev.txt
	$(COMPILE) --group build --constraint locks/dev.txt -o locks/build.txt
	$(COMPILE) --group uv --constraint locks/dev.txt -o locks/uv.txt
	$(COMPILE) --group aws -o locks/aws.txt
	$(COMPILE) --group checkov -o locks/checkov.txt
	$(COMPILE) --group chart -o locks/chart.txt
	$(COMPILE) --no-deps --group helm -o locks/helm.txt
	$(COMPILE) --group browser --constraint locks/dev.txt -o locks/browser.txt
	$(COMPILE) --group clients -o locks/clients.txt
	$(COMPILE) --group page --constraint locks/dev.txt -o locks/page.txt
	$(COMPILE) --group bench --constraint locks/dev.txt -o locks/bench.txt
	@# Packages of the Lambda layers, at the versions of locks/service.txt.
	$(COMPILE) layers/core/pyproject.toml --constraint locks/service.txt $(UNUSED) -o locks/layer-core.txt
	$(ON_CORE) layers/assistant/pyproject.toml -o locks/layer-assistant.txt
	$(ON_CORE) layers/delivery/pyproject.toml -o locks/layer-delivery.txt
	echo alembic | $(ON_CORE) - -o locks/layer-migration.txt

.PHONY: openapi
openapi: .venv/ready ## write functions/meta/openapi.json from the routes
	$(BIN)/python tools/openapi.py

.PHONY: bench
bench: bench-$(WHICH) ## measure WHICH=requests (the default), pair, scale, memory, export, cold, warm, logins, fairness, overload, live, size or eval

bench-%:
	@echo "The benchmark $* is unknown. WHICH is requests, pair, scale, memory, export, cold, warm, logins, fairness, overload, live, size or eval." >&2; exit 1

# CPU time and latency of this service, and of other ways to build it, in one run. PLOT names a file for a picture.
.PHONY: bench-requests
bench-requests: .venv/ready .tools/bench/ready
	PLOT=$(PLOT) $(BIN)/python benchmarks/run.py

# CPU time and time of requests beside those of the commit BEFORE, in one run.
.PHONY: bench-pair
bench-pair: .venv/ready
	BEFORE=$(BEFORE) $(BIN)/python benchmarks/pair.py

# Buffers that lists read with 1,000,000 todos and with 1,000.
.PHONY: bench-scale
bench-scale: .venv/ready
	PYTHONPATH=. $(BIN)/python benchmarks/scale.py

# Memory of one process while clients try to fill it (STAGES, SHARE).
.PHONY: bench-memory
bench-memory: .venv/ready
	PYTHONPATH=. $(BIN)/python benchmarks/memory.py

# Latency of one user's lists beside a hostile user with 20 connections of each kind of expensive request.
.PHONY: bench-fairness
bench-fairness: .venv/ready
	$(BIN)/python benchmarks/fairness.py

# Latency of lists at half of the capacity and at ten times it, with 1,000 connections.
.PHONY: bench-overload
bench-overload: .venv/ready
	$(BIN)/python benchmarks/overload.py

# Delays, memory and connections of streams of changes, and the cost of polls (CHANGES).
.PHONY: bench-live
bench-live: .venv/ready
	PYTHONPATH=. $(BIN)/python benchmarks/live.py

# Requests per second of one process, CPU time per request, and memory.
.PHONY: bench-size
bench-size: .venv/ready
	$(BIN)/python benchmarks/size.py

# Time of an import, of reading all changes, and of an export of 100,000 todos.
.PHONY: bench-export
bench-export: .venv/ready
	PYTHONPATH=. $(BIN)/python benchmarks/exports.py

# Cold starts of the Lambda functions and of an empty function, and the time of each step.
.PHONY: bench-cold
bench-cold: .venv/ready .tools/aws/ready
	PYTHONPATH=. $(BIN)/python benchmarks/cold.py

# A warm invocation of a list on Lambda, beside that of a bare function.
.PHONY: bench-warm
bench-warm: .venv/ready .tools/aws/ready
	PYTHONPATH=. $(BIN)/python benchmarks/warm.py

# Times of failed logins, and of other answers that must not tell it, with and without an account.
.PHONY: bench-logins
bench-logins: .venv/ready
	$(BIN)/python benchmarks/login_times.py
	PYTHONPATH=. $(BIN)/python benchmarks/existence_times.py

# Tasks of the assistant, with the commands or the model of OPENAI_* (RUNS, TASKS, LIMIT, SECONDS, MINUTES).
.PHONY: bench-eval eval
eval: bench-eval
bench-eval: .venv/ready
	PYTHONPATH=benchmarks $(BIN)/python -m evals

.PHONY: build
build: .venv/ready .tools/aws/ready ## build the Lambda functions and layers for ARCHITECTURE (arm64 or x86_64)
	ARCHITECTURE=$(ARCHITECTURE) $(SAM) build --parameter-overrides Architecture=$(ARCHITECTURE)
	@$(BIN)/python tools/lambda_sizes.py .aws-sam/build
	@tools/sbom.sh $(BIN)/python .aws-sam/build/sbom.cdx.json .aws-sam/build/*Layer/python
	@$(BIN)/python tools/licences.py .aws-sam/build/sbom.cdx.json >/dev/null && echo "Packages and licences are listed in .aws-sam/build/sbom.cdx.json."

.PHONY: image
image: require-docker ## build the container image IMAGE (docs/deploy-container.md)
	@# The URL of the repository may contain a password.
	docker build --tag $(IMAGE) --build-arg REVISION=$$(git rev-parse HEAD) \
		--build-arg SOURCE=$$(git remote get-url origin 2>/dev/null | sed 's|//[^/]*@|//|') \
		--build-arg CREATED=$$(date -u +%Y-%m-%dT%H:%M:%SZ) .
	@docker build --quiet --target sbom --output .image . >/dev/null && echo "Packages and licences are listed in .image/sbom.cdx.json."

.PHONY: deploy
deploy: require-parameters require-aws-credentials build ## deploy to AWS: the stack CONFIG_ENV, dev or prod (docs/deploy-aws.md)
	$(SAM) deploy --config-env $(CONFIG_ENV) $(if $(STACK),--stack-name $(STACK))

.PHONY: require-parameters
require-parameters: .venv/ready
	@grep -q '^\[$(CONFIG_ENV)\.deploy\.' samconfig.toml || \
		{ echo "samconfig.toml has no section $(CONFIG_ENV).deploy. CONFIG_ENV is dev or prod." >&2; exit 1; }
	@test "$(ARCHITECTURE)" = "$$(tools/architecture.sh)" || { echo "The architecture of a deployment is a parameter:" \
		"write \"Architecture: $(ARCHITECTURE)\" into parameters.$(CONFIG_ENV).yaml." >&2; exit 1; }
	@$(BIN)/python tools/deploy_parameters.py $(CONFIG_ENV)

.PHONY: require-cluster
require-cluster: .tools/helm/bin/helm
	@$(KUBECTL) get --raw /readyz >/dev/null || \
		{ echo "No cluster answers. Start one, or set KUBECONFIG to the file that names it." >&2; exit 1; }

# For tools that use the engine without its command-line client.
.PHONY: require-docker-engine
require-docker-engine: .tools/aws/ready
	@.tools/aws/bin/python -c 'import docker; docker.from_env().ping()' 2>/dev/null || \
		{ echo "No Docker engine answers. Start one, or set DOCKER_HOST to its address." >&2; exit 1; }

.PHONY: require-docker
require-docker:
	@command -v docker >/dev/null || \
		{ echo "The Docker client was not found. Install Docker with its plugins buildx and compose." >&2; exit 1; }
	@docker version >/dev/null 2>&1 || \
		{ echo "No Docker engine answers. Start one, or set DOCKER_HOST to its address." >&2; exit 1; }
	@for plugin in buildx compose; do docker $$plugin version >/dev/null 2>&1 || \
		{ echo "The Docker client lacks its plugin $$plugin. Install docker-$$plugin." >&2; exit 1; }; done

.PHONY: require-node
require-node:
	@{ command -v node && command -v npm; } >/dev/null || { echo "Node.js was not found. Install it with npm, version 20 or later." >&2; exit 1; }

.PHONY: require-java
require-java:
	@command -v java >/dev/null || { echo "Java was not found. Install it, version 11 or later (default-jre-headless on Debian)." >&2; exit 1; }

.PHONY: require-chromium
require-chromium:
	@test -x "$(CHROMIUM)" || \
		{ echo "Chromium was not found. Install it (chromium on Debian), or name it: make CHROMIUM=/path/to/it ..." >&2; exit 1; }

.PHONY: require-chromedriver
require-chromedriver:
	@command -v chromedriver >/dev/null || \
		{ echo "chromedriver was not found. Install it (chromium-driver on Debian)." >&2; exit 1; }

.PHONY: require-aws-credentials
require-aws-credentials: .tools/aws/ready
	@.tools/aws/bin/python -c 'from botocore.session import Session; raise SystemExit(None if Session().get_credentials() else \
		"No AWS credentials were found. Run \"aws configure\" or \"aws sso login\", or set AWS_PROFILE.")'
