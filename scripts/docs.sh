#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

# Makes docs-site: the pages of the lessons, the documentation of plugins and roles, and the report of the last run here.
# What refers to nothing, or can't be read, fails it.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"

source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT

# The pages as they stand, with the files that they link to.
git ls-files -z README.md CONTRIBUTING.md LICENSE roles files |
  xargs -0 cp --parents -t "$source"
mkdir -m 0700 "$source/collection"
cp docs/conf.py "$source"
lessons=$(PYTHONPATH=.collections python -c 'from ansible_collections.workshop.production_patterns.plugins.lookup.lessons import lessons
from pathlib import Path
print("\n".join(f"roles/{name}/README" for name in lessons(Path("roles"))))')
awk -v lessons="$lessons" '{ if ($0 == "@LESSONS@") print lessons; else print }' docs/index.md >"$source/index.md"

ANSIBLE_COLLECTIONS_PATH="$PWD/.collections" antsibull-docs collection --use-current --squash-hierarchy --fail-on-error \
  --dest-dir "$source/collection" workshop.production_patterns
rm -rf docs-site
if ! sphinx-build --quiet --warning-file "$source/warnings" "$source" docs-site 2>"$source/said"; then
  cat "$source/said" >&2
  exit 1
fi
# What is documented elsewhere has its page there, and folders have none.
folders="target not found: '(LICENSE|playbooks/examples|(\.\./)+files/[a-z/]+)'"
elsewhere="undefined label: '(ansible_collections\.(ansible|community|kubernetes)\.|common_return_values'|ansible_configuration_settings'|[a-z]+_plugins')"
if grep -vE "$elsewhere|$folders" "$source/warnings" >&2; then exit 1; fi

if [[ -f workshop-report/index.html ]]; then
  cp -r workshop-report docs-site/report
  echo "The report of the last run is in it as docs-site/report/index.html."
fi
echo "The site is docs-site/index.html."
