"""Waits long for one answer, with the keepalive of `websockets` as it is: a ping every 20 s, and an end if none is answered in 20 s.

Prints one line of JSON. Arguments: the port.
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
        # The connection is as good as new.
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
