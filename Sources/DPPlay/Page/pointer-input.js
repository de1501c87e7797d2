// User input on the scene: converts pointer and arrow-key events to commands.

/** Distance from the pusher's edge within which the pointer grabs it, in pixels of the world. */
const reach = 10;
/** Pixels by which a key moves a body, and radians by which it turns the block. */
const nudge = 8, turn = Math.PI / 24;
/** Milliseconds between renewals of a hold; the server releases the body after half a second without a message. */
const renewal = 150;
/** Speed of the pusher while an arrow key is down, in pixels per second. */
const drivingSpeed = 180;

const arrows = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/** Converts a point of the world to the frame of a body `[x, y, angle]`. */
function inFrame([x, y], [originX, originY, angle]) {
  const [dx, dy] = [x - originX, y - originY], [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return [cosine * dx + sine * dy, cosine * dy - sine * dx];
}

export class PointerInput {
  #canvas;
  #scene;
  #connection;
  /** The body that this page holds, and the pointer that holds it. */
  #held = null;
  #pointer = null;
  /** The newest pointer position that was not sent yet. */
  #wanted = null;
  /** Arrow keys that are down, and the position to which they have driven the pusher. */
  #keys = new Set();
  #driven = null;
  /** When the last message about the held body was sent. */
  #renewed = 0;

  /** @param scene `{purpose, world, pose()}`: the page's purpose, the geometry, and the shown poses of the bodies. */
  constructor(canvas, painter, scene, connection) {
    this.#canvas = canvas;
    this.#scene = scene;
    this.#connection = connection;
    const place = (event) => painter.place(event, scene.world.geometry.side);
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && scene.world && scene.pose()) this.#take(event, place(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!scene.world || !scene.pose()) return;
      if (this.#pointer === event.pointerId) this.#wanted = place(event);
      else if (this.#pointer === null) canvas.classList.toggle("grab", this.#bodyAt(place(event)) !== null);
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(name, (event) => { if (this.#pointer === event.pointerId) this.#release(); });
    }
    canvas.addEventListener("wheel", (event) => {
      if (scene.purpose !== "play" || event.ctrlKey || !scene.pose()) return;
      if (this.#held !== "block" && this.#bodyAt(place(event)) !== "block") return;
      event.preventDefault();
      // A wheel notch is about 100; a touchpad sends many small values.
      const by = Math.max(-1, Math.min(1, event.deltaY / 100)) * turn;
      if (by) this.#connection.send("turn", { by });
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.#press(event));
    canvas.addEventListener("keyup", (event) => this.#lift(event.key));
    canvas.addEventListener("blur", () => { for (const key of [...this.#keys]) this.#lift(key); });
  }

  /** The body that this page holds with a pointer. */
  get held() { return this.#held; }

  /** Sends the newest target; called once per animation frame. */
  flush(elapsed) {
    if (this.#driven) {
      for (const key of this.#keys) {
        for (const axis of [0, 1]) this.#driven[axis] += arrows[key][axis] * drivingSpeed * elapsed;
      }
      const side = this.#scene.world.geometry.side;
      this.#wanted = this.#driven = this.#driven.map((value) => Math.min(Math.max(value, 0), side));
    }
    const isHolding = this.#held || this.#driven, now = performance.now();
    if (this.#wanted) this.#connection.send("drag", { to: this.#wanted });
    else if (isHolding && now - this.#renewed > renewal) this.#connection.send("hold");
    else return;
    this.#renewed = now;
    this.#wanted = null;
  }

  /** Resets the hold after the server released the body; the user has to grab it again. */
  drop() {
    this.#canvas.classList.remove("grabbing");
    this.#pointer = this.#held = this.#driven = this.#wanted = null;
    this.#keys.clear();
  }

  /** Turns the block. */
  turn(direction) { this.#connection.send("turn", { by: direction * turn }); }

  /** The body that can be grabbed at a point. */
  #bodyAt(point) {
    const { geometry } = this.#scene.world, pose = this.#scene.pose();
    if (this.#scene.purpose === "record") return "agent";
    if (Math.hypot(point[0] - pose.agent[0], point[1] - pose.agent[1]) < geometry.agent_radius + reach) return "agent";
    const [x, y] = inFrame(point, pose.block);
    const isOnBlock = geometry.block.some(([left, top, right, bottom]) => left <= x && x <= right && top <= y && y <= bottom);
    return isOnBlock ? "block" : null;
  }

  #take(event, point) {
    const body = this.#bodyAt(point);
    if (!body) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#canvas.classList.add("grabbing");
    this.#pointer = event.pointerId;
    this.#held = body;
    this.#connection.send("grab", { body, at: point });
    this.#wanted = point;
  }

  #release() {
    this.flush(0);
    this.#canvas.classList.remove("grabbing");
    this.#pointer = this.#held = null;
    this.#connection.send("release");
  }

  #press(event) {
    const direction = arrows[event.key];
    if (!direction || event.ctrlKey || event.metaKey || event.altKey || !this.#scene.pose()) return;
    event.preventDefault();
    if (this.#scene.purpose === "play") {
      const body = event.shiftKey ? "agent" : "block";
      this.#connection.send("nudge", { body, by: direction.map((value) => value * nudge) });
    } else if (!this.#keys.has(event.key)) {
      if (!this.#driven) {
        this.#driven = [...this.#scene.pose().agent];
        this.#connection.send("grab", { body: "agent", at: this.#driven });
      }
      this.#keys.add(event.key);
    }
  }

  #lift(key) {
    if (!this.#keys.delete(key) || this.#keys.size) return;
    this.#driven = null;
    this.#connection.send("release");
  }
}
