// Light, dark, or the system's theme; stored for the next visit.

const names = ["system", "light", "dark"];
const key = "push-t-theme";

function remembered() {
  try {
    const name = localStorage.getItem(key);
    return names.includes(name) ? name : "system";
  } catch {
    return "system";
  }
}

export class Theme {
  #button;
  #name = remembered();
  #changed;

  /** @param changed called after every change, including changes of the system's theme. */
  constructor(button, changed) {
    this.#button = button;
    this.#changed = changed;
    button.addEventListener("click", () => this.advance());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
    this.#apply();
  }

  /** Switches to the next theme. */
  advance() {
    this.#name = names[(names.indexOf(this.#name) + 1) % names.length];
    try { localStorage.setItem(key, this.#name); } catch { /* Without storage, the choice is not kept. */ }
    this.#apply();
  }

  #apply() {
    if (this.#name === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.#name;
    this.#button.textContent = `Theme: ${this.#name}`;
    this.#button.setAttribute("aria-label", `Theme: ${this.#name === "system" ? "follow the system" : this.#name}`);
    this.#changed();
  }
}
