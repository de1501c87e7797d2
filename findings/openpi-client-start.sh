#!/usr/bin/env bash
# openpi-client 0.1.1 and 0.1.2: the client of a policy server fails to import as installed, and the newer release does
# not wait for the server.
#
# A robot installs only this package. Expected: `pip install openpi-client` installs its dependencies, and a patch
# release starts like the previous one. Observed: neither release declares `typing_extensions`, which
# `websocket_client_policy` imports. In a clean environment the import fails; it works only if another package has
# installed the module. If the server does not listen yet, `WebsocketClientPolicy` of 0.1.1 retries every few
# seconds until it does, while that of 0.1.2 raises `ConnectionRefusedError` immediately. Robot and server are often
# started together and loading a policy takes seconds, so a start script that worked stops working and must wait for
# the server itself.
#
# Result: both imports fail with `ModuleNotFoundError`. With typing-extensions 4.15.0, 0.1.1 connects to a server that
# starts three seconds later; 0.1.2 has already failed.
#
# Needs Python 3.11 and 300 MB in a temporary folder, which is removed.
set -euo pipefail

folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/start.py" <<'PYTHON'
import socket
import sys
import threading
import time

import msgpack
from openpi_client.websocket_client_policy import WebsocketClientPolicy
from websockets.sync.server import serve

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]


def listen():
    time.sleep(3)
    serve(lambda connection: connection.send(msgpack.packb({"name": "late"})), "127.0.0.1", port).serve_forever()


threading.Thread(target=listen, daemon=True).start()
try:
    print("connected to", WebsocketClientPolicy("127.0.0.1", port).get_server_metadata())
except ConnectionRefusedError:
    print("refused")
PYTHON

for version in 0.1.1 0.1.2; do
    python3 -m venv "$folder/$version"
    install() { "$folder/$version/bin/pip" --quiet --disable-pip-version-check install "$@"; }
    run() { timeout 60 "$folder/$version/bin/python" "$folder/start.py" 2>&1 | tail -n 1; }
    install openpi-client==$version numpy==1.26.4 msgpack==1.2.4 websockets==17.4 pillow==13.0.0 dm-tree==0.1.10
    run >"$folder/$version.alone" || true
    install typing-extensions==4.15.0
    run >"$folder/$version.whole" || true
    echo "openpi-client $version as installed: $(cat "$folder/$version.alone")"
    echo "openpi-client $version with typing-extensions: $(cat "$folder/$version.whole")"
done

for version in 0.1.1 0.1.2; do grep --quiet "No module named 'typing_extensions'" "$folder/$version.alone"; done
grep --quiet "connected to {'name': 'late'}" "$folder/0.1.1.whole"
grep --line-regexp --quiet refused "$folder/0.1.2.whole"
