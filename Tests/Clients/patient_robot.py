"""Waits a long time for one response, with the default keepalive of `websockets`: it sends a ping every 20 s, and
closes the connection if there is no pong within 20 s.

Prints one line of JSON. Argument: the port.
"""

import inspect
import json
import sys

import numpy as np
import websockets
import websockets.sync.client
from openpi_client import msgpack_numpy


def main() -> None:
    connect = websockets.sync.client.connect
    with connect(f"ws://127.0.0.1:{sys.argv[1]}", compression=None) as connection:
        metadata = msgpack_numpy.unpackb(connection.recv())
        request = {name: np.full(field["shape"], 100.0) for name, field in metadata["observations"].items()}
        connection.send(msgpack_numpy.packb(dict(request, seed=3)))
        answers = [msgpack_numpy.unpackb(connection.recv())]
        # The connection still works.
        connection.send(msgpack_numpy.packb(dict(request, seed=3)))
        answers.append(msgpack_numpy.unpackb(connection.recv()))
    print(
        json.dumps(
            {
                "version": websockets.__version__,
                "keepsAlive": "ping_interval" in inspect.signature(connect).parameters,
                "waited": float(answers[0]["server_timing"]["infer_ms"]) / 1000,
                "isSame": bool(np.array_equal(answers[0]["actions"], answers[1]["actions"])),
            }
        )
    )


if __name__ == "__main__":
    main()
