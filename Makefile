# Each target sets up what it needs; a second run finds it done.
#
#   make demo     a video from nothing, through the public API: demo.mp4
#   make demo SCRIPT="Guten Tag!" VOICE=espeak-de AVATAR=... OUT=videos/hello.mp4
#   make run      the server, on this machine alone: http://127.0.0.1:8000
#   make check    what can be judged without running the server
#   make test     the tests; TESTS="tests/test_journey.py -k sqlite" for some of them, PROCESSES=0 for one at a time
#   make chaos    200 videos while everything dies; SEED=7 does the same again, QUICK=1 for 32, S3=1 with a bucket
#   make bench    what rendering, answering, watching and many machines cost
#   make sheet    docs/contact-sheet.jpg: every drawn presenter, captions, all three aspect ratios
#   make setup | web | lock | clean

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo run check test chaos bench sheet setup web lock clean

BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Neither may lend the virtual environment other packages than the locks say.
unexport PYTHONPATH PYTHONHOME

# $(call step,what happens,command): one line, and the command's own words only when it fails.
step = @printf '%s\n' "$(1)"; log=$$(mktemp); \
	if ( $(2) ) >"$$log" 2>&1 </dev/null; then rm -f "$$log"; else cat "$$log" >&2; rm -f "$$log"; exit 1; fi

help:
	@sed -n 's/^#   //p' Makefile

# ------------------------------------------------------------------------------------------- set-up

# Each candidate is asked: a version manager leaves names on the PATH that do not start.
.venv/.created:
	@python=; for name in $${PYTHON:-} python3.11 python3 python; do \
		if "$$name" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; \
		then python=$$name; break; fi; \
	done; \
	[ -n "$$python" ] || { echo "heygen_graphql needs Python 3.11; none is on the PATH. Install it, or say where it is: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }; \
	echo "Making .venv with $$("$$python" --version)"; \
	"$$python" -m venv .venv >&2 || { echo "This Python lacks venv; on Debian and Ubuntu: apt install python3.11-venv" >&2; exit 1; }
	@touch $@

.venv/.runtime: requirements.lock | .venv/.created
	$(call step,Installing what requirements.lock names,$(BIN)/pip install --no-deps --require-hashes -r requirements.lock)
	@touch $@

.venv/.project: pyproject.toml .venv/.runtime
	$(call step,Installing heygen_graphql,$(BIN)/pip install --no-deps --no-build-isolation -e .)
	@touch $@

.venv/.bench: benchmarks/requirements.lock | .venv/.created
	$(call step,Installing what benchmarks/requirements.lock names,$(BIN)/pip install --no-deps --require-hashes -r benchmarks/requirements.lock)
	@touch $@

.venv/.tests: tests/requirements.lock | .venv/.created
	$(call step,Installing what tests/requirements.lock names,$(BIN)/pip install --no-deps --require-hashes -r tests/requirements.lock)
	@touch $@

# A machine without a Node.js gets one as a wheel.
.venv/.node: heygen_graphql/web/node.py requirements-web.lock | .venv/.project
	$(call step,Looking for Node.js,$(BIN)/python -m heygen_graphql.web.node || \
		{ $(BIN)/pip install --no-deps --require-hashes -r requirements-web.lock && $(BIN)/python -m heygen_graphql.web.node; })
	@touch $@

GRAPHIQL := heygen_graphql/web/static/graphiql/built-from
$(GRAPHIQL): heygen_graphql/web/build.py $(wildcard heygen_graphql/web/graphiql/*) | .venv/.node
	$(call step,Bundling GraphiQL,$(BIN)/python -m heygen_graphql.web.build)
	@touch $@

# Clients and tools that strangers use, which the tests run against the server.
NODE_MODULES := tests/node/node_modules/.installed
$(NODE_MODULES): tests/node/package.json tests/node/package-lock.json | .venv/.node .venv/.tests
	$(call step,Installing what tests/node/package-lock.json names,$(BIN)/python -m tests.node_programs)
	@touch $@

# It wants another graphql-core than the server.
CODEGEN := .venv/codegen/.installed
$(CODEGEN): tests/codegen.lock | .venv/.created
	$(call step,Installing what tests/codegen.lock names,$(BIN)/python -m venv .venv/codegen && \
		.venv/codegen/bin/pip install --no-deps --require-hashes -r tests/codegen.lock)
	@touch $@

setup: .venv/.project
	@:
web: $(GRAPHIQL)
	@:

# ---------------------------------------------------------------------------------------------- use

# What stands after SCRIPT= reaches the program letter by letter: `value` keeps make from reading a dollar
# sign as a variable, and the environment keeps the shell from reading quotes.
unexport SCRIPT VOICE AVATAR OUT
demo: export DEMO_SCRIPT = $(value SCRIPT)
demo: export DEMO_VOICE = $(value VOICE)
demo: export DEMO_AVATAR = $(value AVATAR)
demo: export DEMO_OUT = $(value OUT)
demo: .venv/.project
	@exec $(BIN)/heygen-graphql demo $${DEMO_SCRIPT:+--script="$$DEMO_SCRIPT"} $${DEMO_VOICE:+--voice="$$DEMO_VOICE"} \
		$${DEMO_AVATAR:+--avatar="$$DEMO_AVATAR"} $${DEMO_OUT:+--out="$$DEMO_OUT"}

run: .venv/.project web
	@exec $(BIN)/heygen-graphql serve

# -------------------------------------------------------------------------------------------- judge

check: .venv/.project .venv/.tests
	$(call step,ruff check,$(BIN)/ruff check)
	$(call step,ruff format --check,$(BIN)/ruff format --check)
	$(call step,mypy,$(BIN)/mypy)
	$(call step,lint-imports,$(BIN)/lint-imports)
	$(call step,alembic check,directory=$$(mktemp -d); trap 'rm -rf "$$directory"' EXIT; \
		export DATABASE_URL="sqlite+aiosqlite:///$$directory/new.db"; \
		$(BIN)/alembic upgrade head && $(BIN)/alembic check)
	$(call step,heygen-graphql schema --check --keeps docs/schema-contract.graphql,\
		$(BIN)/heygen-graphql schema --check --keeps docs/schema-contract.graphql)

# Most tests wait most of the time: two at once take little more than half of it. One by one: PROCESSES=0.
PROCESSES ?= 2
test: .venv/.project .venv/.tests web $(NODE_MODULES) $(CODEGEN)
	@$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile $(TESTS)

chaos: .venv/.project .venv/.tests
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(QUICK),--quick) $(if $(S3),--s3)

bench: .venv/.project .venv/.tests .venv/.bench
	@$(BIN)/python -m benchmarks.rendering
	@$(BIN)/python -m benchmarks.load
	@$(BIN)/python -m benchmarks.subscriptions
	@$(BIN)/python -m benchmarks.scaling
	@$(BIN)/python -m benchmarks.limits
	@$(BIN)/python -m benchmarks.capacity

sheet: .venv/.project
	@$(BIN)/python -m benchmarks.contact_sheet

# By hand only: a lock is the same on every machine until somebody means to change it.
# `make lock UPGRADE=--upgrade` moves what pyproject.toml lets move.
COMPILE = .venv/lock/bin/uv pip compile $(UPGRADE) --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock: .venv/.project
	$(call step,Fetching uv,$(BIN)/python -m venv .venv/lock && .venv/lock/bin/pip install uv)
	$(call step,requirements.lock,$(COMPILE) pyproject.toml --group build -o requirements.lock)
	$(call step,tests/requirements.lock,$(COMPILE) --group pyproject.toml:test -c requirements.lock -o tests/requirements.lock)
	$(call step,benchmarks/requirements.lock,$(COMPILE) --group pyproject.toml:bench -c requirements.lock -o benchmarks/requirements.lock)
	$(call step,tests/codegen.lock,$(COMPILE) --group pyproject.toml:codegen -o tests/codegen.lock)
	$(call step,requirements-web.lock,$(COMPILE) --group pyproject.toml:web -o requirements-web.lock)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist tests/node/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
