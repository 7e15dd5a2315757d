// Player: one time, and everything on the page that follows it: one drive of a list, or two beside each other.
const ADDRESS_DELAY_MS = 400;

if (!window.DecompressionStream) return say(byId("title"), "This browser is too old for this page: one of 2023 or later is needed.");
const data = await unpack(byId("data").textContent);
const roads = decodeAll(data.roads);
const compared = data.compared ? decodeAll(data.compared) : null;
const timeline = new Timeline(byId("timeline"), seek);
const moments = new Moments(seek, () => { moments.hide(timeline.markers); redraw(); });
// Whether numbers and sight are shown; without a wish, sight is shown where a scan was recorded.
const shows = { ids: false, sight: null };
let views = [];
let plots = [];
let chosen = 0;
let time = 0;
let playing = false;
let lastFrame = 0;
let nextFrame = 0;
let pending = false;
let addressTimer = 0;

// Shows one drive of the list, or both where two are compared.
function choose(index) {
  chosen = index;
  const drives = (compared ? data.drives : [data.drives[index]]).map((raw) => decodeDrive(raw, roads));
  views = drives.map((drive, i) => new View(drive, drives[1 - i] || null, i));
  byId("maps").replaceChildren(...views.map((view) => view.map.box));
  byId("maps").classList.toggle("two", Boolean(compared));
  byId("drives").value = index;
  document.querySelector("main").classList.toggle("compared", Boolean(compared));
  byId("panels").replaceChildren(...views.flatMap((view) => (compared ? [view.panel.card] : [view.panel.tiles, view.panel.card])));
  showLegend(drives);
  showDifference(compared, seek);
  const found = momentsOf(drives);
  timeline.setDrives(drives, found, compared ? compared.parted : null);
  moments.setDrives(found, compared && compared.names);
  moments.hide(timeline.markers);
  showHead(drives);
  time = timeline.start;
  plots = plotSpecs(drives, compared && compared.apart.time.length ? compared.apart : null)
    .map((spec) => new Plot(spec, timeline, compared ? compared.parted : null, seek));
  byId("plots").replaceChildren(...plots.map((plot) => plot.box));
  showSwitches();
  watchSizes();
  restyle();
}

function draw() {
  pending = false;
  for (const view of views) view.draw(time);
  timeline.draw(time);
  moments.draw(time);
  for (const plot of plots) plot.draw(time);
  say(byId("now"), time.toFixed(1));
  say(byId("whole"), ` / ${timeline.end.toFixed(1)} s`);
}

function redraw() {
  if (pending || !views.length) return;
  pending = true;
  requestAnimationFrame(draw);
}

function restyle() {
  for (const view of views) view.map.setColours();
  for (const plot of plots) plot.prepare();
  redraw();
}

function seek(to) {
  time = Math.min(timeline.end, Math.max(timeline.start, to));
  redraw();
  keepAddress();
}

// The address names the moment that is shown, once it rests: a copied address leads back to it.
function keepAddress() {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => {
    if (playing) return;
    const drive = data.drives.length > 1 && !compared ? `drive=${chosen + 1}&` : "";
    history.replaceState(null, "", `#${drive}t=${Number(time.toFixed(2))}`);
    say(byId("spoken"), `${time.toFixed(1)} seconds. ${moments.words()}`.slice(0, 200));
  }, ADDRESS_DELAY_MS);
}

function setPlaying(on) {
  playing = on;
  byId("playshape").setAttribute("d", on ? "M3 2h4v12H3zM9 2h4v12H9z" : "M4 2l10 6-10 6z");
  byId("play").setAttribute("aria-pressed", String(on));
  // Paused and played again within a frame, the frame asked for before would run beside the new one.
  cancelAnimationFrame(nextFrame);
  if (!on) return keepAddress();
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

// One tick of the drive that has the next one, or so many seconds.
function step(direction, seconds) {
  setPlaying(false);
  if (seconds) return seek(time + direction * seconds);
  const ticks = views.map(({ drive }) => {
    const at = locate(drive.time, time);
    const back = at.share > 1e-6 ? at.tick : at.tick - 1;
    return drive.time[Math.min(drive.time.length - 1, Math.max(0, direction > 0 ? at.tick + 1 : back))];
  });
  const moved = ticks.filter((tick) => (direction > 0 ? tick > time + 1e-9 : tick < time - 1e-9));
  if (moved.length) seek(direction > 0 ? Math.min(...moved) : Math.max(...moved));
}

function jump(direction) {
  seek(moments.neighbour(time, direction, timeline.start, timeline.end));
}

function setRate(rate) {
  byId("rate").value = rate;
}

function changeRate(direction) {
  const index = RATES.indexOf(Number(byId("rate").value)) + direction;
  setRate(RATES[Math.min(RATES.length - 1, Math.max(0, index))]);
}

// Maps that are beside each other move together.
function moveMaps({ x = 0, y = 0, zoom = 1 }) {
  for (const { map } of views) {
    map.camera.pan.x += x;
    map.camera.pan.y += y;
    map.camera.zoomBy(zoom);
  }
  redraw();
}

function zoomBy(zoom) {
  moveMaps({ zoom });
}

function recentre() {
  for (const { map } of views) map.camera.reset();
  redraw();
}

function toggle(what) {
  shows[what] = !isShown(what);
  showSwitches();
  redraw();
}

function isShown(what) {
  return shows[what] ?? views.some(({ drive }) => drive.told.scan);
}

function showSwitches() {
  for (const what of Object.keys(shows)) {
    byId(what).setAttribute("aria-pressed", String(isShown(what)));
    for (const { map } of views) map.shows[what] = isShown(what);
  }
}

function toggleAnswers() {
  for (const { panel } of views) if (panel.details) panel.details.open = !panel.details.open;
}

function nextDrive() {
  if (!compared && data.drives.length > 1) choose((chosen + 1) % data.drives.length);
}

let sizes = null;
function watchSizes() {
  sizes?.disconnect();
  sizes = new ResizeObserver(restyle);
  for (const { map } of views) sizes.observe(map.canvas);
}

function listen() {
  const buttons = { play: () => setPlaying(!playing), zoomin: () => zoomBy(1.25), zoomout: () => zoomBy(0.8), recentre, ids: () => toggle("ids"), sight: () => toggle("sight"), full: toggleFullScreen, keys: toggleHelp, helpclose: toggleHelp };
  for (const [id, act] of Object.entries(buttons)) byId(id).addEventListener("click", act);
  byId("drives").addEventListener("change", (event) => choose(Number(event.target.value)));
  // A button that was clicked with a pointer (detail) gives the focus back: space then plays and does not click again.
  document.addEventListener("click", (event) => { if (event.detail) event.target.closest("button")?.blur(); });
  listenToKeys();
  window.addEventListener("resize", restyle);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
  // On paper the page is light, and canvases are drawn again for its width.
  const paper = (on) => () => {
    document.documentElement.classList.toggle("paper", on);
    for (const view of views) view.map.setColours();
    for (const plot of plots) plot.prepare();
    draw();
  };
  window.addEventListener("beforeprint", paper(true));
  window.addEventListener("afterprint", paper(false));
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
  // Who drove is told where that differs.
  const several = new Set(data.drives.map(({ meta }) => meta.planner)).size > 1;
  const labels = data.drives.map(({ meta }, i) =>
    `${i + 1}. ${nameOf(meta) || "drive"}, seed ${meta.seed}${several ? `, ${meta.planner}` : ""}: ${outcomeOf(meta)}`);
  byId("drives").append(...labels.map((label, i) => new Option(label, i)));
  byId("choice").hidden = data.drives.length < 2 || Boolean(compared);
  listen();
  openAddress();
  window.addEventListener("hashchange", openAddress);
}

start();
