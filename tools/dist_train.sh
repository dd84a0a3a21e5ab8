#!/usr/bin/env bash
# Train with several processes: one per GPU, or on the CPU (gloo) where there is none.
#   tools/dist_train.sh CONFIG PROCESSES [arguments of tools/train.py]
# Environment: NNODES, NODE_RANK, MASTER_ADDR and PORT for several machines; PYTHON.
set -euo pipefail

if [ $# -lt 2 ]; then
    sed -n 's/^# \{0,1\}//p' "$0" | sed 1d >&2
    exit 2
fi
CONFIG=$1
PROCESSES=$2
shift 2

PYTHONPATH="$(dirname "$0")/..${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONPATH
exec "${PYTHON:-python}" "$(dirname "$0")/dist_launch.py" "$PROCESSES" train.py "$CONFIG" "$@"
