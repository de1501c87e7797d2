"""Forwards requests to a policy server through the unmodified openpi-client, for a simulator in another process.

Reads one line of JSON per request, `{"seed": …, "fields": {name: [[…], …]}}`, and prints the actions of the response
as a line of JSON. Argument: the port.
"""

import json
import sys

import numpy as np
from openpi_client import websocket_client_policy


def main() -> None:
    policy = websocket_client_policy.WebsocketClientPolicy("127.0.0.1", int(sys.argv[1]))
    for line in sys.stdin:
        question = json.loads(line)
        observation = {name: np.array(rows, dtype=np.float32) for name, rows in question["fields"].items()}
        answer = policy.infer({**observation, "seed": question["seed"]})
        print(json.dumps(np.asarray(answer["actions"], dtype=float).tolist()), flush=True)


if __name__ == "__main__":
    main()
