// The page: shows the server's messages in the scene, the figures and the plots, and sends user input to the server.

import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { Motion } from "./motion.js";
import { denoisingTime, Painter } from "./painter.js";
import { Plot } from "./plot.js";
import { PointerInput } from "./pointer-input.js";
import { Theme } from "./theme.js";

const element = (id) => document.getElementById(id);
const canvas = element("scene");
const motion = new Motion();
const painter = new Painter(canvas);
const prefersReducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

const scene = {
  purpose: "play",
  /** Geometry, goal and rate. */
  world: null,
  /** The newest frame, the newest plan, and the plan whose denoising is animated, with its start time. */
  frame: null,
  plan: null,
  denoised: null,
  denoisedTime: 0,
  pose: () => (motion.isEmpty ? null : motion.at(performance.now())),
};
const shows = { plan: true, denoising: true, samples: false };

const plural = (count, noun) => (count === 1 ? noun : `${noun}s`);
const percent = (value) => `${Math.round(value * 100)} %`;
const milliseconds = (value) => (value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`);
const plots = {
  score: new Plot(element("score-plot"), { color: "--plot-score", top: 1, describe: percent }),
  rate: new Plot(element("rate-plot"), { color: "--plot-rate", top: 1, describe: (value) => `${value.toFixed(0)} Hz` }),
  latency: new Plot(element("latency-plot"), { color: "--plot-latency", top: 20, describe: milliseconds }),
};

// Messages from the server

const connection = new Connection({
  state(isOpen) {
    element("connection").textContent = isOpen ? "connected" : "connection lost, trying again";
    element("connection").classList.toggle("open", isOpen);
    isLost = !isOpen;
    refreshBanner();
  },
  hello(message) {
    scene.purpose = document.body.dataset.purpose = message.purpose;
    scene.world = message;
    canvas.setAttribute("aria-describedby", `${message.purpose}-help`);
    controls.introduce(message);
    element("rate-note").textContent = `of ${message.rate} Hz`;
    plots.rate.mark(message.rate, 1.2 * message.rate);
    // A chunk that takes longer than a control step is late.
    plots.latency.mark(1000 / message.rate);
    const title = message.purpose === "record" ? "Record demonstrations" : "Watch and disturb";
    element("subtitle").textContent = message.policy ? `${title}: ${message.policy.name}` : title;
    document.title = `Push-T · ${title}`;
    for (const plot of Object.values(plots)) plot.clear();
    scene.frame = scene.plan = scene.denoised = null;
  },
  frame(message) {
    const before = scene.frame;
    scene.frame = message;
    if (before?.held && !message.held) pointerInput.drop();
    const isHeld = pointerInput.held !== null && message.held === "block";
    motion.moveTo(message, performance.now(), isHeld ? 0 : 1000 / scene.world.rate);
    showFrame(message, before);
  },
  plan(message) {
    scene.plan = message;
    // When plans follow each other quickly, only some denoising animations run, so that each can be seen.
    if (!scene.denoised || performance.now() - scene.denoisedTime > 1.5 * denoisingTime) {
      scene.denoised = message;
      scene.denoisedTime = performance.now();
    }
    const latency = message.duration * 1000;
    element("latency-now").textContent = milliseconds(latency);
    plots.latency.add(scene.frame.clock, latency);
  },
  problem(message) { showBanner(message.message, 8000, true); },
});

/** Steps over which the rate is averaged, because a delayed step is followed by an early one. */
const rateSteps = 10;
/** The times of the latest steps and of the step before them. */
let rateTimes = [];

function showRate(frame, hasStepped) {
  const wasKnown = rateTimes.length > rateSteps;
  if (!frame.is_running) rateTimes = [];
  else if (hasStepped) rateTimes = [...rateTimes.slice(-rateSteps), frame.clock];
  const isKnown = rateTimes.length > rateSteps;
  const rate = rateSteps / Math.max(frame.clock - rateTimes[0], 1e-3);
  if (isKnown && hasStepped) plots.rate.add(frame.clock, rate, !wasKnown);
  if (!isKnown) element("rate").textContent = "–";
  else if (hasStepped) element("rate").textContent = `${rate.toFixed(1)} Hz`;
}

function showFrame(frame, before) {
  element("score").textContent = percent(frame.reward);
  element("best").textContent = `best ${percent(frame.best)} · seed ${frame.seed}`;
  const isNew = !before || before.seed !== frame.seed || frame.step < before.step;
  const hasStepped = !isNew && frame.step > before.step;
  if (before && isNew) scene.plan = scene.denoised = null;
  if (isNew || hasStepped || before.reward !== frame.reward) plots.score.add(frame.clock, frame.reward, isNew);
  if (isNew) rateTimes = [];
  showRate(frame, hasStepped);
  element("run").textContent = frame.is_running ? "Pause" : "Run";
  if (frame.settings) controls.show(frame.settings, frame.merging);
  // Shows the sampled plans when several are requested.
  if (frame.settings && frame.settings.samples !== before?.settings?.samples) showSamples(frame.settings.samples > 1);
  if (frame.recording) showRecording(frame.recording, before?.recording);
  if (before && !isNew && frame.is_success && !before.is_success) announce("The goal is reached.");
  waitingSince = frame.is_waiting ? waitingSince ?? performance.now() : null;
  if (frame.is_success) shownState = "Goal reached";
  else if (scene.purpose === "play" && !frame.is_running) shownState = "Paused";
  else shownState = "";
  if (frame.recording?.is_over) shownState = "Episode over: keep it (K), redo it (R) or discard it (X)";
  refreshBanner();
}

function showRecording(recording, before) {
  element("frames").textContent = recording.frames;
  element("saved").textContent = recording.saved_episodes;
  const saving = recording.unsaved ? `, saving ${recording.unsaved} more` : "";
  element("saved-note").textContent = `${plural(recording.saved_episodes, "episode")}, ${recording.saved_frames} frames${saving}`;
  element("output").textContent = recording.output;
  element("keep").disabled = recording.frames === 0;
  if (before && recording.saved_episodes > before.saved_episodes) {
    const text = `Saved: ${recording.saved_episodes} ${plural(recording.saved_episodes, "episode")}`;
    showBanner(text, 2000);
    announce(text);
  }
}

// Banner: a message for a limited time, otherwise the state

let shownState = "", bannerTimer = 0, bannerMessage = null;
/** Whether the connection to the server is lost. */
let isLost = false;
/** When the scene started to wait for the policy; null if it is not waiting. */
let waitingSince = null;

function showBanner(text, time, isProblem = false) {
  bannerMessage = { text, isProblem };
  clearTimeout(bannerTimer);
  bannerTimer = setTimeout(() => { bannerMessage = null; refreshBanner(); }, time);
  if (isProblem) announce(text);
  refreshBanner();
}

function refreshBanner() {
  // Short waits are not shown.
  const waitsLong = waitingSince !== null && performance.now() - waitingSince > 400;
  const state = shownState || (waitsLong ? "Waiting for the policy" : "");
  const text = isLost ? "Connection lost, trying again" : bannerMessage?.text ?? state, banner = element("banner");
  banner.hidden = !text;
  banner.textContent = text;
  banner.classList.toggle("problem", isLost || (bannerMessage?.isProblem ?? false));
}

function announce(text) { element("announcer").textContent = text; }

// User input

const controls = new Controls((type, fields) => connection.send(type, fields));
const pointerInput = new PointerInput(canvas, painter, scene, connection);
const theme = new Theme(element("theme"), () => painter.readColors());

const actions = {
  run: () => connection.send(scene.frame?.is_running ? "pause" : "run"),
  step: () => connection.send("step"),
  restart: () => connection.send("restart"),
  next: () => connection.send("next"),
  keep: () => connection.send("keep"),
  redo: () => connection.send("redo"),
  discard: () => connection.send("discard"),
};
for (const [id, action] of Object.entries(actions)) element(id).addEventListener("click", action);

const toggles = { plan: "show-plan", denoising: "show-denoising", samples: "show-samples" };
for (const [name, id] of Object.entries(toggles)) {
  element(id).addEventListener("change", () => {
    shows[name] = element(id).checked;
    if (name === "samples") controls.setSamples(shows.samples ? Math.max(controls.settings?.samples ?? 1, 8) : 1);
  });
}

function showSamples(isShown) { shows.samples = element("show-samples").checked = isShown; }

const keys = {
  play: {
    " ": actions.run, ".": actions.step, r: actions.restart, n: actions.next,
    c: () => element("show-plan").click(), d: () => element("show-denoising").click(), s: () => element("show-samples").click(),
    q: () => pointerInput.turn(-1), e: () => pointerInput.turn(1),
  },
  record: { k: () => element("keep").click(), r: actions.redo, x: actions.discard },
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isOnControl = event.target.closest?.("button, input, select");
  if (event.key === " " && isOnControl) return;
  if (event.target.closest?.("select")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const isTurn = key === "q" || key === "e";
  if (event.repeat && !isTurn && key !== ".") return;
  const action = key === "t" ? () => theme.advance() : keys[scene.purpose][key];
  if (!action) return;
  event.preventDefault();
  action();
});

// Drawing

let lastTime = performance.now(), lastPlotTime = 0;

function paint(now) {
  requestAnimationFrame(paint);
  pointerInput.flush(Math.min((now - lastTime) / 1000, 0.1));
  lastTime = now;
  if (!scene.frame) return;
  painter.fit();
  const { frame, plan } = scene, pose = motion.at(performance.now());
  const isCurrent = plan && frame.step - plan.step < plan.plans[0].length / 2 + 12;
  const overlay = isCurrent && {
    plan,
    done: Math.max(0, frame.step - plan.step),
    denoised: scene.denoised,
    age: prefersReducedMotion.matches ? Infinity : performance.now() - scene.denoisedTime,
    shows,
  };
  painter.draw(scene.world, pose, overlay, frame.target);
  if (now - lastPlotTime > 100) {
    lastPlotTime = now;
    refreshBanner();
    const time = frame.clock + Math.min((Date.now() - frameArrival(frame)) / 1000, 0.1);
    for (const plot of Object.values(plots)) plot.draw(time);
  }
}

let arrivedFrame = null, arrivedAt = 0;
/** When the newest frame arrived, by this page's clock. */
function frameArrival(frame) {
  if (frame !== arrivedFrame) [arrivedFrame, arrivedAt] = [frame, Date.now()];
  return arrivedAt;
}

requestAnimationFrame(paint);
