# `make help` lists the targets: they are the lines with `##`. Extra arguments go in ARGS.
BIN := .venv/bin
READY := .venv/.ready
PYTEST := $(BIN)/pytest -q
# Files beside each other: a Spark test keeps one processor busy, and one of Kafka mostly waits.
BESIDE := -n 2 --dist loadfile
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo run up down logs env sql test test-unit test-spark test-integration test-e2e test-beside test-browser n8n-in-time compose-in-time test-n8n test-long n8n chaos chaos-lake chaos-producer bench lint sbom audit format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## create .venv with everything pinned (about 500 MB, once)
	@echo "Set up: .venv has everything."

$(READY): pyproject.toml uv.lock .ci/setup
	@.ci/setup
	@touch $@

demo: $(READY) ## the main job with a simulated exchange, bounded, proved complete
	@$(BIN)/firehose demo $(ARGS)

run: $(READY) ## the main job against the live exchange until Ctrl-C
	@$(BIN)/firehose run $(ARGS)

up: $(READY) ## the whole stack in containers, with the table of its addresses (docs/compose.md)
	@$(BIN)/firehose compose up $(ARGS)

down: $(READY) ## end the containers; their data stay
	@$(BIN)/firehose compose down $(ARGS)

logs: $(READY) ## follow what the containers say
	@$(BIN)/firehose compose logs $(ARGS)

env: $(READY) ## passwords for the containers into .env, where none stands
	@$(BIN)/firehose env $(ARGS)

n8n: $(READY) ## n8n with the Market Pulse and the Spike Explainer until Ctrl-C
	@$(BIN)/firehose n8n $(ARGS)

sql: $(READY) ## a spark-sql shell on the lake
	@$(BIN)/python -m spark_jobs shell $(ARGS)

test: lint n8n-in-time compose-in-time test-unit test-spark test-integration test-beside test-browser chaos ## lint, then every kind of test

# Those of n8n mostly wait (for a claim to pass, for the clock): they go beside the commands'.
test-beside: $(READY) ## e2e and n8n at once (part of `make test`)
	@$(MAKE) --no-print-directory -j 2 --output-sync=target test-e2e test-n8n

test-unit: $(READY) ## pure and quick, no JVM
	$(call tests,unit,120,$(BESIDE))

test-spark: $(READY) ## transforms and streams in a Spark session
	$(call tests,spark,900,$(BESIDE))

test-integration: $(READY) ## real Kafka, exchange and catalog as processes
	$(call tests,integration,900,$(BESIDE))

test-e2e: $(READY) ## the commands a user types
	$(call tests,e2e,900)

test-browser: $(READY) ## the page in headless Chromium (skipped where there is none)
	@.ci/chromium
	$(call tests,browser,120)

# The tests of n8n wait for it where it is not done by then; it repeats what failed, and says so.
n8n-in-time: $(READY) ## n8n is installed in the background (part of `make test`)
	@nice -n 19 $(BIN)/firehose n8n --install-only >/dev/null 2>&1 &

# As above, where there is Go; without, the test that needs it is skipped and says so.
compose-in-time: ## the plugin that reads docker-compose.yml is built in the background (part of `make test`)
	@nice -n 19 .ci/compose-plugin >/dev/null 2>&1 &

test-n8n: $(READY) ## the workflows in a real n8n (installed once: 2.6 GB, 4 minutes)
	$(call tests,n8n,1200)

test-long: $(READY) ## what `make test` has no time for: a Spark cluster, `firehose up`
	$(call header,tests: long)
	@LONG_TESTS=1 $(PYTEST) $$(grep -rlE '^from tests\.(long|places) import' tests --include='test_*.py') --timeout=900 $(ARGS)

chaos: $(READY) ## processes are killed in mid-work, disks full, servers ill: CHAOS_SEED, CHAOS_INJECTIONS
	$(call header,tests: chaos)
	@$(BIN)/python -m tests.chaos --timeout=3600 $(ARGS)

chaos-lake: $(READY) ## 100 random injections into the whole pipeline on S3 and a REST catalog, then judged
	$(call header,chaos-lake)
	@CHAOS_INJECTIONS=$${CHAOS_INJECTIONS:-100} CHAOS_SECONDS=$${CHAOS_SECONDS:-5400} \
	  $(PYTEST) tests/chaos/test_lake_chaos.py --timeout=7200 -s $(ARGS)

chaos-producer: $(READY) ## 100 random faults into one producer: CHAOS_SEED, CHAOS_INJECTIONS, CHAOS_SECONDS
	$(call header,chaos-producer)
	@CHAOS_INJECTIONS=$${CHAOS_INJECTIONS:-100} \
	  $(PYTEST) tests/chaos/test_producer_chaos.py --timeout=5400 -s $(ARGS)

bench: $(READY) ## measure throughput, freshness and storage
	@$(BIN)/python -m benchmarks $(ARGS)

lint: $(READY) ## ruff, mypy --strict, who may import whom
	$(call header,lint)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

sbom: $(READY) ## what it is made of, as CycloneDX: dist/sbom.json
	@mkdir -p dist
	@$(BIN)/python -m lakehouse.stack.sbom dist/sbom.json

audit: $(READY) ## the locked packages held against published advisories (needs the network)
	@.ci/audit

format: $(READY) ## let ruff mend what it can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

clean: ## remove what the project made: .venv, .data, caches
	rm -rf .venv .data dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -rf metastore_db derby.log spark-warehouse *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

header = @printf '\n=== %s ===\n' '$(1)'

# $(call tests,KIND,SECONDS PER TEST,MORE OPTIONS): a kind without tests says so and passes.
define tests
	$(call header,tests: $(1))
	@if ls tests/$(1)/test_*.py >/dev/null 2>&1; \
	then $(PYTEST) tests/$(1) --timeout=$(2) $(3) $(ARGS); \
	else echo 'No tests of this kind yet.'; fi
endef
