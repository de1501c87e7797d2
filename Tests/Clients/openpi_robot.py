"""Drives a policy server with the unmodified openpi-client: metadata, requests, a deliberate error, recovery.

Prints one line of JSON. Arguments: the port, the number of requests, and the server's key if it has one.
"""

import json
import sys

import numpy as np
from openpi_client import websocket_client_policy


def main() -> None:
    port, count = int(sys.argv[1]), int(sys.argv[2])
    key = sys.argv[3] if len(sys.argv) > 3 else None
    policy = websocket_client_policy.WebsocketClientPolicy("127.0.0.1", port, api_key=key)
    metadata = policy.get_server_metadata()

    observation = {"prompt": "push the T", "seed": np.int64(3)}
    for name, field in metadata["observations"].items():
        observation[name] = np.full(field["shape"], 100, dtype=np.float64 if field["dtype"] == "float32" else np.uint8)

    answers = []
    errors = []
    for index in range(count):
        if index == count // 2:
            try:
                policy.infer({"wrong": np.zeros(3)})
            except RuntimeError as error:
                errors.append(str(error))
        answers.append(policy.infer(observation))

    actions = [answer["actions"] for answer in answers]
    print(
        json.dumps(
            {
                "horizon": metadata["horizon"],
                "shapes": sorted({str(list(a.shape)) for a in actions}),
                "dtypes": sorted({a.dtype.str for a in actions}),
                "isSame": bool(all(np.array_equal(a, actions[0]) for a in actions)),
                "first": np.asarray(actions[0], dtype=float).ravel().tolist(),
                "errors": errors,
                "timings": sorted(answers[-1]["server_timing"]),
            }
        )
    )


if __name__ == "__main__":
    main()
