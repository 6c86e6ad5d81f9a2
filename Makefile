# Paths are relative and quoted nowhere on purpose: this works in a directory whose name has spaces.
.PHONY: demo fast pictures test test-e2b forgery fuzz long check mutation policies bench drill drill-upgrade lock sbom setup setup-dev
RUN := .venv/bin/python -m
# Tests start hundreds of processes of the bot; where nothing keeps what Python compiled, each compiles it anew.
TESTS := PYTHONDONTWRITEBYTECODE= $(RUN) pytest -q
# A story often waits for its sandboxes, so there is one process more than the two processors of a small machine.
SIDE_BY_SIDE := -n 3 --dist loadscope --no-loadscope-reorder

demo: setup            ## the main job, in front of you, without any account
	@$(RUN) bot.cli demo $(ARGS)

fast: setup-dev        ## about a minute: format, lint, types, and the tests of decisions
	@$(RUN) ruff format --check -q . && $(RUN) ruff check -q . && $(RUN) mypy
	@$(TESTS) -n 2 tests/core $(ARGS)

test: setup-dev        ## every test
	@SOLVEBOT_TESTS_REQUIRE_NAMESPACES=$(REQUIRE_NAMESPACES) SOLVEBOT_TESTS_REQUIRE_TOOLS=$(REQUIRE_TOOLS) \
		$(TESTS) $(SIDE_BY_SIDE) $(ARGS)

test-e2b: setup-dev    ## the contract of sandboxes against E2B itself; needs E2B_API_KEY, and says what it costs at most
	@$(RUN) tests.contracts.real_e2b

pictures: setup-dev    ## docs/pictures anew, light, dark and on a phone; needs Chromium
	@$(RUN) tests.pictures

forgery: setup-dev     ## every way to forge what is seen of a candidate, of which the tests try half
	@$(TESTS) -n 2 -m "long or not long" tests/contracts/test_forgery.py $(ARGS)

fuzz: setup-dev        ## what strangers send, bent in a hundred times as many ways as in the tests
	@SOLVEBOT_FUZZ=4000 $(TESTS) -n 2 --timeout 0 tests/test_fuzzing.py $(ARGS)

long: setup-dev        ## what the suite leaves out, because something else of its kind is in it
	@$(TESTS) $(SIDE_BY_SIDE) -m long $(ARGS)

check: setup-dev       ## what CI runs: format, lint, types, imports, dependencies, tests; what cannot run all tests fails
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@.venv/bin/python -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
	@$(RUN) tests.dependencies check
	@$(MAKE) --no-print-directory test REQUIRE_NAMESPACES=1

sbom: setup-dev        ## a bill of materials (CycloneDX) of what requirements.lock names: sbom.json
	@$(RUN) tests.dependencies sbom

mutation: setup-dev    ## change core/ in small ways and tell what no test notices; hours, but for ARGS="'bot.core.candidate.gates*'"
	@.venv/bin/mutmut run $(ARGS)
	@.venv/bin/mutmut results

policies: setup-dev    ## the same for what stands beside functions, such as lists and limits: a sample, or ARGS=bot.core.candidate.gates
	@$(RUN) tests.policy_mutation $(ARGS)

bench: setup-dev       ## memory per run, CPU per step, deliveries per second, as ratios of one run
	@$(RUN) tests.benchmarks.bench $(ARGS)

drill-upgrade: setup-dev ## bring a deployment up behind Caddy, upgrade it under load, and take a broken upgrade back; minutes
	@$(TESTS) -s -m "long or not long" tests/stories/test_rollout.py tests/stories/test_restore.py $(ARGS)

drill: setup-dev       ## kill the bot at random moments of many solves; ARGS is the number of rounds
	@$(RUN) tests.stories.drill $(ARGS)

setup:
	@deploy/bootstrap requirements.lock bot/demo/requirements.lock

setup-dev:
	@deploy/bootstrap tests/requirements.lock --tools

lock:                  ## resolve again; needs uv
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		pyproject.toml -o requirements.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		-c requirements.lock --group demo -o bot/demo/requirements.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		-c bot/demo/requirements.lock --group dev pyproject.toml -o tests/requirements.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--group audit -o tests/audit.lock
