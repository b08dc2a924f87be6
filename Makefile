# Two commands do everything on a bare Debian 12, as root: make demo, make test.

VENV     := .venv
PYTHON   := $(VENV)/bin/python
RUN      := 094.D-0114B
REVIEW   := phoenix-data/review.txt
NIGHTS   := phoenix-nights
NIGHT    := 2024-03-10
PACKAGES := -e '.[dev]' -e plugins/phoenix-gen -e muse_deep_plugin \
            -e plugins/phoenix-example -e plugins/phoenix-muse-sim \
            -e plugins/phoenix-hawki -e plugins/phoenix-hawki-sim \
            -e plugins/phoenix-ngas -e bench
PROJECTS := pyproject.toml muse_deep_plugin/pyproject.toml bench/pyproject.toml \
            $(wildcard plugins/*/pyproject.toml)

.PHONY: help demo demo-hawki test check bench recipes postgresql browser clean

help:
	@echo 'make demo    simulate an observatory; make deep datacubes, archive them'
	@echo 'make demo-hawki   a second instrument: a night of HAWKI, from raw frames'
	@echo 'make test    run every test, with the real recipes'
	@echo 'make check   what CI runs: ruff, format, mypy, and the tests'
	@echo 'make bench   measure phoenix beside make -j2'
	@echo 'make clean   remove the virtual environment and the demo'

# The main job, as an operator does it; the review is by file, since nobody is asked.
demo: export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
demo: export PHOENIX_CONFIG := config/muse_deep.toml
demo: $(VENV)/.installed recipes
	phoenix_simulate_MUSE phoenix-data --size small --deep
	phoenix qc1 import phoenix-data/history/*.ecsv
	phoenix -r $(RUN) -C
	phoenix -r $(RUN) -P
	phoenix -r $(RUN) -M --verdicts $(REVIEW) || test $$? -eq 5  # a table to fill in
	sed -i '/^[^#]/s/ TBD / ACCEPT /' $(REVIEW)
	phoenix -r $(RUN) -M --verdicts $(REVIEW)
	@echo 'deep datacubes and images:'
	@ls phoenix-data/reduced/*/*.fits
	@echo 'pictures of them:'
	@ls phoenix-data/plots/*/*_dpc.png
	ingestProducts -r $(RUN)
	cleanupProducts -r $(RUN)
	@echo 'what is here of them now, and the archive:'
	@ls -d phoenix-data/reduced/*/conv/*.hdr phoenix-data/archive

# A night from raw frames: what has all its scores green certifies by rule.
demo-hawki: export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
demo-hawki: export PHOENIX_CONFIG := config/hawki.toml
demo-hawki: $(VENV)/.installed recipes
	phoenix_simulate_HAWKI $(NIGHTS) --size small
	phoenix -d $(NIGHT) -C
	phoenix -d $(NIGHT) -P
	phoenix -d $(NIGHT) -M
	@echo 'stacks, catalogues and their companions:'
	@ls $(NIGHTS)/reduced/$(NIGHT)/*.fits
	@echo 'pictures of them:'
	@ls $(NIGHTS)/plots/$(NIGHT)/*.png

test: check

check: $(VENV)/.installed recipes postgresql browser
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	OMP_NUM_THREADS=1 $(VENV)/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder

bench: $(VENV)/.installed
	$(PYTHON) bench/bench.py
	$(PYTHON) bench/create_ab.py
	$(PYTHON) bench/header_edit.py
	$(PYTHON) bench/history.py
	$(PYTHON) bench/pages.py
	$(PYTHON) bench/qc_cube.py

# ESO's recipes, and for the tests a database and a browser, from Debian, where missing.
recipes: packages := esorex cpl-plugin-muse cpl-plugin-hawki
postgresql: packages := postgresql
browser: packages := chromium chromium-driver
recipes postgresql browser:
	@for package in $(packages); do \
	    dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	    echo "installing$$missing"; \
	    apt-get update -q && DEBIAN_FRONTEND=noninteractive \
	        apt-get install -y -q --no-install-recommends $$missing; \
	fi

$(VENV)/.installed: $(PROJECTS)
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { \
	    apt-get update -q && DEBIAN_FRONTEND=noninteractive \
	        apt-get install -y -q --no-install-recommends python3-venv; }
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install -q $(PACKAGES)
	@touch $@

clean:
	rm -rf $(VENV) phoenix-data $(NIGHTS) .mypy_cache .pytest_cache .ruff_cache .hypothesis
