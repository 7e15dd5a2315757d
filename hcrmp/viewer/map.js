// RoadMap: the road from above. The route runs to the right; the view follows the ego until the map is dragged.
const KINDS = ["car", "truck", "bus", "motorcycle", "pedestrian", "cyclist", "static"];
const MAP_METRES = 68;
const GATE_COLOURS = { green: "#22c55e", yellow: "#facc15", red: "#ef4444" };

class RoadMap {
  constructor(canvas, tip) {
    this.canvas = canvas;
    this.tip = tip;
    this.zoom = 1;
    this.pan = { x: 0, y: 0 };
    this.pointers = new Map();
    this.redraw = () => {};
    this.listen();
  }

  setDrive(drive) {
    this.drive = drive;
    this.paths = { areas: drive.road.areas.map(roadPath), strokes: drive.road.strokes.map(roadPath) };
    this.recentre();
  }

  setColours() {
    const names = ["ground", "ego", "edge", "white", "yellow", "text", "card", "bad", "faint",
      "driving", "shoulder", "parking", "sidewalk", "biking", "median", "crosswalk", "other", ...KINDS];
    this.colours = Object.fromEntries(names.map((name) => [name, cssColour(name)]));
  }

  recentre() {
    this.pan = { x: 0, y: 0 };
    this.zoom = 1;
    this.redraw();
  }

  zoomBy(factor) {
    this.zoom = Math.min(8, Math.max(0.12, this.zoom * factor));
    this.redraw();
  }

  draw(at) {
    this.at = at;
    const context = fitted(this.canvas);
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    context.fillStyle = this.colours.ground;
    context.fillRect(0, 0, width, height);
    const ego = this.egoAt(at);
    const scale = (this.zoom * Math.max(width, 520)) / MAP_METRES;
    this.view = { ego, scale, x: width / 3 + this.pan.x, y: height / 2 + this.pan.y, cos: Math.cos(ego.view), sin: Math.sin(ego.view) };
    context.save();
    context.translate(this.view.x, this.view.y);
    context.scale(scale, -scale);
    context.rotate(-ego.view);
    context.translate(-ego.x, -ego.y);
    this.drawRoad(context);
    this.drawGates(context, at.tick);
    this.drawPaths(context, at);
    for (const actor of this.actorsAt(at)) this.drawActor(context, actor);
    this.drawEgo(context, ego, at.tick);
    context.restore();
    this.drawLabels(context, at);
    this.drawScale(context, width, height);
  }

  egoAt(at) {
    const ego = this.drive.ego;
    const value = (name) => between(ego[name], at.tick, at.share);
    return { x: value("x"), y: value("y"), yaw: value("yaw"), view: value("view"), speed: value("speed"), length: ego.length, width: ego.width };
  }

  actorsAt(at) {
    const present = [];
    for (const actor of this.drive.actors) {
      const tick = at.tick - actor.start;
      if (tick < 0 || tick >= actor.x.length) continue;
      const value = (name) => between(actor[name], tick, at.share);
      present.push({ actor, x: value("x"), y: value("y"), yaw: value("yaw"), speed: actor.speed[tick], seen: actor.seen[tick] > 0.5 });
    }
    return present;
  }

  drawRoad(context) {
    const { paths, drive, colours } = this;
    paths.areas.forEach((path, i) => {
      context.fillStyle = context.strokeStyle = colours[drive.road.areas[i].kind] || colours.other;
      context.lineWidth = 0.04;
      context.fill(path);
      context.stroke(path);
    });
    context.lineCap = "butt";
    paths.strokes.forEach((path, i) => {
      const { kind, color } = drive.road.strokes[i];
      context.strokeStyle = kind === "edge" ? colours.edge : colours[color] || colours.white;
      context.lineWidth = Math.max(0.15, 1.2 / this.view.scale);
      context.setLineDash(kind === "broken" ? [4, 5] : []);
      context.stroke(path);
    });
    context.setLineDash([]);
  }

  drawGates(context, tick) {
    context.lineWidth = Math.max(0.5, 2 / this.view.scale);
    for (const gate of this.drive.gates) {
      context.strokeStyle = GATE_COLOURS[gateState(gate, tick)] || this.colours.white;
      context.setLineDash(gate.kind === "yield" ? [0.6, 0.4] : []);
      context.beginPath();
      context.moveTo(gate.x[0], gate.y[0]);
      context.lineTo(gate.x[1], gate.y[1]);
      context.stroke();
    }
    context.setLineDash([]);
  }

  drawPaths(context, at) {
    const { ego, route } = this.drive;
    const here = this.view.ego;
    const trail = new Path2D();
    trail.moveTo(ego.x[0], ego.y[0]);
    for (let i = 1; i <= at.tick; i++) trail.lineTo(ego.x[i], ego.y[i]);
    trail.lineTo(here.x, here.y);
    context.strokeStyle = this.colours.ego;
    context.globalAlpha = 0.55;
    context.lineWidth = Math.max(0.22, 1.5 / this.view.scale);
    context.lineJoin = "round";
    context.stroke(trail);
    context.fillStyle = this.colours.ego;
    context.globalAlpha = 0.75;
    for (const point of route) {
      disc(context, between(point.x, at.tick, at.share), between(point.y, at.tick, at.share), Math.max(0.24, 2 / this.view.scale));
      context.fill();
    }
    context.globalAlpha = 1;
  }

  drawActor(context, item) {
    const { actor, seen } = item;
    const colour = this.colours[actor.kind];
    this.drawArrow(context, item, colour, seen ? 0.75 : 0.35);
    context.fillStyle = context.strokeStyle = colour;
    if (actor.kind === "pedestrian") {
      const radius = Math.max(0.42, 5 / this.view.scale);
      disc(context, item.x, item.y, radius);
      this.fillBody(context, seen);
      return;
    }
    context.save();
    context.translate(item.x, item.y);
    context.rotate(item.yaw);
    bodyPath(context, Math.max(actor.length, 0.4), Math.max(actor.width, 0.4));
    this.fillBody(context, seen);
    if (actor.kind !== "static") this.drawWindscreen(context, actor.length, actor.width, seen ? 0.55 : 0.2);
    context.restore();
  }

  fillBody(context, seen) {
    const pixel = 1 / this.view.scale;
    context.globalAlpha = seen ? 1 : 0.16;
    context.fill();
    context.globalAlpha = seen ? 1 : 0.8;
    context.lineWidth = (seen ? 1 : 1.4) * pixel;
    if (seen) context.strokeStyle = this.colours.ground;
    context.setLineDash(seen ? [] : [4 * pixel, 3 * pixel]);
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  drawWindscreen(context, length, width, alpha) {
    context.globalAlpha = alpha;
    context.fillStyle = "#0b0e12";
    context.beginPath();
    context.moveTo(0.3 * length, 0.4 * width);
    context.lineTo(0.3 * length, -0.4 * width);
    context.lineTo(0.14 * length, -0.32 * width);
    context.lineTo(0.14 * length, 0.32 * width);
    context.closePath();
    context.fill();
    context.globalAlpha = 1;
  }

  // An arrow to where the body will be in a second.
  drawArrow(context, body, colour, alpha) {
    if (Math.abs(body.speed) < 0.3) return;
    context.save();
    context.translate(body.x, body.y);
    context.rotate(body.yaw);
    context.globalAlpha = alpha;
    context.fillStyle = context.strokeStyle = colour;
    context.lineWidth = Math.max(0.12, 1.2 / this.view.scale);
    const end = body.speed;
    const head = Math.sign(end) * Math.min(0.9, Math.abs(end) / 2);
    context.beginPath();
    context.moveTo(0, 0);
    context.lineTo(end - head, 0);
    context.stroke();
    context.beginPath();
    context.moveTo(end, 0);
    context.lineTo(end - head, 0.42);
    context.lineTo(end - head, -0.42);
    context.fill();
    context.restore();
  }

  drawEgo(context, ego, tick) {
    const hit = this.drive.bookmarks.some((mark) => mark.kind === "collision" && mark.tick <= tick);
    const colour = hit ? this.colours.bad : this.colours.ego;
    this.drawArrow(context, ego, this.colours.ego, 0.8);
    context.save();
    context.translate(ego.x, ego.y);
    context.rotate(ego.yaw);
    context.fillStyle = colour;
    context.globalAlpha = 0.25;
    bodyPath(context, ego.length + 1.4, ego.width + 1.4);
    context.fill();
    context.globalAlpha = 1;
    bodyPath(context, ego.length, ego.width);
    context.fill();
    context.lineWidth = 1 / this.view.scale;
    context.strokeStyle = this.colours.ground;
    context.stroke();
    this.drawWindscreen(context, ego.length, ego.width, 0.6);
    context.restore();
  }

  toScreen(x, y) {
    const { ego, scale, cos, sin } = this.view;
    const dx = x - ego.x;
    const dy = y - ego.y;
    return { x: this.view.x + scale * (dx * cos + dy * sin), y: this.view.y - scale * (dy * cos - dx * sin) };
  }

  drawLabels(context, at) {
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "bottom";
    context.lineJoin = "round";
    context.lineWidth = 3;
    this.spots = this.actorsAt(at).map((item) => ({ item, ...this.toScreen(item.x, item.y) }));
    for (const spot of this.spots) {
      const turn = spot.item.yaw - this.view.ego.view;
      const { length, width } = spot.item.actor;
      const reach = Math.abs(Math.sin(turn)) * length + Math.abs(Math.cos(turn)) * width;
      const y = spot.y - Math.max(6, (reach / 2) * this.view.scale) - 3;
      context.globalAlpha = spot.item.seen ? 1 : 0.6;
      context.strokeStyle = this.colours.card;
      context.strokeText(spot.item.actor.id, spot.x, y);
      context.fillStyle = this.colours.text;
      context.fillText(spot.item.actor.id, spot.x, y);
    }
    context.globalAlpha = 1;
  }

  drawScale(context, width, height) {
    const metres = [1, 2, 5, 10, 20, 50, 100, 200].find((m) => m * this.view.scale > 60) || 500;
    const length = metres * this.view.scale;
    context.strokeStyle = context.fillStyle = this.colours.text;
    context.globalAlpha = 0.75;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(14, height - 18);
    context.lineTo(14, height - 13);
    context.lineTo(14 + length, height - 13);
    context.lineTo(14 + length, height - 18);
    context.stroke();
    context.textAlign = "left";
    context.fillText(metres + " m", 14, height - 18);
    context.globalAlpha = 1;
  }

  listen() {
    const { canvas, pointers } = this;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY * 0.0015));
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      canvas.classList.add("dragging");
    });
    canvas.addEventListener("pointermove", (event) => (pointers.has(event.pointerId) ? this.drag(event) : this.hover(event)));
    const release = (event) => {
      pointers.delete(event.pointerId);
      canvas.classList.remove("dragging");
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", () => (this.tip.hidden = true));
  }

  // One pointer moves the map, two zoom it by the change of their distance.
  drag(event) {
    const before = this.pointers.get(event.pointerId);
    const now = { x: event.clientX, y: event.clientY };
    if (this.pointers.size === 1) {
      this.pan.x += now.x - before.x;
      this.pan.y += now.y - before.y;
    } else {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
      const distance = (point) => Math.max(10, Math.hypot(point.x - other.x, point.y - other.y));
      this.zoomBy(distance(now) / distance(before));
    }
    this.pointers.set(event.pointerId, now);
    this.redraw();
  }

  hover(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    const near = (this.spots || []).map((spot) => ({ spot, away: Math.hypot(spot.x - x, spot.y - y) }))
      .sort((a, b) => a.away - b.away)[0];
    this.tip.hidden = !near || near.away > Math.max(14, 2.2 * this.view.scale);
    if (this.tip.hidden) return;
    const { item } = near.spot;
    const gap = Math.hypot(item.x - this.view.ego.x, item.y - this.view.ego.y);
    this.tip.textContent = `${item.actor.kind} ${item.actor.id}: ${item.speed.toFixed(1)} m/s, ${gap.toFixed(1)} m away${item.seen ? "" : ", hidden"}`;
    this.tip.style.left = Math.min(x + 12, box.width - this.tip.offsetWidth - 6) + "px";
    this.tip.style.top = Math.min(y + 14, box.height - this.tip.offsetHeight - 6) + "px";
  }
}

// What a stop line shows: its signal's last change at or before the tick.
function gateState(gate, tick) {
  let last = 0;
  while (last + 1 < gate.start.length && gate.start[last + 1] <= tick) last++;
  return gate.state[last];
}

function roadPath(line) {
  const path = new Path2D();
  for (let i = 0; i < line.x.length; i++) {
    if (i) path.lineTo(line.x[i], line.y[i]);
    else path.moveTo(line.x[i], line.y[i]);
  }
  if (!line.color) path.closePath();
  return path;
}

function disc(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

function bodyPath(context, length, width) {
  context.beginPath();
  context.roundRect(-length / 2, -width / 2, length, width, Math.min(0.35, width / 4));
}
