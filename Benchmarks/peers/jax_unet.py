"""The U-Net in JAX, channels last, with convolutions as matrix products, which XLA computes faster on a CPU."""

import math

import jax
import jax.numpy as jnp


def weights(policy):
    """Returns the parameters in the layout of matrix products: [taps · inputs, outputs]."""
    def arranged(name, value):
        if value.ndim == 3 and ".2.conv." in name and name.startswith("up_modules"):
            return jnp.asarray(value.transpose(2, 0, 1))  # transposed: [taps, inputs, outputs]
        if value.ndim == 3:
            return jnp.asarray(value.transpose(2, 1, 0).reshape(-1, value.shape[0]))
        return jnp.asarray(value.T)

    return {name: arranged(name, value) for name, value in policy.weights().items()}


def apply(parameters, settings, sample, steps, condition, precision):
    """Returns the predicted noise [batch, time, action]; products have operands in `precision` and sums in float32."""
    def product(x, weight):
        return jnp.matmul(x.astype(precision), weight.astype(precision), preferred_element_type=jnp.float32)

    def linear(x, name):
        return product(x, parameters[f"{name}.weight"]) + parameters[f"{name}.bias"]

    def convolution(x, name, taps, stride=1):
        padding = taps // 2
        padded = jnp.pad(x, ((0, 0), (padding, padding), (0, 0)))
        length = x.shape[1]
        windows = [padded[:, tap:tap + length:stride] for tap in range(taps)]
        return linear(jnp.concatenate(windows, axis=-1), name)

    def transposed_convolution(x, name):
        """Kernel 4, stride 2, padding 1: each input contributes to four outputs, each output has two inputs."""
        weight = parameters[f"{name}.weight"]
        before = jnp.pad(x[:, :-1], ((0, 0), (1, 0), (0, 0)))
        after = jnp.pad(x[:, 1:], ((0, 0), (0, 1), (0, 0)))
        even = product(jnp.concatenate([x, before], -1), jnp.concatenate([weight[1], weight[3]]))
        odd = product(jnp.concatenate([x, after], -1), jnp.concatenate([weight[2], weight[0]]))
        batch, length, channels = even.shape
        return jnp.stack([even, odd], 2).reshape(batch, 2 * length, channels) + parameters[f"{name}.bias"]

    def normalized(x, name, groups):
        batch, length, channels = x.shape
        grouped = x.reshape(batch, length, groups, channels // groups)
        mean = grouped.mean((1, 3), keepdims=True)
        variance = ((grouped - mean) ** 2).mean((1, 3), keepdims=True)
        x = ((grouped - mean) * jax.lax.rsqrt(variance + 1e-5)).reshape(x.shape)
        return x * parameters[f"{name}.weight"] + parameters[f"{name}.bias"]

    def block(x, name, groups):
        return mish(normalized(convolution(x, f"{name}.block.0", settings["kernel_size"]), f"{name}.block.1", groups))

    def residual(x, name, condition):
        groups = settings["groups"]
        h = block(x, f"{name}.blocks.0", groups)
        scale, shift = jnp.split(linear(condition, f"{name}.cond_encoder.1")[:, None], 2, axis=-1)
        h = block(scale * h + shift, f"{name}.blocks.1", groups)
        shortcut = f"{name}.residual_conv"
        return h + (convolution(x, shortcut, 1) if f"{shortcut}.weight" in parameters else x)

    levels = len(settings["widths"])
    embedding = linear(step_embedding(steps, settings["step_embedding"]), "diffusion_step_encoder.1")
    embedding = linear(mish(embedding), "diffusion_step_encoder.3")
    condition = mish(jnp.concatenate([embedding, condition], -1))
    x, skips = sample, []
    for level in range(levels):
        x = residual(x, f"down_modules.{level}.0", condition)
        x = residual(x, f"down_modules.{level}.1", condition)
        skips.append(x)
        if level < levels - 1:
            x = convolution(x, f"down_modules.{level}.2.conv", 3, stride=2)
    for middle in range(2):
        x = residual(x, f"mid_modules.{middle}", condition)
    for level in range(levels - 1):
        x = jnp.concatenate([x, skips.pop()], -1)
        x = residual(x, f"up_modules.{level}.0", condition)
        x = residual(x, f"up_modules.{level}.1", condition)
        x = transposed_convolution(x, f"up_modules.{level}.2.conv")
    return convolution(block(x, "final_conv.0", 8), "final_conv.1", 1)


def mish(x):
    return x * jnp.tanh(jax.nn.softplus(x))


def step_embedding(steps, dimension):
    half = dimension // 2
    frequencies = jnp.exp(jnp.arange(half) * -(math.log(10000) / (half - 1)))
    angles = steps[:, None] * frequencies[None, :]
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1)
