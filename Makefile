# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

# The two commands are run and test; each prepares this machine first and says what it is going to install.
# ARGS goes to ansible-playbook (run) or pytest (unit): make run ARGS='-e workshop_lessons=pod_quotas'

SHELL := bash
ARGS ?=
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help run test lint unit galaxy sanity molecule integration prove bench docs lock clean
.NOTPARALLEL:

help: ## Show this
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' Makefile | column -t -s '|'

run: ## Bring up the lab, run the lessons, write the report
	@scripts/prepare.sh requirements.lock
	ansible-playbook playbooks/all.yml $(ARGS)

test: ## Pass every test, from lint to whole runs
	@scripts/prepare.sh requirements-test.lock
	@scripts/test.sh

lint: ## Test part: the style of everything, and types
unit: ## Test part: plugins, and what every role must have
galaxy: ## Test part: the documentation as a site, and what Galaxy and ansible-builder ask of the archive
sanity: ## Test part: ansible-test
molecule: ## Test part: every role, in one lab
integration: ## Test part: whole runs, bad input, broken labs, claims that must fail
lint unit galaxy sanity molecule integration:
	@scripts/prepare.sh requirements-test.lock
	@scripts/test.sh $@ $(ARGS)

prove: ## Try every near miss, interrupt every lesson, run every page, change every plugin; print what came of each
	@scripts/prepare.sh requirements-test.lock
	pytest tests/integration/test_claims_can_fail.py tests/integration/test_failed_starts.py \
	  tests/integration/test_interrupted.py tests/integration/test_pages.py \
	  --every-near-miss --every-moment --every-page $(ARGS)
	@python scripts/mutants.py

bench: ## Measure the lab and the lessons and print one table
	@scripts/prepare.sh requirements.lock
	@python scripts/bench.py $(ARGS)

docs: ## Make a site of the lessons, of what is documented, and of the last report here
	@scripts/prepare.sh requirements-test.lock
	@scripts/docs.sh

lock: ## Renew what pins packages, Go modules, images and actions by their content
	@scripts/prepare.sh requirements-test.lock
	@python scripts/lock.py

clean: ## Remove the lessons and the lab; the cache stays
	@scripts/prepare.sh requirements.lock
	ansible-playbook playbooks/clean.yml -e workshop_clean_lab=true $(ARGS)
