#!/bin/sh
# Builds what the benchmark compares, with optimisation, and runs it: tests/bench/run.sh [OPTIONS of bench.py]
set -eu
cd "$(dirname "$0")/../.."
contrib/setup.sh run build bench
[ -e build-bench/meson-private/coredata.dat ] || meson setup build-bench --buildtype=release -Dwerror=false -Dtests=disabled
ninja -C build-bench
exec python3 -B tests/bench/bench.py --binaries build-bench "$@"
