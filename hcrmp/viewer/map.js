// RoadMap: one drive from above: road, trail, what the ego sees, everybody, and the other drive's ego as a ghost.
const TRAIL_CHUNK = 64;
const MAP_COLOURS = ["ground", "edge", "white", "yellow", "text", "card", "bad", "amber", "faint", "line", "sight", "glass", "first", "second",
  "driving", "shoulder", "parking", "sidewalk", "biking", "median", "crosswalk", "other", "go", "wait", "halt", ...KINDS];

class RoadMap {
  // ``index`` of the drive among those shown; ``moved`` is told of pans and zooms.
  constructor(index, moved) {
    this.colour = index ? "second" : "first";
    this.box = element("div", "mapbox");
    this.canvas = element("canvas", "map");
    this.canvas.id = index ? "map2" : "map";
    this.canvas.setAttribute("role", "img");
    this.tip = element("div", "tip");
    this.tip.id = index ? "tip2" : "tip";
    this.tip.hidden = true;
    this.head = element("div", "maphead");
    this.note = element("div", "mapnote");
    this.note.hidden = true;
    this.box.append(this.canvas, this.head, this.note, this.tip);
    this.camera = new Camera(this.canvas, moved);
    this.shows = {};
    this.canvas.addEventListener("pointermove", (event) => { if (!event.buttons) this.hover(event); });
    this.canvas.addEventListener("pointerdown", (event) => this.hover(event));
    this.canvas.addEventListener("pointerleave", () => (this.tip.hidden = true));
  }

  // ``other`` is the drive beside it, or null.
  setDrive(drive, other) {
    this.drive = drive;
    this.other = other;
    this.road = new Road(drive.road, drive.gates);
    this.trail = trailOf(drive.ego);
    this.otherTrail = other && trailOf(other.ego);
    const hit = drive.bookmarks.find((mark) => mark.kind === "collision");
    this.hitTick = hit ? hit.tick : Infinity;
    this.camera.reset();
    this.canvas.setAttribute("aria-label", `Road seen from above: ${words(drive.meta.scenario)}, ${drive.actors.length} road users besides the ego`);
  }

  setColours() {
    this.colours = Object.fromEntries(MAP_COLOURS.map((name) => [name, cssColour(name)]));
  }

  // ``at`` is where the drive is (tick, share), ``beside`` where the other one is.
  draw(at, beside) {
    this.at = at;
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    const context = fitted(this.canvas, width, height);
    context.fillStyle = this.colours.ground;
    context.fillRect(0, 0, width, height);
    const ego = egoAt(this.drive.ego, at);
    this.camera.aim(ego, width, height);
    this.present = actorsAt(this.drive.actors, at).filter((item) => meets({ west: item.x, east: item.x, south: item.y, north: item.y }, this.reach()));
    context.save();
    this.camera.apply(context);
    this.drawWorld(context, ego, at, beside);
    context.restore();
    this.drawLabels(context, at);
    drawScale(context, this.camera.scale, height, this.colours);
  }

  // Bodies and their arrows show before their centres do.
  reach() {
    return { ...this.camera.view, reach: this.camera.view.reach + 25 };
  }

  drawWorld(context, ego, at, beside) {
    const { colours, camera, drive } = this;
    const pixel = 1 / camera.scale;
    this.road.draw(context, camera.view, at.tick, colours);
    if (this.other) this.drawTrail(context, this.otherTrail, this.other.ego, beside, this.colour === "first" ? "second" : "first", [6 * pixel, 5 * pixel]);
    this.drawTrail(context, this.trail, drive.ego, at, this.colour, []);
    this.drawRoute(context, at);
    if (this.shows.sight) drawSight(context, drive, ego, at.tick, this.present, colours, pixel);
    for (const item of this.present) this.drawActor(context, item, pixel);
    this.drawCritical(context, at.tick, pixel);
    if (this.other) this.drawGhost(context, beside, pixel);
    this.drawEgo(context, ego, at.tick, pixel);
  }

  drawTrail(context, chunks, ego, at, colour, dash) {
    context.strokeStyle = this.colours[colour];
    context.globalAlpha = 0.6;
    context.lineWidth = Math.max(0.22, 1.6 / this.camera.scale);
    context.lineJoin = "round";
    context.setLineDash(dash);
    const whole = Math.floor(at.tick / TRAIL_CHUNK);
    for (const chunk of chunks.slice(0, whole)) if (meets(chunk, this.camera.view)) context.stroke(chunk.path);
    context.beginPath();
    for (let i = whole * TRAIL_CHUNK; i <= at.tick; i++) context.lineTo(ego.x[i], ego.y[i]);
    context.lineTo(between(ego.x, at.tick, at.share), between(ego.y, at.tick, at.share));
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  drawRoute(context, at) {
    context.fillStyle = this.colours[this.colour];
    context.globalAlpha = 0.75;
    for (const point of this.drive.route) {
      disc(context, between(point.x, at.tick, at.share), between(point.y, at.tick, at.share), Math.max(0.24, 2 / this.camera.scale));
      context.fill();
    }
    context.globalAlpha = 1;
  }

  drawActor(context, item, pixel) {
    const { actor, seen } = item;
    const colour = this.colours[actor.kind] || this.colours.static;
    context.save();
    context.translate(item.x, item.y);
    context.rotate(item.yaw);
    drawArrow(context, item.speed, colour, seen ? 0.75 : 0.35, pixel);
    drawBody(context, actor.kind, actor.length, actor.width, { seen, colour, edge: this.colours.ground, glass: this.colours.glass }, pixel);
    context.restore();
  }

  // Two broken rings around whom the ego would touch first.
  drawCritical(context, tick, pixel) {
    const { critical } = this.drive;
    const id = critical.id[runAt(critical.start, tick)];
    this.critical = this.present.find((item) => item.actor.id === id);
    if (id < 0 || !this.critical) return;
    const radius = Math.max(0.62 * Math.max(this.critical.actor.length, this.critical.actor.width), 11 * pixel);
    context.strokeStyle = this.colours.amber;
    context.lineWidth = 2.2 * pixel;
    context.setLineDash([0.42 * radius, 0.16 * radius]);
    disc(context, this.critical.x, this.critical.y, radius);
    context.stroke();
    context.setLineDash([]);
  }

  drawGhost(context, beside, pixel) {
    const ghost = egoAt(this.other.ego, beside);
    const colour = this.colours[this.colour === "first" ? "second" : "first"];
    context.save();
    context.translate(ghost.x, ghost.y);
    context.rotate(ghost.yaw);
    drawBody(context, "car", ghost.length, ghost.width, { seen: false, colour, edge: colour, glass: colour }, pixel);
    context.restore();
  }

  drawEgo(context, ego, tick, pixel) {
    const colour = tick >= this.hitTick ? this.colours.bad : this.colours[this.colour];
    context.save();
    context.translate(ego.x, ego.y);
    context.rotate(ego.yaw);
    drawArrow(context, ego.speed, this.colours[this.colour], 0.85, pixel);
    context.fillStyle = colour;
    context.globalAlpha = 0.25;
    boxPath(context, -ego.length / 2 - 0.7, -ego.width / 2 - 0.7, ego.length + 1.4, ego.width + 1.4, 0.9);
    context.fill();
    context.globalAlpha = 1;
    drawBody(context, "car", ego.length, ego.width, { seen: true, colour, edge: this.colours.ground, glass: this.colours.glass }, pixel);
    context.restore();
  }

  // Numbers of all road users where asked for; that of the critical one, and of one under the pointer, always.
  drawLabels(context, at) {
    context.font = "600 11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "bottom";
    context.lineJoin = "round";
    context.lineWidth = 3.5;
    this.spots = this.present.map((item) => ({ item, ...this.camera.toScreen(item.x, item.y) }));
    for (const spot of this.spots) {
      const critical = spot.item === this.critical;
      if (!this.shows.ids && !critical) continue;
      const { length, width } = spot.item.actor;
      const turn = spot.item.yaw - this.camera.ego.view;
      const reach = critical ? 1.24 * Math.max(length, width) : Math.abs(Math.sin(turn)) * length + Math.abs(Math.cos(turn)) * width;
      const text = critical ? `${spot.item.actor.id}: ${this.drive.ttc[at.tick].toFixed(1)} s` : String(spot.item.actor.id);
      const y = spot.y - Math.max(critical ? 11 : 6, (reach / 2) * this.camera.scale) - 4;
      context.globalAlpha = spot.item.seen || critical ? 1 : 0.65;
      context.strokeStyle = this.colours.card;
      context.strokeText(text, spot.x, y);
      context.fillStyle = this.colours.text;
      context.fillText(text, spot.x, y);
    }
    context.globalAlpha = 1;
  }

  hover(event) {
    if (!this.spots) return;
    const box = this.canvas.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    const near = this.spots.map((spot) => ({ spot, away: Math.hypot(spot.x - x, spot.y - y) })).sort((a, b) => a.away - b.away)[0];
    this.tip.hidden = !near || near.away > Math.max(14, 2.2 * this.camera.scale);
    if (this.tip.hidden) return;
    const { item } = near.spot;
    const gap = Math.hypot(item.x - this.camera.ego.x, item.y - this.camera.ego.y);
    this.tip.textContent = `${item.actor.kind} ${item.actor.id}: ${number(item.speed, 1)} m/s, ${gap.toFixed(1)} m away${item.seen ? "" : ", hidden"}`;
    this.tip.style.left = Math.max(6, Math.min(x + 12, box.width - this.tip.offsetWidth - 6)) + "px";
    this.tip.style.top = Math.min(y + 14, box.height - this.tip.offsetHeight - 6) + "px";
  }
}

function egoAt(ego, at) {
  const value = (name) => between(ego[name], at.tick, at.share);
  return { x: value("x"), y: value("y"), yaw: value("yaw"), view: value("view"), speed: value("speed"), length: ego.length, width: ego.width };
}

function actorsAt(actors, at) {
  const present = [];
  for (const actor of actors) {
    const tick = at.tick - actor.start;
    if (tick < 0 || tick >= actor.x.length) continue;
    const value = (name) => between(actor[name], tick, at.share);
    present.push({ actor, x: value("x"), y: value("y"), yaw: value("yaw"), speed: actor.speed[tick], seen: actor.seen[tick] > 0.5 });
  }
  return present;
}

// The ego's way in pieces, each with its bounds: of a long drive only those in view are drawn.
function trailOf(ego) {
  const chunks = [];
  for (let start = 0; start + TRAIL_CHUNK < ego.x.length; start += TRAIL_CHUNK) {
    const path = new Path2D();
    for (let i = start; i <= start + TRAIL_CHUNK; i++) path.lineTo(ego.x[i], ego.y[i]);
    chunks.push({ path, ...boundsOf(ego.x, ego.y, start, start + TRAIL_CHUNK + 1) });
  }
  return chunks;
}
