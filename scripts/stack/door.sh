#!/bin/sh
# Finds a Python that is new enough and hands the command over to scripts/stack.
# Usage: door.sh COMMAND [ARGS...]
set -u
stack=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
for python in python3 python3.14 python3.13 python3.12 python3.11 python3.10 /usr/bin/python3; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
        exec "$python" -B "$stack/__main__.py" "$@"
    fi
done
echo "GovOpen 需要 Python 3.10 或更新版本，本机没有找到。请先安装，例如 apt-get install python3 python3-venv。" >&2
echo "GovOpen needs Python 3.10 or newer and found none. Install it, e.g. apt-get install python3 python3-venv." >&2
exit 1
