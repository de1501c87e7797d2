"""The networks of a `policy.Policy` with its weights."""

import torch

from . import lerobot_networks, transformer


def denoiser(policy):
    """Returns the noise prediction network of (sample [batch, Tp, A], steps [batch], condition [batch, To · D])."""
    if policy.denoiser["name"] == "unet":
        return lerobot_networks.unet(policy)
    network = transformer.Transformer(policy)
    weights = {name: value for name, value in policy.weights().items() if not name.startswith("rgb_encoder.")}
    network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    return network


def encoder(policy):
    """Returns the network that maps byte images [count, height, width, 3] to features [count, F]."""
    return lerobot_networks.encoder(policy)
