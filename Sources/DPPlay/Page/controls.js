// The settings panel: sliders, selects and their texts.

const element = (id) => document.getElementById(id);

/** A sentence about each merging method. */
const mergingHelp = {
  "synchronous": "Synchronous: requests a chunk when the current one is used up, and holds still until it arrives.",
  "naive-async": "Naive async: requests chunks ahead, and executes each from its first action although its time has passed.",
  "skip-stale": "Skip stale: requests chunks ahead, and skips the actions whose time has passed.",
  "temporal-ensembling": "Temporal ensembling: requests a chunk at every step, and averages all predictions for a step.",
  "linear-blend": "Linear blend: skips late actions, and fades from the old chunk to the new one.",
  "warm-start": "Warm start: denoises each chunk from the previous one with some noise, so that both agree.",
};

const nameOf = (merging) => merging.split(":")[0];

/** The select's value for the merging method that the server chooses by latency. */
const automatic = "automatic";

function makeOption(value, text) {
  const option = document.createElement("option");
  option.value = value;
  option.textContent = text;
  return option;
}

/** Sets a select's value unless it is already set, because the select may be open. */
function select(element, value) {
  if (element.value !== value) element.value = value;
}

export class Controls {
  #send;
  #settings = null;
  /** The merging method in use, as the server reports it. */
  #merging = "";
  #rate = 10;
  /** Time, in milliseconds, until which the server's settings are not shown, because this page just changed them. */
  #quietUntil = 0;

  /** @param send sends a command, given its type and its fields. */
  constructor(send) {
    this.#send = send;
    const numbers = { steps: "steps", execution: "execution_horizon", latency: "latency", samples: "samples" };
    for (const [id, key] of Object.entries(numbers)) {
      element(id).addEventListener("input", () => this.#preview(id));
      element(id).addEventListener("change", () => this.#change({ [key]: Number(element(id).value) }));
    }
    element("sampler").addEventListener("change", () => {
      const sampler = element("sampler").value;
      // The usual number of steps: all for DDPM, ten for DDIM.
      const steps = sampler === "ddpm" ? Number(element("steps").max) : Math.min(10, Number(element("steps").max));
      this.#change({ sampler, steps });
    });
    element("merging").addEventListener("change", () => {
      const merging = element("merging").value;
      this.#change({ merging: merging === automatic ? null : merging });
    });
  }

  /** Sets the ranges and options from the server's introduction. */
  introduce({ policy, rate }) {
    this.#rate = rate;
    if (!policy) return;
    element("steps").max = policy.training_steps;
    element("execution").max = policy.longest_execution;
    element("latency").max = policy.longest_latency;
    element("samples").max = policy.most_samples;
    const mergings = policy.mergings.map((merging) => {
      const name = nameOf(merging).replace("-", " ").replace(/^./, (letter) => letter.toUpperCase());
      return makeOption(merging, name);
    });
    element("merging").replaceChildren(makeOption(automatic, "Automatic (by latency)"), ...mergings);
  }

  get settings() { return this.#settings; }

  /** Shows the server's settings and the merging method in use. */
  show(settings, merging) {
    this.#settings = settings;
    this.#merging = merging;
    this.#explain(settings.merging ?? null, merging);
    if (performance.now() < this.#quietUntil) return;
    const values = { steps: settings.steps, execution: settings.execution_horizon, latency: settings.latency, samples: settings.samples };
    for (const [id, value] of Object.entries(values)) {
      if (document.activeElement === element(id) && element(id).matches(":active")) continue;
      element(id).value = value;
      this.#preview(id);
    }
    select(element("sampler"), settings.sampler);
    this.#showMerging(settings.merging ?? automatic);
  }

  /** Changes the number of sampled plans. */
  setSamples(samples) { this.#change({ samples }); }

  #showMerging(merging) {
    const options = element("merging").options;
    if (![...options].some((option) => option.value === merging)) options.add(makeOption(merging, merging));
    select(element("merging"), merging);
  }

  /** Explains the merging method, and why it is used if it was not chosen. */
  #explain(chosen, merging) {
    const why = chosen ? "" : merging === "synchronous" ? "Default without latency. " : "Default with latency. ";
    const text = why + (mergingHelp[nameOf(merging)] ?? merging);
    if (element("merging-help").textContent !== text) element("merging-help").textContent = text;
  }

  #preview(id) {
    const value = Number(element(id).value);
    const words = {
      steps: () => `${value}`,
      execution: () => (value === 1 ? "1 action" : `${value} actions`),
      latency: () => `${Math.round(value * 1000 / this.#rate)} ms`,
      samples: () => (value === 1 ? "1 plan" : `${value} plans`),
    };
    const text = words[id]();
    element(`${id}-value`).textContent = text;
    element(id).setAttribute("aria-valuetext", text);
  }

  #change(values) {
    if (!this.#settings) return;
    this.#settings = { ...this.#settings, ...values };
    this.#quietUntil = 0;
    this.show(this.#settings, this.#settings.merging ?? this.#merging);
    this.#quietUntil = performance.now() + 300;
    this.#send("settings", { settings: this.#settings });
  }
}
