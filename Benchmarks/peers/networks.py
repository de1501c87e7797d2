"""The networks of a policy, a `policy.Policy`, with its weights."""

import torch

from . import lerobot_networks, transformer


def denoiser(policy):
    """What tells the noise, from (sample [batch, Tp, A], steps [batch], condition [batch, To · D])."""
    if policy.denoiser["name"] == "unet":
        return lerobot_networks.unet(policy)
    network = transformer.Transformer(policy)
    weights = {name: value for name, value in policy.weights().items() if not name.startswith("rgb_encoder.")}
    network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    return network


def encoder(policy):
    """What makes features [count, F] of images [count, height, width, 3] of bytes."""
    return lerobot_networks.encoder(policy)
