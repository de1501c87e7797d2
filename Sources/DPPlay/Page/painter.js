// Draws the scene as the simulator's camera shows it, with the policy's plans on top.

/** Duration of the denoising animation, in milliseconds. */
export const denoisingTime = 450;

export class Painter {
  #canvas;
  #context;
  #colors = {};
  #scale = 1;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.readColors();
  }

  /** Reads the colors of the current theme from the style sheet. */
  readColors() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["ground", "wall", "goal", "block", "block-edge", "agent", "agent-edge", "plan", "sample", "target"]) {
      this.#colors[name] = style.getPropertyValue(`--scene-${name}`).trim();
    }
  }

  /** Matches the canvas resolution to the screen. */
  fit() {
    const side = Math.max(1, Math.round(this.#canvas.clientWidth * devicePixelRatio));
    if (this.#canvas.width !== side) this.#canvas.width = this.#canvas.height = side;
  }

  /** The position of an event in the world. */
  place(event, side) {
    const box = this.#canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * side, (event.clientY - box.top) / box.height * side];
  }

  /**
   * @param world geometry and goal.
   * @param pose the poses of pusher and block.
   * @param overlay the plan to show: `{plan, done, denoised, age, shows}`, or nothing; `age` is that of `denoised`,
   *   in milliseconds.
   * @param target the pusher's target, or nothing.
   */
  draw(world, pose, overlay, target) {
    const context = this.#context, { geometry, goal } = world;
    this.#scale = this.#canvas.width / geometry.side;
    context.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    context.fillStyle = this.#colors.ground;
    context.fillRect(0, 0, geometry.side, geometry.side);
    this.#drawT(geometry, goal, this.#colors.goal, null);
    this.#drawT(geometry, pose.block, this.#colors.block, this.#colors["block-edge"]);
    if (target) this.#cross(target);
    this.#disc(pose.agent, geometry.agent_radius, this.#colors["agent-edge"]);
    this.#disc(pose.agent, geometry.agent_radius - 4, this.#colors.agent);
    this.#walls(geometry);
    if (overlay) this.#overlay(overlay);
  }

  #drawT(geometry, [x, y, angle], fill, edge) {
    const context = this.#context;
    context.save();
    context.translate(x, y);
    context.rotate(angle);
    context.beginPath();
    for (const [left, top, right, bottom] of geometry.block) context.rect(left, top, right - left, bottom - top);
    if (edge) {
      context.strokeStyle = edge;
      context.lineWidth = 4;
      context.lineJoin = "round";
      context.stroke();
    }
    context.fillStyle = fill;
    context.fill();
    context.restore();
  }

  #disc([x, y], radius, fill) {
    const context = this.#context;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.fill();
  }

  #walls({ walls: [left, top, right, bottom], wall_radius: radius }) {
    const context = this.#context;
    context.strokeStyle = this.#colors.wall;
    context.lineWidth = 2 * radius;
    context.strokeRect(left, top, right - left, bottom - top);
  }

  #cross([x, y]) {
    const context = this.#context;
    context.globalAlpha = 0.45;
    context.strokeStyle = this.#colors.target;
    context.lineWidth = 1.2;
    context.beginPath();
    context.moveTo(x - 5, y);
    context.lineTo(x + 5, y);
    context.moveTo(x, y - 5);
    context.lineTo(x, y + 5);
    context.stroke();
    context.globalAlpha = 1;
  }

  #overlay({ plan, done, denoised, age, shows }) {
    const context = this.#context;
    context.lineJoin = context.lineCap = "round";
    if (shows.samples) for (const points of plan.plans.slice(1)) this.#sample(points, plan.executed);
    const denoising = shows.denoising && denoised?.denoising.length > 1 && age < denoisingTime;
    if (denoising) this.#denoising(denoised, age / denoisingTime);
    if (shows.plan && !denoising) this.#plan(plan.plans[0], plan.executed, done);
    context.globalAlpha = 1;
  }

  #trace(points) {
    const context = this.#context;
    context.beginPath();
    for (let index = 0; index < points.length; index += 2) context.lineTo(points[index], points[index + 1]);
    context.stroke();
  }

  #sample(points, [first]) {
    const context = this.#context;
    context.strokeStyle = this.#colors.sample;
    context.globalAlpha = 0.55;
    context.lineWidth = 2;
    this.#trace(points.slice(2 * first));
    this.#dot(points[points.length - 2], points[points.length - 1], 2.6, this.#colors.sample, 0.8);
  }

  /** Draws the chunk: executed actions pale, upcoming ones strong, those that will not be executed dotted. */
  #plan(points, [first, last], done) {
    const context = this.#context, color = this.#colors.plan;
    context.strokeStyle = color;
    context.globalAlpha = 0.35;
    context.lineWidth = 1.6;
    context.setLineDash([2, 4]);
    this.#trace(points.slice(2 * Math.max(last - 1, 0)));
    context.setLineDash([]);
    context.globalAlpha = 0.9;
    context.lineWidth = 2.4;
    this.#trace(points.slice(2 * Math.min(first + done, last - 1), 2 * last));
    for (let index = first; index < points.length / 2; index += 1) {
      const alpha = index < first + done ? 0.25 : index < last ? 1 : 0.4;
      this.#dot(points[2 * index], points[2 * index + 1], index < last ? 3.2 : 2.2, color, alpha);
    }
  }

  #dot(x, y, radius, color, alpha) {
    const context = this.#context;
    context.globalAlpha = alpha;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = color;
    context.fill();
  }

  /** Draws a moment of the denoising: points interpolated between two denoising steps. */
  #denoising(plan, fraction) {
    const context = this.#context, color = this.#colors.plan;
    // Slower toward the end, where the changes are small but determine the plan.
    const place = (1 - (1 - fraction) ** 2) * (plan.denoising.length - 1);
    const index = Math.min(Math.floor(place), plan.denoising.length - 2), part = place - index;
    const [from, to] = [plan.denoising[index], plan.denoising[index + 1]];
    const points = from.map((value, number) => value + (to[number] - value) * part);
    context.strokeStyle = color;
    context.globalAlpha = 0.15 + 0.6 * fraction;
    context.lineWidth = 1.8;
    this.#trace(points);
    for (let number = 0; number < points.length; number += 2) {
      this.#dot(points[number], points[number + 1], 3, color, 0.35 + 0.65 * fraction);
    }
  }
}
