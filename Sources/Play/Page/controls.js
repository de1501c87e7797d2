// The panel: sliders, switches and figures, and what they say.

const element = (id) => document.getElementById(id);

/** What each way of joining chunks does, in a sentence. */
const joiningHelp = {
  "waiting": "Waiting: asks when the chunk is used up and holds still until the answer comes.",
  "naive": "Naive: asks ahead, and carries each chunk out from its beginning though its time has passed.",
  "dropping": "Dropping: asks ahead, and leaves out the actions whose time has passed.",
  "ensembling": "Ensembling: asks all the time, and averages all predictions for a moment.",
  "blending": "Blending: drops what is late, and fades over from the old chunk to the new one.",
  "warm-start": "Warm start: begins each chunk from the previous one with some noise, so that both agree.",
};

const nameOf = (joining) => joining.split(":")[0];

export class Controls {
  #send;
  #settings = null;
  #rate = 10;
  /** Milliseconds until which what the host says about settings is not shown, for this page has just changed them. */
  #quietUntil = 0;

  /** @param send takes a command: its type and its fields. */
  constructor(send) {
    this.#send = send;
    const numbers = { steps: "steps", execution: "executionHorizon", latency: "latency", samples: "samples" };
    for (const [id, key] of Object.entries(numbers)) {
      element(id).addEventListener("input", () => this.#preview(id));
      element(id).addEventListener("change", () => this.#change({ [key]: Number(element(id).value) }));
    }
    element("sampler").addEventListener("change", () => {
      const sampler = element("sampler").value;
      // What each is usually asked for: all steps, or ten.
      const steps = sampler === "ddpm" ? Number(element("steps").max) : Math.min(10, Number(element("steps").max));
      this.#change({ sampler, steps });
    });
    element("joining").addEventListener("change", () => this.#change({ joining: element("joining").value }));
  }

  /** Learns what there is to set. */
  introduce({ policy, rate }) {
    this.#rate = rate;
    if (!policy) return;
    element("steps").max = policy.trainingSteps;
    element("execution").max = policy.longestExecution;
    element("latency").max = policy.longestLatency;
    element("samples").max = policy.mostSamples;
    element("joining").replaceChildren(...policy.joinings.map((joining) => {
      const option = document.createElement("option");
      option.value = joining;
      option.textContent = nameOf(joining).replace("-", " ").replace(/^./, (letter) => letter.toUpperCase());
      return option;
    }));
  }

  get settings() { return this.#settings; }

  /** Shows what the host says is set. */
  show(settings) {
    this.#settings = settings;
    if (performance.now() < this.#quietUntil) return;
    const values = { steps: settings.steps, execution: settings.executionHorizon, latency: settings.latency, samples: settings.samples };
    for (const [id, value] of Object.entries(values)) {
      if (document.activeElement === element(id) && element(id).matches(":active")) continue;
      element(id).value = value;
      this.#preview(id);
    }
    element("sampler").value = settings.sampler;
    this.#showJoining(settings.joining);
  }

  /** Asks for another number of plans. */
  setSamples(samples) { this.#change({ samples }); }

  #showJoining(joining) {
    const select = element("joining");
    if (![...select.options].some((option) => option.value === joining)) {
      const option = document.createElement("option");
      option.value = option.textContent = joining;
      select.append(option);
    }
    select.value = joining;
    element("joining-help").textContent = joiningHelp[nameOf(joining)] ?? "";
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
    this.show(this.#settings);
    this.#quietUntil = performance.now() + 300;
    this.#send("settings", { settings: this.#settings });
  }
}
