// Interpolates the scene between control steps, from the shown poses to the newest frame.

const mix = (from, to, fraction) => from + (to - from) * fraction;

/** Interpolates between two angles along the shorter arc. */
function mixAngles(from, to, fraction) {
  const turn = 2 * Math.PI;
  const difference = ((to - from) % turn + 1.5 * turn) % turn - turn / 2;
  return from + difference * fraction;
}

export class Motion {
  #from = null;
  #to = null;
  #start = 0;
  #duration = 0;

  /**
   * Sets the frame to move to.
   * @param frame the server's frame.
   * @param duration duration of the motion in milliseconds; 0 jumps.
   */
  moveTo(frame, now, duration) {
    const jumps = !this.#to || frame.seed !== this.#to.seed || frame.step < this.#to.step;
    this.#from = jumps ? frame : { ...this.at(now) };
    this.#to = frame;
    this.#start = now;
    this.#duration = jumps ? 0 : duration;
  }

  get isEmpty() { return !this.#to; }

  /** The pusher `[x, y]` and the block `[x, y, angle]` to show. */
  at(now) {
    const fraction = this.#duration > 0 ? Math.min(1, Math.max(0, (now - this.#start) / this.#duration)) : 1;
    const [from, to] = [this.#from, this.#to];
    return {
      agent: to.agent.map((value, axis) => mix(from.agent[axis], value, fraction)),
      block: [
        mix(from.block[0], to.block[0], fraction), mix(from.block[1], to.block[1], fraction),
        mixAngles(from.block[2], to.block[2], fraction),
      ],
    };
  }
}
