"""Reads a policy directory: its configuration and weights."""

import json
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
        cameras = document["policy"]["observations"].get("images", [])
        self.camera = Camera(cameras[0], document["policy"]["image_encoder"]) if cameras else None
        self.limits = document["policy"]["action"]["limits"]
        self.normalizer = document["normalizer"]
        self.observation_shape = document["shapes"]["observation"]
        self.action_shape = document["shapes"]["action"]
        features = self.camera.features if self.camera else 0
        self.condition_dimension = self.observation_shape[0] * (self.observation_shape[1] + features)
        self.action_dimension = self.action_shape[1]

    def weights(self):
        with safe_open(os.path.join(self.folder, "model.safetensors"), "np") as file:
            return {name: np.asarray(file.get_tensor(name), np.float32) for name in file.keys()}

    def frames(self, batch):
        """Returns the shape [batch, To, height, width, 3] of the camera images."""
        return (batch, self.observation_shape[0], *self.camera.size, 3)

    def condition(self, observation, features=None):
        """Returns the normalized condition [batch, To · (D + F)] of raw observations [batch, To, D] and features
        [batch · To, F]."""
        scale, offset = self._map("observation")
        parts = [observation * scale + offset]
        if self.camera:
            parts.append(features.reshape(*observation.shape[:2], -1))
        return np.concatenate(parts, -1).reshape(len(observation), -1)

    def action(self, sample):
        """Returns the raw actions of a normalized sample."""
        scale, offset = self._map("action")
        action = (sample - offset) / scale
        return np.clip(action, self.limits["lower"], self.limits["upper"]) if self.limits else action

    def _map(self, name):
        return (np.asarray(self.normalizer[name][key], np.float32) for key in ("scale", "offset"))


class Camera:
    """The camera of a policy with a single camera, and its encoder. Weight names of an unshared encoder contain the
    camera's name."""

    def __init__(self, selection, encoder):
        self.name, self.size = selection["name"], tuple(selection["size"])
        self.crop = tuple(selection.get("crop") or self.size)
        self.keypoints = encoder["keypoints"]
        self.features = 2 * self.keypoints
        self.encoder = "rgb_encoder." + ("" if encoder["shared"] else f"{self.name}.")

    def middle(self, images):
        """Crops images [batch, To, height, width, 3] at the center, to [batch · To, height, width, 3]."""
        top, left = ((whole - part) // 2 for whole, part in zip(self.size, self.crop))
        return images[:, :, top:top + self.crop[0], left:left + self.crop[1]].reshape(-1, *self.crop, 3)
