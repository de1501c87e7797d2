"""The measured works."""

from dataclasses import dataclass

TRAINING_PEERS = [
    "pytorch-eager-f32", "pytorch-eager-bf16", "pytorch-compile-f32", "pytorch-compile-bf16", "jax-f32", "jax-bf16"]
# JAX has neither LeRobot's image encoder nor PyTorch's transformer layers.
TORCH_PEERS = [name for name in TRAINING_PEERS if name.startswith("pytorch")]
# Runtimes for small devices, measured on a U-Net with one request at a time.
DEVICE_PEERS = ["litert-f32", "litert-int8", "executorch-f32", "ncnn-f32", "mnn-f32"]
ACTING_PEERS = [
    "openvino-f32", "openvino-bf16", "openvino-int8-weights", "openvino-int8", "onnxruntime-f32", "jax-f32", "jax-bf16",
    "pytorch-eager-f32", "pytorch-eager-bf16", "pytorch-compile-f32", "pytorch-compile-bf16"]


@dataclass(frozen=True)
class Network:
    """A network, with the policy directory of its weights and the arguments of `dpolicy bench` for training it."""

    name: str
    policy: str
    training: tuple
    sees_images: bool = False


@dataclass(frozen=True)
class Case:
    """A case of a work: the request, and the number of repetitions in a round."""

    name: str
    request: dict
    repetitions: int
    # The maximum time of a peer in a round.
    seconds: float = 1.0
    # The measured peers; by default all peers of the work.
    peers: list | None = None


@dataclass(frozen=True)
class Work:
    name: str
    title: str
    network: str
    peers: list
    cases: list
    rounds: int = 3
    # Whether each precision of dpolicy is measured once, independently of the peers.
    measures_tails: bool = False


def chunk(sampler, steps, batch=1, cold=False):
    return {"do": "chunk", "sampler": sampler, "steps": steps, "batch": batch, "cold": cold}


# torch.compile takes a minute for each batch size, and is far from the fastest.
UNCOMPILED = [name for name in ACTING_PEERS if "compile" not in name]


def acting_cases(slowness):
    """Returns the cases for a network whose passes take about `slowness` times as long as those of the small one."""
    def repetitions(count):
        return max(5, round(count / slowness))

    # Batch 1 comes first, so that its peak memory can be measured. Cold caches come last, since emptying them uses
    # memory.
    return [
        Case("network pass, batch 1", {"do": "pass", "batch": 1}, repetitions(400)),
        Case("DDIM-10 chunk, batch 1", chunk("ddim", 10), repetitions(50)),
        Case("network pass, batch 8", {"do": "pass", "batch": 8}, repetitions(200), peers=UNCOMPILED),
        Case("DDIM-10 chunk, batch 8", chunk("ddim", 10, 8), repetitions(30), peers=UNCOMPILED),
        Case("network pass, batch 64", {"do": "pass", "batch": 64}, repetitions(50), peers=UNCOMPILED),
        Case("DDIM-10 chunk, batch 64", chunk("ddim", 10, 64), repetitions(10), peers=UNCOMPILED),
        Case("network pass, batch 1, cold caches", {"do": "pass", "batch": 1, "cold": True}, 15, 1.5),
        Case("DDIM-10 chunk, batch 1, cold caches", chunk("ddim", 10, cold=True), 10, 1.5),
    ]


def tail_cases(ddim, ddpm, seconds):
    return [
        Case("DDIM-10 chunk, batch 1", chunk("ddim", 10), ddim, seconds),
        Case("DDPM-100 chunk, batch 1", chunk("ddpm", 100), ddpm, seconds),
    ]


TAIL_PEERS = [
    "openvino-f32", "openvino-bf16", "openvino-int8-weights", "onnxruntime-f32", "jax-f32", "pytorch-eager-f32",
    *DEVICE_PEERS]

# Encoders have no weights in 8 bits.
ENCODING_PEERS = [
    "openvino-f32", "openvino-bf16", "onnxruntime-f32", "pytorch-eager-f32", "pytorch-eager-bf16",
    "pytorch-compile-f32", "pytorch-compile-bf16"]

WORKS = [
    Work("training-small", "Training step, small U-Net", "small", TRAINING_PEERS,
         [Case("batch 256", {"do": "training", "batch": 256}, 15, 4.0)], rounds=3),
    Work("acting-small", "Acting, small U-Net", "small", ACTING_PEERS + DEVICE_PEERS, acting_cases(1)),
    Work("acting-paper", "Acting, paper's U-Net", "paper", ACTING_PEERS + DEVICE_PEERS, acting_cases(12)),
    Work("training-paper", "Training step, paper's U-Net", "paper", TRAINING_PEERS,
         [Case("batch 256", {"do": "training", "batch": 256}, 4, 10.0)], rounds=2),
    Work("training-image", "Training step, small image policy", "image", TORCH_PEERS,
         [Case("batch 64", {"do": "training", "batch": 64, "noise_samples": 1}, 12, 10.0),
          Case("batch 64, four noise samples each", {"do": "training", "batch": 64, "noise_samples": 4}, 12, 10.0)],
         rounds=3),
    Work("acting-image", "Acting, small image policy", "image", ENCODING_PEERS, [
        Case("images to features, batch 1", {"do": "encode", "batch": 1}, 100),
        Case("DDIM-10 chunk, batch 1", chunk("ddim", 10), 30),
        Case("DDPM-100 chunk, batch 1", chunk("ddpm", 100), 10),
    ]),
    Work("training-transformer", "Training step, transformer", "transformer", TORCH_PEERS,
         [Case("batch 256", {"do": "training", "batch": 256}, 10, 10.0)], rounds=3),
    Work("acting-transformer", "Acting, transformer", "transformer",
         [name for name in ACTING_PEERS if not name.startswith("jax")], acting_cases(3)),
    Work("chunks-small", "A thousand chunks, small U-Net", "small", TAIL_PEERS, tail_cases(1000, 1000, 12.0),
         rounds=1, measures_tails=True),
    Work("chunks-paper", "Many chunks, paper's U-Net", "paper", TAIL_PEERS, tail_cases(1000, 100, 12.0),
         rounds=1, measures_tails=True),
]
