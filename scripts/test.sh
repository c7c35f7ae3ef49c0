#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

# Runs the parts of the tests that are named, or all, and stops at the first that fails.
# The lab is removed at the end, unless it was up before or WORKSHOP_KEEP_LAB is set.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
# Settings of another place would have this one tested with them.
unset ANSIBLE_CONFIG

say() { printf '\n== %s\n' "$*"; }

lint() {
  say "lint: YAML files"
  yamllint --strict .
  say "lint: Python files"
  ruff check .
  ruff format --check .
  say "lint: types of the plugins, the scripts and the tests"
  (cd .collections && mypy --config-file ../pyproject.toml -p ansible_collections.workshop.production_patterns.plugins)
  mypy scripts tests molecule
  say "lint: shell scripts"
  git grep --cached -lzE '^#!.*[/ ](ba)?sh$' -- ':!*.md' | xargs -0 shellcheck
  say "lint: Go programs"
  lint_go
  say "lint: the change log"
  antsibull-changelog lint
  say "lint: roles and playbooks"
  ansible-lint
}

# The machine's own gofmt, or the one in the cache. go vet would compile all of Kubernetes, which takes many minutes.
lint_go() {
  local gofmt unformatted
  gofmt=$(command -v gofmt || find "$HOME"/.cache/workshop.production_patterns/go-*/bin -name gofmt 2>/dev/null | tail -n 1)
  if [[ -z $gofmt ]]; then
    echo "There is no Go on this machine yet, so the Go program's style was not looked at."
    return
  fi
  unformatted=$("$gofmt" -l files)
  if [[ -n $unformatted ]]; then
    echo "gofmt would change $unformatted" >&2
    return 1
  fi
}

# shellcheck disable=SC2120  # The parts get what stands after their name.
unit() {
  say "unit: plugins, and what every role must have"
  pytest tests/unit "$@"
}

# What Galaxy does with an archive that is uploaded, ansible-builder with one that goes into an image, and a site with what
# is documented. Linting is above.
galaxy() (
  say "galaxy: the site of the documentation"
  scripts/docs.sh
  say "galaxy: Galaxy's importer on the built archive"
  tree=$(mktemp -d)
  trap 'rm -rf "$tree"' EXIT
  ansible-galaxy collection build --output-path "$tree"
  cd "$tree"
  # It ends well even where it could not read something, and says so in a line that begins with ERROR or WARNING.
  GALAXY_IMPORTER_RUN_ANSIBLE_LINT=false GALAXY_IMPORTER_TMP_ROOT_DIR=$tree \
    python -P -m galaxy_importer.main ./*.tar.gz 2>&1 | tee said
  if grep -E '^(ERROR|WARNING)' said | grep -v 'Ignore files skip ansible-test sanity tests'; then return 1; fi
  say "galaxy: what ansible-builder would install for it"
  ansible-galaxy collection install --offline --no-deps -p "$tree" ./*.tar.gz
  ansible-builder introspect "$tree" | tee said
  grep --quiet -- "- 'kubernetes==" said
  grep --quiet -- "- 'docker-buildx " said
)

# ansible-test wants the collection in a tree of collections, with those that its documentation refers to beside it.
sanity() (
  say "sanity: ansible-test on the built and installed collection"
  tree=$(mktemp -d)
  trap 'rm -rf "$tree"' EXIT
  ansible-galaxy collection build --output-path "$tree"
  cd "$tree"
  ansible-galaxy collection install --offline -p "$tree" "$tree"/*.tar.gz
  ln -s "$(python -P -c 'import ansible_collections as c; print(list(c.__path__)[0])')"/{ansible,community,kubernetes} ansible_collections/
  have_pip_bootstrap
  cd ansible_collections/workshop/production_patterns
  git init --quiet
  ansible-test sanity --local --color no --python "$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
)

# ansible-test downloads a script that installs pip; where that is out of reach, Python's own pip does.
have_pip_bootstrap() {
  local version script
  version=$(python -P -c 'import ansible_test, pathlib, re; print(re.search(r"pip=.([0-9.]+)",
    pathlib.Path(ansible_test.__path__[0], "_internal/python_requirements.py").read_text())[1])')
  script="$HOME/.ansible/test/cache/get_pip_${version//./_}.py"
  [[ -s $script ]] && return
  if python -c "import urllib.request as r; r.urlopen('https://ci-files.testing.ansible.com/ansible-test/get-pip-$version.py', timeout=10)" 2>/dev/null; then
    return
  fi
  mkdir -p "$(dirname "$script")"
  cat >"$script" <<'END'
import subprocess
import sys

subprocess.check_call([sys.executable, '-m', 'ensurepip'])
wanted = [word for word in sys.argv[1:] if word not in ('--no-setuptools', '--no-wheel')]
sys.exit(subprocess.call([sys.executable, '-m', 'pip', 'install', *wanted, 'pip']))
END
}

molecule_all() {
  say "molecule: every role, in one lab"
  state=$(mktemp -d)
  # A state of its own, or Molecule believes what an earlier run noted about the lab.
  MOLECULE_EPHEMERAL_DIRECTORY=$state MOLECULE_GLOB='molecule/*/molecule.yml' WORKSHOP_KEEP_LAB=1 \
    molecule test --all --workers "$(nproc)" 2>&1 | tee "$state/said" && return
  say "molecule: what failed"
  grep -F '[ERROR]: ' "$state/said" | cut -c -1000 | tail -n 8
  return 1
}

# shellcheck disable=SC2120
integration() {
  say "integration: whole runs, bad input, broken labs, and claims that must fail"
  pytest tests/integration --exitfirst --durations 5 "$@"
}

remove_lab() {
  # Without an engine there is none.
  if [[ -z ${WORKSHOP_KEEP_LAB-} ]] && docker version >/dev/null 2>&1; then
    ansible-playbook playbooks/clean.yml -e workshop_clean_lab=true >/dev/null 2>&1 ||
      echo "The lab could not be removed: see ansible-playbook playbooks/clean.yml -e workshop_clean_lab=true." >&2
  fi
}

if (($#)); then
  part=$1
  shift
  [[ $part == molecule ]] && part=molecule_all
  "$part" "$@"
else
  if docker container inspect workshop-control-plane >/dev/null 2>&1; then WORKSHOP_KEEP_LAB=1; fi
  trap remove_lab EXIT
  lint
  unit
  galaxy
  sanity
  molecule_all
  integration
fi
