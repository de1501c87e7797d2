"""The transformer of Diffusion Policy, built from PyTorch's layers."""

import math

import torch
from torch import nn


class Transformer(nn.Module):
    """Noisy actions attend to earlier actions, and to a memory of the diffusion step and the observations up to their
    time step.

    Parameters have the names that Diffusion Policy's authors use, as in dpolicy.
    """

    def __init__(self, policy):
        super().__init__()
        settings = policy.denoiser
        if settings["step"] != "condition" or settings["condition_layers"] or not settings["causal"]:
            raise ValueError(f"expected a causal decoder with an MLP for its condition, found {settings}")
        width, (horizon, actions) = settings["width"], policy.action_shape
        self.observations = policy.observation_shape[0]
        self.input_emb = nn.Linear(actions, width)
        self.pos_emb = nn.Parameter(torch.zeros(1, horizon, width))
        self.cond_obs_emb = nn.Linear(policy.condition_dimension // self.observations, width)
        self.cond_pos_emb = nn.Parameter(torch.zeros(1, 1 + self.observations, width))
        self.drop = nn.Dropout(settings["embedding_dropout"])
        self.encoder = nn.Sequential(nn.Linear(width, 4 * width), nn.Mish(), nn.Linear(4 * width, width))
        layer = nn.TransformerDecoderLayer(
            width, settings["heads"], 4 * width, settings["attention_dropout"], "gelu", batch_first=True, norm_first=True)
        self.decoder = nn.TransformerDecoder(layer, settings["layers"])
        self.ln_f = nn.LayerNorm(width)
        self.head = nn.Linear(width, actions)
        # Not registered as buffers, which would be rounded together with the weights.
        self.frequencies = torch.exp(torch.arange(width // 2) * (-math.log(10_000) / (width // 2 - 1)))
        self.mask, self.memory_mask = hidden(horizon, horizon, lead=0), hidden(horizon, 1 + self.observations, lead=1)

    def forward(self, sample, steps, condition):
        """Denoises actions [batch, Tp, A] at steps [batch], given concatenated observations [batch, To · D]."""
        angles = steps[:, None] * self.frequencies
        step = torch.cat([angles.sin(), angles.cos()], -1)[:, None]
        seen = self.cond_obs_emb(condition.unflatten(1, (self.observations, -1)))
        memory = self.encoder(self.drop(torch.cat([step, seen], 1) + self.cond_pos_emb))
        tokens = self.drop(self.input_emb(sample) + self.pos_emb)
        # The causal hint saves the layers a check of the mask.
        tokens = self.decoder(
            tokens, memory, tgt_mask=self.mask, memory_mask=self.memory_mask, tgt_is_causal=True, memory_is_causal=False)
        return self.head(self.ln_f(tokens))


def hidden(queries, keys, lead):
    """Returns the mask to add to scores [queries, keys], so that query t attends to the keys up to t + lead."""
    return torch.full((queries, keys), -math.inf).triu(lead + 1)
