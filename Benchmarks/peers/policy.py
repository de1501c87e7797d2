"""A policy directory: what it is and its weights."""

import json
import math
import os

import ml_dtypes  # noqa: F401  registers bfloat16, which weights may be stored in
import numpy as np
from safetensors import safe_open


class Policy:
    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "policy.json")) as file:
            document = json.load(file)
        self.denoiser = document["policy"]["denoiser"]
        self.limits = document["policy"]["action"]["limits"]
        self.normaliser = document["normaliser"]
        self.observation_shape = document["shapes"]["observation"]
        self.action_shape = document["shapes"]["action"]
        self.condition_dimension = math.prod(self.observation_shape)
        self.action_dimension = self.action_shape[1]

    def weights(self):
        with safe_open(os.path.join(self.folder, "model.safetensors"), "np") as file:
            return {name: np.asarray(file.get_tensor(name), np.float32) for name in file.keys()}

    def condition(self, observation):
        """The normalised condition [batch, To · D] of raw observations [batch, To, D]."""
        scale, offset = self._map("observation")
        return (observation * scale + offset).reshape(len(observation), -1)

    def action(self, sample):
        """The raw actions of a normalised sample."""
        scale, offset = self._map("action")
        action = (sample - offset) / scale
        return np.clip(action, self.limits["lower"], self.limits["upper"]) if self.limits else action

    def _map(self, name):
        return (np.asarray(self.normaliser[name][key], np.float32) for key in ("scale", "offset"))
