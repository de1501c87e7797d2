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

/** The value of the select for what the host chooses by the latency. */
const automatic = "automatic";

function makeOption(value, text) {
  const option = document.createElement("option");
  option.value = value;
  option.textContent = text;
  return option;
}

/** Lets a select show an option; one that does already is left alone, because it may be open. */
function select(element, value) {
  if (element.value !== value) element.value = value;
}

export class Controls {
  #send;
  #settings = null;
  /** How chunks follow each other, as the host says. */
  #joining = "";
  #rate = 10;
  /** Milliseconds until which what the host says about settings is not shown, for this page has just changed them. */
  #quietUntil = 0;

  /** @param send takes a command: its type and its fields. */
  constructor(send) {
    this.#send = send;
    const numbers = { steps: "steps", execution: "execution_horizon", latency: "latency", samples: "samples" };
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
    element("joining").addEventListener("change", () => {
      const joining = element("joining").value;
      this.#change({ joining: joining === automatic ? null : joining });
    });
  }

  /** Learns what there is to set. */
  introduce({ policy, rate }) {
    this.#rate = rate;
    if (!policy) return;
    element("steps").max = policy.training_steps;
    element("execution").max = policy.longest_execution;
    element("latency").max = policy.longest_latency;
    element("samples").max = policy.most_samples;
    const joinings = policy.joinings.map((joining) => {
      const name = nameOf(joining).replace("-", " ").replace(/^./, (letter) => letter.toUpperCase());
      return makeOption(joining, name);
    });
    element("joining").replaceChildren(makeOption(automatic, "As the latency wants"), ...joinings);
  }

  get settings() { return this.#settings; }

  /** Shows what the host says is set, and how chunks follow each other then. */
  show(settings, joining) {
    this.#settings = settings;
    this.#joining = joining;
    this.#explain(settings.joining ?? null, joining);
    if (performance.now() < this.#quietUntil) return;
    const values = { steps: settings.steps, execution: settings.execution_horizon, latency: settings.latency, samples: settings.samples };
    for (const [id, value] of Object.entries(values)) {
      if (document.activeElement === element(id) && element(id).matches(":active")) continue;
      element(id).value = value;
      this.#preview(id);
    }
    select(element("sampler"), settings.sampler);
    this.#showJoining(settings.joining ?? automatic);
  }

  /** Asks for another number of plans. */
  setSamples(samples) { this.#change({ samples }); }

  #showJoining(joining) {
    const options = element("joining").options;
    if (![...options].some((option) => option.value === joining)) options.add(makeOption(joining, joining));
    select(element("joining"), joining);
  }

  /** Says what is done when chunks follow each other, and why if nobody chose it. */
  #explain(chosen, joining) {
    const why = chosen ? "" : joining === "waiting" ? "Without latency. " : "With latency, unless another way is chosen. ";
    const text = why + (joiningHelp[nameOf(joining)] ?? joining);
    if (element("joining-help").textContent !== text) element("joining-help").textContent = text;
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
    this.show(this.#settings, this.#settings.joining ?? this.#joining);
    this.#quietUntil = performance.now() + 300;
    this.#send("settings", { settings: this.#settings });
  }
}
