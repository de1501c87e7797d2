"""LeRobot's U-Net and image encoder, from the installed package, with the weights of a policy."""

import functools
import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import torch
from torch import nn


@functools.cache
def load_lerobot():
    """Loads LeRobot's module of diffusion networks, without the imports of the rest of the package."""
    import_torchvision()
    package = importlib.util.find_spec("lerobot").submodule_search_locations[0]
    for name, contents in [
        ("lerobot.policies", []),
        ("lerobot.policies.diffusion", []),
        ("lerobot.policies.diffusion.configuration_diffusion", ["DiffusionConfig"]),
        ("lerobot.policies.pretrained", ["PreTrainedPolicy"]),
        ("lerobot.policies.utils",
         ["get_device_from_parameters", "get_dtype_from_parameters", "get_output_shape", "populate_queues"]),
        ("lerobot.utils.constants", ["ACTION", "OBS_ENV_STATE", "OBS_IMAGES", "OBS_STATE"]),
    ]:
        module = ModuleType(name)
        for member in contents:
            setattr(module, member, type(member, (), {}))
        sys.modules[name] = module
    sys.modules["lerobot.policies.utils"].get_output_shape = lambda network, shape: network(torch.zeros(shape)).shape
    path = f"{package}/policies/diffusion/modeling_diffusion.py"
    spec = importlib.util.spec_from_file_location("lerobot.policies.diffusion.modeling_diffusion", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def import_torchvision():
    """Imports torchvision even if its compiled operators are missing because it was built for another PyTorch."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        torch.library.define("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401


def unet(policy):
    """Returns the U-Net of a `policy.Policy` with its weights."""
    settings = policy.denoiser
    configuration = SimpleNamespace(
        diffusion_step_embed_dim=settings["step_embedding"], down_dims=tuple(settings["widths"]),
        kernel_size=settings["kernel_size"], n_groups=settings["groups"],
        use_film_scale_modulation=settings["cond_predict_scale"],
        action_feature=SimpleNamespace(shape=(policy.action_dimension,)))
    network = load_lerobot().DiffusionConditionalUnet1d(configuration, global_cond_dim=policy.condition_dimension)
    weights = {name: value for name, value in policy.weights().items() if not name.startswith("rgb_encoder.")}
    network.load_state_dict({renamed(name): torch.from_numpy(value) for name, value in weights.items()})
    return network


def renamed(name):
    """Converts a parameter name of Diffusion Policy's authors to LeRobot's name."""
    return (name.replace("blocks.0.block", "conv1.block").replace("blocks.1.block", "conv2.block")
            .replace(".2.conv.", ".2."))


class Encoder(nn.Module):
    """Maps byte images [count, height, width, 3] to features: scales pixels to −1 … 1 and applies LeRobot's encoder."""

    def __init__(self, camera):
        super().__init__()
        configuration = SimpleNamespace(
            resize_shape=None, crop_shape=None, vision_backbone="resnet18", pretrained_backbone_weights=None,
            use_group_norm=True, spatial_softmax_num_keypoints=camera.keypoints,
            image_features={camera.name: SimpleNamespace(shape=(3, *camera.crop))})
        # Crop outside of the encoder: LeRobot crops all images of a batch alike, dpolicy crops each image separately.
        self.encoder = load_lerobot().DiffusionRgbEncoder(configuration)

    def forward(self, pixels):
        return self.encoder(pixels.permute(0, 3, 1, 2).float() * (1 / 127.5) - 1)


def encoder(policy):
    """Returns the image encoder of a policy with its weights, in channels-last layout like the images."""
    network = Encoder(policy.camera)
    prefix = policy.camera.encoder
    weights = {
        name.removeprefix(prefix): torch.from_numpy(value) for name, value in policy.weights().items()
        if name.startswith(prefix)}
    missing, unexpected = network.encoder.load_state_dict(weights, strict=False)
    assert missing == ["pool.pos_grid"] and not unexpected, (missing, unexpected)
    return network.to(memory_format=torch.channels_last)
