"""The arithmetic of DDPM and DDIM around a network that predicts the noise (Ho et al. 2020; Song et al. 2021)."""

import math

import numpy as np

TRAINING_STEPS = 100


def remaining():
    """Returns the cumulative product of 1 − β for the squared cosine schedule (Nichol and Dhariwal 2021)."""
    share = lambda t: math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    betas = [min(1 - share((i + 1) / TRAINING_STEPS) / share(i / TRAINING_STEPS), 0.999) for i in range(TRAINING_STEPS)]
    return np.cumprod(1 - np.array(betas))


def table(sampler, steps):
    """Returns for each denoising step: step, the factors of x and ε in x₀, and of x₀, x, ε and noise in the next x."""
    alphas, rows = remaining(), []
    stride = TRAINING_STEPS // steps
    for step in range((steps - 1) * stride, -1, -stride):
        now, then = alphas[step], alphas[step - stride] if step >= stride else 1.0
        clean = (1 / math.sqrt(now), -math.sqrt(1 - now) / math.sqrt(now))
        if sampler == "ddim":
            rows.append((step, *clean, math.sqrt(then), 0.0, math.sqrt(1 - then), 0.0))
        else:
            alpha = now / then
            variance = max((1 - then) / (1 - now) * (1 - alpha), 1e-20) if step > 0 else 0.0
            rows.append((
                step, *clean, math.sqrt(then) * (1 - alpha) / (1 - now), math.sqrt(alpha) * (1 - then) / (1 - now), 0.0,
                math.sqrt(variance)))
    return rows


def denoise(network, rows, sample, condition, generator):
    """Denoises a chunk: `network(sample, steps, condition)` and the sampler's arithmetic for each row of the table."""
    batch = len(sample)
    for step, from_x, from_epsilon, clean_factor, x_factor, epsilon_factor, noise_factor in rows:
        epsilon = network(sample, np.full(batch, step, np.float32), condition)
        clean = np.clip(np.float32(from_x) * sample + np.float32(from_epsilon) * epsilon, -1, 1)
        sample = np.float32(clean_factor) * clean + np.float32(x_factor) * sample
        if epsilon_factor:
            sample += np.float32(epsilon_factor) * epsilon
        if noise_factor:
            sample += np.float32(noise_factor) * generator.standard_normal(sample.shape, np.float32)
    return sample
