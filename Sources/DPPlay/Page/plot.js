// A small plot of a value over the last minute.

const span = 60;

export class Plot {
  #canvas;
  #points = [];
  #colorName;
  #top;
  #guide;
  #describe;

  /**
   * @param color the name of the color in the style sheet.
   * @param top the value at the upper edge; it grows for larger values.
   * @param describe formats a value as text, for labels and screen readers.
   */
  constructor(canvas, { color, top, describe }) {
    this.#canvas = canvas;
    this.#colorName = color;
    this.#top = top;
    this.#describe = describe;
    this.#name = canvas.getAttribute("aria-label");
  }
  #name;

  /** Adds a value at a time in seconds; `isBreak` leaves a gap before it. */
  add(time, value, isBreak = false) {
    if (this.#points.length && time < this.#points.at(-1).time) this.#points = [];
    this.#points.push({ time, value, isBreak });
    while (this.#points[0].time < time - span) this.#points.shift();
  }

  clear() { this.#points = []; }

  /** Marks a value with a line, and sets the value at the upper edge if one is given. */
  mark(value, top = this.#top) {
    this.#guide = value;
    this.#top = top;
  }

  /** Draws all values up to a time. */
  draw(now) {
    const canvas = this.#canvas, context = canvas.getContext("2d");
    const width = Math.round(canvas.clientWidth * devicePixelRatio), height = Math.round(canvas.clientHeight * devicePixelRatio);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    const [w, h] = [canvas.clientWidth, canvas.clientHeight];
    context.clearRect(0, 0, w, h);
    const style = getComputedStyle(document.documentElement);
    const line = style.getPropertyValue("--line").trim(), color = style.getPropertyValue(this.#colorName).trim();
    const largest = this.#points.reduce((most, point) => Math.max(most, point.value), 0);
    const top = largest > this.#top ? niceAbove(largest) : this.#top;
    const x = (time) => w - (now - time) / span * w, y = (value) => h - 2 - value / top * (h - 6);
    context.lineWidth = 1;
    context.strokeStyle = line;
    context.beginPath();
    context.moveTo(0, h - 1.5);
    context.lineTo(w, h - 1.5);
    context.stroke();
    if (this.#guide !== undefined && this.#guide <= top) {
      context.setLineDash([3, 4]);
      context.beginPath();
      context.moveTo(0, y(this.#guide));
      context.lineTo(w, y(this.#guide));
      context.stroke();
      context.setLineDash([]);
    }
    context.strokeStyle = context.fillStyle = color;
    context.lineWidth = 1.8;
    context.lineJoin = "round";
    context.beginPath();
    for (const [index, { time, value, isBreak }] of this.#points.entries()) {
      if (index === 0 || isBreak) context.moveTo(x(time), y(value));
      else context.lineTo(x(time), y(value));
    }
    context.stroke();
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = style.getPropertyValue("--soft").trim();
    context.textBaseline = "top";
    context.fillText(this.#describe(top), 2, 1);
    context.textBaseline = "bottom";
    context.fillText(`${span} s ago`, 2, h - 3);
    const latest = this.#points.at(-1);
    canvas.setAttribute("aria-label", latest ? `${this.#name}, now ${this.#describe(latest.value)}` : this.#name);
  }
}

/** The next larger round number: 1, 2 or 5 times a power of ten. */
function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= value);
}
