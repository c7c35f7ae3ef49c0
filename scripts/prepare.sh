#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

# Says what will be installed on this machine, then makes .venv hold the packages of the given locks.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
lacks() { missing+=("$1|$2"); }

as_root() {
  if [[ $EUID -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

venv_works() {
  .venv/bin/python -m pip --version && .venv/bin/ansible-playbook --version
} >/dev/null 2>&1

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Ansible needs Python 3.11 or later, and python3 is $(python3 --version 2>&1): install a later one and put it first on PATH." >&2
  exit 1
fi

needs_venv_package=false
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
  needs_venv_package=true
  lacks "python3-venv (apt)" "makes the virtual environment .venv, where all Python packages stay"
fi
if ! docker info >/dev/null 2>&1; then
  if [[ -x /usr/sbin/dockerd || -x /usr/bin/dockerd ]]; then
    echo "The Docker engine of this machine does not answer; it will be started."
  else
    lacks "docker.io, iptables (apt)" "the Docker engine: images are built and the cluster's nodes run in it"
  fi
  [[ $EUID -eq 0 ]] || command -v setfacl >/dev/null || lacks "acl (apt)" "lets this user talk to the engine at once"
fi
if ! docker buildx version >/dev/null 2>&1; then
  if apt-cache show docker-buildx >/dev/null 2>&1; then
    lacks "docker-buildx (apt)" "BuildKit's client, which builds the images"
  else
    lacks "docker-buildx (compiled, /usr/local/lib/docker/cli-plugins)" "BuildKit's client, which builds the images"
  fi
fi
if ! command -v mmdebstrap >/dev/null; then
  lacks "mmdebstrap (apt)" "makes the base image from Debian's packages, only if it can't be pulled"
fi

if ((${#missing[@]})); then
  echo "This will be installed on this machine:"
  for line in "${missing[@]}"; do printf '  %-28s %s\n' "${line%%|*}" "${line#*|}"; done
else
  echo "Nothing has to be installed on this machine."
fi
echo "Beside that it only fills .venv in this folder and the cache in ${HOME}/.cache/workshop.production_patterns."

if $needs_venv_package; then
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends python3-venv
fi

venv_works || { rm -rf .venv && python3 -m venv .venv; }
changed=()
for file in "$@"; do
  sha256sum --check --status ".venv/$file.sum" 2>/dev/null || changed+=("$file")
done
if ((${#changed[@]})); then
  echo "Installing the Python packages of ${changed[*]} into .venv ..."
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes "${changed[@]/#/--requirement=}"
  for file in "${changed[@]}"; do sha256sum "$file" >".venv/$file.sum"; done
fi
