"""JAX with everything compiled: the network, whole chunks, whole training steps."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from . import jax_unet, sampling


class JaxPeer:
    def __init__(self, policy, variant, threads):
        # XLA uses one thread per available processor, so the process is pinned to the requested number of processors.
        self.policy = policy
        self.precision = jnp.bfloat16 if "bf16" in variant else jnp.float32
        self.weights = jax_unet.weights(policy)

    def _apply(self, weights, sample, steps, condition):
        return jax_unet.apply(weights, self.policy.denoiser, sample, steps, condition, self.precision)

    def acting(self, batch):
        run = jax.jit(self._apply)
        weights = self._stored()
        return lambda sample, steps, condition: np.asarray(run(weights, sample, steps, condition))

    def chunk(self, rows):
        """Returns a function with all denoising steps as one compiled loop."""
        numbers = jnp.asarray(np.array(rows, np.float32))
        weights = self._stored()

        @jax.jit
        def run(weights, sample, condition, key):
            def step(carried, row):
                sample, key = carried
                key, own = jax.random.split(key)
                epsilon = self._apply(weights, sample, jnp.full(len(sample), row[0]), condition)
                clean = jnp.clip(row[1] * sample + row[2] * epsilon, -1, 1)
                sample = row[3] * clean + row[4] * sample + row[5] * epsilon
                return (sample + row[6] * jax.random.normal(own, sample.shape), key), None

            return jax.lax.scan(step, (sample, key), numbers)[0][0]

        key = jax.random.key(0)
        return lambda sample, condition: np.asarray(run(weights, sample, condition, key))

    def _stored(self):
        """Returns the weights in the precision of the matrix products, so that no pass converts them."""
        return {name: value.astype(self.precision) if value.ndim > 1 else value for name, value in self.weights.items()}

    def training(self, batch):
        windows, rng = 20_000, np.random.default_rng(0)
        observations = rng.uniform(-1, 1, (windows, self.policy.condition_dimension)).astype(np.float32)
        actions = rng.uniform(-1, 1, (windows, *self.policy.action_shape)).astype(np.float32)
        shares = sampling.remaining().astype(np.float32)
        zeros = jax.tree.map(jnp.zeros_like, self.weights)
        state = {
            "weights": self.weights, "first": zeros, "second": jax.tree.map(jnp.copy, zeros),
            "average": jax.tree.map(jnp.copy, self.weights), "count": jnp.zeros(())}

        def loss(weights, clean, noise, steps, condition):
            share = jnp.asarray(shares)[steps][:, None, None]
            sample = jnp.sqrt(share) * clean + jnp.sqrt(1 - share) * noise
            return jnp.mean((self._apply(weights, sample, steps.astype(jnp.float32), condition) - noise) ** 2)

        @partial(jax.jit, donate_argnums=0)
        def step(state, *batch):
            value, gradients = jax.value_and_grad(loss)(state["weights"], *batch)
            count = state["count"] + 1
            first = jax.tree.map(lambda m, g: 0.95 * m + 0.05 * g, state["first"], gradients)
            second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, state["second"], gradients)

            def moved(w, m, v):
                direction = m / (1 - 0.95**count) / (jnp.sqrt(v / (1 - 0.999**count)) + 1e-8)
                return w - 1e-4 * (direction + 1e-6 * w)

            weights = jax.tree.map(moved, state["weights"], first, second)
            average = jax.tree.map(lambda a, w: a + 0.01 * (w - a), state["average"], weights)
            return {
                "weights": weights, "first": first, "second": second, "average": average, "count": count}, value

        def update():
            nonlocal state
            items, steps = rng.integers(0, windows, batch), rng.integers(0, len(shares), batch)
            clean = actions[items]
            noise = rng.standard_normal(clean.shape, np.float32)
            state, value = step(state, clean, noise, steps, observations[items])
            return float(value)

        return update
