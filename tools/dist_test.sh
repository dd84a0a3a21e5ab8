#!/usr/bin/env bash
# Test with several processes: one per GPU, or on the CPU (gloo) where there is none.
#   tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]
# Environment: NNODES, NODE_RANK, MASTER_ADDR and PORT for several machines; PYTHON.
set -euo pipefail

if [ $# -lt 3 ]; then
    sed -n 's/^# \{0,1\}//p' "$0" | sed 1d >&2
    exit 2
fi
CONFIG=$1
CHECKPOINT=$2
PROCESSES=$3
shift 3

PYTHONPATH="$(dirname "$0")/..${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONPATH
exec "${PYTHON:-python}" "$(dirname "$0")/dist_launch.py" "$PROCESSES" test.py "$CONFIG" "$CHECKPOINT" "$@"
