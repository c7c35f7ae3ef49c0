#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# usage [PERIODS SECONDS]: what the kernel counts in the cgroup of this container, as JSON, at once or when it has
# throttled the container in so many periods, for which it waits no longer than that.
# Version 2 of cgroups has one path for it, version 1 another.
cd /sys/fs/cgroup || exit

first_of() {
    cat "$@" 2>/dev/null | head -n 1
}

# Version 2 says "max" for no limit, version 1 a number that is larger than any memory, or -1.
memory_limit=$(first_of memory.max memory/memory.limit_in_bytes)
[ "${#memory_limit}" -lt 19 ] && [ "$memory_limit" != max ] || memory_limit=null

# Microseconds in each period, and the period.
cpu_limit=$(first_of cpu.max)
[ -n "$cpu_limit" ] || cpu_limit="$(cat cpu/cpu.cfs_quota_us) $(cat cpu/cpu.cfs_period_us)"
millicores=$(echo "$cpu_limit" | awk '{ print ($1 == "max" || $1 < 0) ? "null" : 1000 * $1 / $2 }')

# Without a process more, since what is started here takes its CPU from this container.
look() {
    periods=0
    periods_throttled=0
    cpu_stat=cpu.stat
    if [ ! -e cpu.max ]; then
        read -r nanoseconds <cpuacct/cpuacct.usage
        microseconds=$((nanoseconds / 1000))
        cpu_stat=cpu/cpu.stat
    fi
    while read -r name number; do
        case $name in
        usage_usec) microseconds=$number ;;
        nr_periods) periods=$number ;;
        nr_throttled) periods_throttled=$number ;;
        esac
    done <$cpu_stat
}

left=${2:-0}
look
until [ "$left" -eq 0 ] || [ "$periods_throttled" -ge "$1" ]; do
    sleep 1
    left=$((left - 1))
    look
done

cat <<END
{"memory_bytes": $(first_of memory.current memory/memory.usage_in_bytes), "memory_limit_bytes": $memory_limit,
"cpu_seconds": $(echo "$microseconds" | awk '{ print $1 / 1e6 }'), "limit_millicores": $millicores,
"periods": $periods, "periods_throttled": $periods_throttled,
"kills_for_memory_on_node": $(awk '$1 == "oom_kill" { print $2 }' /proc/vmstat)}
END
