"""LeRobot's U-Net, from its installed source, with our weights."""

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import torch


def load_lerobot():
    """LeRobot's module of diffusion networks, without what the rest of the package would import."""
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
    path = f"{package}/policies/diffusion/modeling_diffusion.py"
    spec = importlib.util.spec_from_file_location("lerobot.policies.diffusion.modeling_diffusion", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def import_torchvision():
    """Imports torchvision, also when its compiled operators are missing since it was built for another PyTorch."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        torch.library.define("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401


def make(policy):
    """The U-Net of a policy, a `policy.Policy`, with its weights."""
    settings = policy.denoiser
    configuration = SimpleNamespace(
        diffusion_step_embed_dim=settings["step_embedding"], down_dims=tuple(settings["widths"]),
        kernel_size=settings["kernel_size"], n_groups=settings["groups"],
        use_film_scale_modulation=settings["conditions_scale"],
        action_feature=SimpleNamespace(shape=(policy.action_dimension,)))
    network = load_lerobot().DiffusionConditionalUnet1d(configuration, global_cond_dim=policy.condition_dimension)
    network.load_state_dict({renamed(name): torch.from_numpy(value) for name, value in policy.weights().items()})
    return network


def renamed(name):
    """LeRobot's name of a parameter, from that of Diffusion Policy's authors."""
    return (name.replace("blocks.0.block", "conv1.block").replace("blocks.1.block", "conv2.block")
            .replace(".2.conv.", ".2."))
