// Player: one time, and everything on the page that follows it.
const RATES = [0.25, 0.5, 1, 2, 4, 8];
const BADGES = { success: "good", running: "faint", timeout: "amber" };
const byId = (id) => document.getElementById(id);

const data = JSON.parse(byId("data").textContent);
const roads = data.roads.map(decodeRoad);
const map = new RoadMap(byId("map"), byId("tip"));
const timeline = new Timeline(byId("timeline"), seek);
let drive = null;
let plots = [];
let bars = {};
let time = 0;
let playing = false;
let lastFrame = 0;
let nextFrame = 0;
let pending = false;

function choose(index) {
  drive = decodeDrive(data.drives[index], roads);
  time = drive.time[0];
  byId("drives").value = index;
  showHead(drive.meta);
  showLegend();
  map.setDrive(drive);
  timeline.setDrive(drive);
  timeline.passed = null;
  buildPanel();
  plots = plotSpecs(drive).map((spec) => new Plot(spec, drive, seek));
  byId("plots").replaceChildren(...plots.map((plot) => plot.box));
  restyle();
}

function nameOf(meta) {
  return [meta.scenario.replaceAll("_", " "), meta.density].filter(Boolean).join(", ");
}

// Twelve digits tell a commit; "-dirty" says that the code was changed.
function shortCommit(commit) {
  return commit.replace(/^([0-9a-f]{12})[0-9a-f]+/, "$1");
}

function showHead(meta) {
  byId("title").textContent = nameOf(meta) || "drive";
  byId("outcome").textContent = meta.outcome.replaceAll("_", " ");
  byId("outcome").style.background = `var(--${BADGES[meta.outcome] || "bad"})`;
  const length = (drive.time[drive.time.length - 1] - drive.time[0]).toFixed(1) + " s";
  const facts = { seed: meta.seed, planner: meta.planner, map: meta.map, simulator: meta.simulator, duration: length, commit: shortCommit(meta.commit), ...meta.extra };
  const shown = Object.entries(facts).filter(([, value]) => value !== "");
  byId("facts").replaceChildren(...shown.map(([name, value]) => {
    const fact = element("span", "", name + " ");
    fact.append(element("b", "", value));
    return fact;
  }));
}

function showLegend() {
  const entry = (name, className, colour) => {
    const item = element("span");
    const chip = element("i", className);
    if (colour) chip.style.background = `var(--${colour})`;
    item.append(chip, name);
    return item;
  };
  const kinds = KINDS.filter((kind) => drive.actors.some((actor) => actor.kind === kind));
  byId("legend").replaceChildren(entry("ego", "", "ego"), ...kinds.map((kind) => entry(kind, "", kind)),
    entry("hidden from the ego", "ghost"), element("span", "", "arrows: one second ahead"));
}

function bar(name, colour) {
  const row = element("div", "bar");
  const rail = element("div");
  const fill = element("i");
  fill.style.background = `var(--${colour})`;
  rail.append(fill);
  const value = element("span");
  row.append(element("span", "", name), rail, value);
  const set = (low, high, text) => {
    fill.style.left = 100 * Math.max(0, low) + "%";
    fill.style.width = 100 * Math.max(0, Math.min(1, high) - Math.max(0, low)) + "%";
    value.textContent = text;
  };
  return { row, set };
}

function tile(name, unit) {
  const box = element("div", "tile");
  const value = element("b");
  box.append(element("span", "", name), value, element("em", "", unit));
  return { box, value };
}

function buildPanel() {
  bars = { speed: tile("speed", "m/s"), limit: tile("limit", "m/s"), ttc: tile("to collision", "s") };
  byId("tiles").replaceChildren(bars.speed.box, bars.limit.box, bars.ttc.box);
  CRITICS.forEach((name) => (bars[name] = bar(name, name)));
  byId("weights").replaceChildren(...CRITICS.map((name) => bars[name].row));
  byId("weights").hidden = byId("weighthead").hidden = !drive.weights;
  const controls = { throttle: "good", brake: "bad", steer: "amber" };
  for (const [name, colour] of Object.entries(controls)) bars[name] = bar(name, colour);
  byId("controls").replaceChildren(...Object.keys(controls).map((name) => bars[name].row));
}

function showPanel(at) {
  const { ego } = drive;
  const speed = between(ego.speed, at.tick, at.share);
  const risk = drive.ttc[at.tick];
  bars.speed.value.textContent = speed.toFixed(1);
  bars.speed.box.classList.toggle("warn", ego.limit[at.tick] > 0 && speed > 1.02 * ego.limit[at.tick]);
  bars.limit.value.textContent = ego.limit[at.tick] > 0 ? ego.limit[at.tick].toFixed(1) : "none";
  bars.ttc.value.textContent = risk >= drive.ttcHorizon ? "> " + drive.ttcHorizon : risk.toFixed(1);
  bars.ttc.box.classList.toggle("alarm", risk < 1.5);
  bars.ttc.box.classList.toggle("warn", risk >= 1.5 && risk < 3);
  const hint = hintAt(drive.hints, at.tick);
  byId("hinttext").textContent = hint.text || "no hint";
  byId("hintsource").textContent = hint.source ? `${hint.source}, ${hint.age.toFixed(1)} s old` : "";
  if (drive.weights) CRITICS.forEach((name) => bars[name].set(0, drive.weights[name][at.tick], drive.weights[name][at.tick].toFixed(2)));
  const throttle = ego.throttle[at.tick];
  const brake = ego.brake[at.tick];
  const steer = ego.steer[at.tick];
  bars.throttle.set(0, throttle, throttle.toFixed(2));
  bars.brake.set(0, brake, brake.toFixed(2));
  // Left is left: a positive command grows to the left of the middle.
  bars.steer.set(Math.min(0.5, 0.5 - steer / 2), Math.max(0.5, 0.5 - steer / 2), (steer >= 0 ? "+" : "\u2212") + Math.abs(steer).toFixed(2));
}

function draw() {
  pending = false;
  const at = locate(drive.time, time);
  map.draw(at);
  timeline.draw(time, at.tick);
  showPanel(at);
  plots.forEach((plot) => plot.draw(at, time));
  const clock = byId("clock");
  clock.replaceChildren(element("b", "", time.toFixed(1)), element("span", "", ` / ${timeline.end.toFixed(1)} s`));
}

function redraw() {
  if (pending || !drive) return;
  pending = true;
  requestAnimationFrame(draw);
}

function restyle() {
  map.setColours();
  plots.forEach((plot) => plot.prepare());
  redraw();
}

function seek(to) {
  time = Math.min(timeline.end, Math.max(timeline.start, to));
  redraw();
}

function setPlaying(on) {
  playing = on;
  byId("playshape").setAttribute("d", on ? "M3 2h4v12H3zM9 2h4v12H9z" : "M4 2l10 6-10 6z");
  // Paused and played again within a frame, the frame asked for before would run beside the new one.
  cancelAnimationFrame(nextFrame);
  if (!on) return;
  if (time >= timeline.end - 1e-6) time = timeline.start;
  lastFrame = performance.now();
  nextFrame = requestAnimationFrame(advance);
}

function advance(now) {
  time += (Math.max(0, now - lastFrame) / 1000) * Number(byId("rate").value);
  lastFrame = now;
  if (time >= timeline.end) {
    time = timeline.end;
    setPlaying(false);
  }
  draw();
  if (playing) nextFrame = requestAnimationFrame(advance);
}

function step(direction, seconds) {
  setPlaying(false);
  if (seconds) return seek(time + direction * seconds);
  const at = locate(drive.time, time);
  const back = at.share > 1e-6 ? at.tick : at.tick - 1;
  const tick = direction > 0 ? at.tick + 1 : back;
  seek(drive.time[Math.min(drive.time.length - 1, Math.max(0, tick))]);
}

function changeRate(direction) {
  const index = RATES.indexOf(Number(byId("rate").value)) + direction;
  byId("rate").value = RATES[Math.min(RATES.length - 1, Math.max(0, index))];
}

const KEYS = {
  " ": () => setPlaying(!playing),
  ArrowLeft: (event) => step(-1, event.shiftKey ? 1 : 0),
  ArrowRight: (event) => step(1, event.shiftKey ? 1 : 0),
  ArrowUp: () => changeRate(1),
  ArrowDown: () => changeRate(-1),
  Home: () => seek(timeline.start),
  End: () => seek(timeline.end),
  "[": () => seek(timeline.neighbour(time, -1)),
  "]": () => seek(timeline.neighbour(time, 1)),
  "+": () => map.zoomBy(1.25),
  "=": () => map.zoomBy(1.25),
  "-": () => map.zoomBy(0.8),
  c: () => map.recentre(),
};

function listen() {
  map.redraw = redraw;
  byId("play").addEventListener("click", () => setPlaying(!playing));
  byId("zoomin").addEventListener("click", () => map.zoomBy(1.25));
  byId("zoomout").addEventListener("click", () => map.zoomBy(0.8));
  byId("recentre").addEventListener("click", () => map.recentre());
  byId("drives").addEventListener("change", (event) => choose(Number(event.target.value)));
  // A button that was clicked with a pointer (detail) gives the focus back: space then plays and does not click again.
  document.addEventListener("click", (event) => { if (event.detail) event.target.closest("button")?.blur(); });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.tagName === "SELECT" || (event.key === " " && event.target.tagName === "BUTTON");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key](event);
  });
  new ResizeObserver(restyle).observe(byId("map"));
  window.addEventListener("resize", restyle);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
}

// The page's address may name a drive and a time, and start it: #drive=2&t=9.2&play
function openAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const index = Math.min(data.drives.length, Math.max(1, Math.trunc(wanted.get("drive")) || 1)) - 1;
  choose(index);
  if (wanted.has("t")) seek(Number(wanted.get("t")) || 0);
  setPlaying(wanted.has("play"));
}

function start() {
  byId("rate").append(...RATES.map((rate) => new Option(rate + "\u00d7", rate, rate === 1, rate === 1)));
  const labels = data.drives.map(({ meta }, i) => `${i + 1}. ${nameOf(meta)}, seed ${meta.seed}: ${meta.outcome.replaceAll("_", " ")}`);
  byId("drives").append(...labels.map((label, i) => new Option(label, i)));
  byId("choice").hidden = data.drives.length < 2;
  listen();
  openAddress();
  window.addEventListener("hashchange", openAddress);
}

start();
