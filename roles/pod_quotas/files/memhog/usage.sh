#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# What the kernel counts in the cgroup of this container, as JSON. Version 2 of cgroups has one path for it, version 1
# another.
cd /sys/fs/cgroup || exit

first_of() {
    cat "$@" 2>/dev/null | head -n 1
}

# Version 2 says "max" for no limit, version 1 a number that is larger than any memory, or -1.
memory_limit=$(first_of memory.max memory/memory.limit_in_bytes)
[ "${#memory_limit}" -lt 19 ] && [ "$memory_limit" != max ] || memory_limit=null

# Microseconds in each period, and the period.
cpu_limit=$(first_of cpu.max || true)
[ -n "$cpu_limit" ] || cpu_limit="$(cat cpu/cpu.cfs_quota_us) $(cat cpu/cpu.cfs_period_us)"
millicores=$(echo "$cpu_limit" | awk '{ print ($1 == "max" || $1 < 0) ? "null" : 1000 * $1 / $2 }')

cpu_seconds=$(awk '/^usage_usec/ { print $2 / 1e6 }' cpu.stat 2>/dev/null)
[ -n "$cpu_seconds" ] || cpu_seconds=$(awk '{ print $1 / 1e9 }' cpuacct/cpuacct.usage)

counted() {
    cat cpu.stat cpu/cpu.stat 2>/dev/null | awk -v name="$1" '$1 == name { print $2; exit }'
}

cat <<END
{"node_up_seconds": $(cut -d ' ' -f 1 /proc/uptime),
"memory_bytes": $(first_of memory.current memory/memory.usage_in_bytes), "memory_limit_bytes": $memory_limit,
"cpu_seconds": $cpu_seconds, "limit_millicores": $millicores,
"periods": $(counted nr_periods), "periods_throttled": $(counted nr_throttled),
"kills_for_memory_on_node": $(awk '$1 == "oom_kill" { print $2 }' /proc/vmstat)}
END
