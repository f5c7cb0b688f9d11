# Two commands do everything: `make demo` and `make test`. `make check` and `make promises` are for those who change it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT_BASE ?= 8400
MLLP_PORT ?= 2575
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check promises docs screenshots clean

help: ## Say what can be done.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

demo: $(VENV)/run ## The region, its systems and the record, with sample people; prints where to click.
	@exec env PORT_BASE=$(PORT_BASE) MLLP_PORT=$(MLLP_PORT) $(BIN)/python -m demo $(if $(QUIET),--quiet) $(ARGS)

test: $(VENV)/dev ## Every test, the browser ones too.
	@sh scripts/need_chromium
	@sh scripts/need_hsm
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --no-loadscope-reorder $(ARGS)

check: $(VENV)/dev ## Format, lint, types, walls, generated docs.
	@sh scripts/check $(BIN)

promises: $(VENV)/dev ## Measure every promise (ONLY=area, LONG=1 for the long ones) and write docs/promises.md.
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(LONG),--long)

docs: $(VENV)/dev ## Write the generated pages of docs/reference.
	@$(BIN)/python -m scripts.reference

screenshots: $(VENV)/dev ## Take the README's screenshots again, with the journey tests that make them.
	@sh scripts/need_chromium
	$(BIN)/python -m pytest -q tests/journeys/test_an_oxford_clinician_sees_what_london_holds.py tests/journeys/test_the_privacy_desk.py
	cp tests/screenshots/summary-1280.png docs/summary.png
	cp tests/screenshots/privacy-desk-1280.png docs/privacy-desk.png

clean: ## Remove what these commands made.
	@# As root the database may lie outside its home, which names it: patients must not be left behind.
	@for home in .demo/carerecord .carerecord; do \
		state=$$(cat $$home/elsewhere 2>/dev/null || true); \
		case "$$state" in /var/lib/carerecord/?*) echo "rm -rf $$state"; rm -rf "$$state";; esac; \
	done
	rm -rf $(VENV) .demo .carerecord tests/screenshots

# Hash-pinned locks without any address; uv installs them in a second, and is itself pinned.
$(VENV)/uv: requirements-uv.lock
	@sh scripts/need_python $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

$(VENV)/run: $(VENV)/uv requirements.lock
	@if [ ! -e $(VENV)/dev ] || [ requirements.lock -nt $(VENV)/dev ]; then $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock; fi
	@touch $@

$(VENV)/dev: $(VENV)/uv requirements-dev.lock
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.lock
	@touch $@ $(VENV)/run
