// Road: areas, marks and stop lines; what lies outside the view is left out.
const GATE_COLOURS = { green: "go", yellow: "wait", red: "halt" };
const GRID_M = 10;

class Road {
  constructor(road, gates) {
    this.areas = road.areas.map((item) => shapeOf(item, true));
    this.strokes = road.strokes.map((item) => shapeOf(item, false));
    this.gates = gates;
    this.bare = !road.areas.length && !road.strokes.length;
  }

  // ``view`` has scale, centre x, y and reach, all in metres of the world.
  draw(context, view, tick, colours) {
    if (this.bare) drawGrid(context, view, colours);
    for (const shape of this.areas) {
      if (!meets(shape, view)) continue;
      context.fillStyle = context.strokeStyle = colours[shape.kind] || colours.other;
      context.lineWidth = 0.04;
      context.fill(shape.path);
      context.stroke(shape.path);
    }
    context.lineCap = "butt";
    for (const shape of this.strokes) {
      if (!meets(shape, view)) continue;
      context.strokeStyle = shape.kind === "edge" ? colours.edge : colours[shape.color] || colours.white;
      context.lineWidth = Math.max(0.15, 1.2 / view.scale);
      context.setLineDash(shape.kind === "broken" ? [4, 5] : []);
      context.stroke(shape.path);
    }
    context.setLineDash([]);
    this.drawGates(context, view, tick, colours);
  }

  // A stop line has the colour of its signal; red is also broken by a gap and yellow by two, for who sees no colours.
  drawGates(context, view, tick, colours) {
    context.lineWidth = Math.max(0.5, 2.5 / view.scale);
    for (const gate of this.gates) {
      const state = gate.state[runAt(gate.start, tick)];
      context.strokeStyle = colours[GATE_COLOURS[state]] || colours.white;
      const length = Math.hypot(gate.x[1] - gate.x[0], gate.y[1] - gate.y[0]);
      context.setLineDash(gatePattern(gate.kind === "yield" ? "yield" : state, length));
      context.beginPath();
      context.moveTo(gate.x[0], gate.y[0]);
      context.lineTo(gate.x[1], gate.y[1]);
      context.stroke();
    }
    context.setLineDash([]);
  }
}

function gatePattern(state, length) {
  if (state === "yield") return [0.6, 0.4];
  if (state === "yellow") return [0.28 * length, 0.08 * length];
  if (state === "green") return [0.16 * length, 0.68 * length];
  return [];
}

function shapeOf(line, closed) {
  const path = new Path2D();
  for (let i = 0; i < line.x.length; i++) {
    if (i) path.lineTo(line.x[i], line.y[i]);
    else path.moveTo(line.x[i], line.y[i]);
  }
  if (closed) path.closePath();
  return { kind: line.kind, color: line.color, path, ...boundsOf(line.x, line.y, 0, line.x.length) };
}

function boundsOf(xs, ys, from, to) {
  const bounds = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity };
  for (let i = from; i < to; i++) {
    bounds.west = Math.min(bounds.west, xs[i]);
    bounds.east = Math.max(bounds.east, xs[i]);
    bounds.south = Math.min(bounds.south, ys[i]);
    bounds.north = Math.max(bounds.north, ys[i]);
  }
  return bounds;
}

function meets(box, { x, y, reach }) {
  return box.west <= x + reach && box.east >= x - reach && box.south <= y + reach && box.north >= y - reach;
}

// Without a road, lines every ten metres show the motion.
function drawGrid(context, view, colours) {
  const step = GRID_M * Math.max(1, Math.ceil(6 / (view.scale * GRID_M)) ** 2);
  context.strokeStyle = colours.faint;
  context.globalAlpha = 0.35;
  context.lineWidth = 1 / view.scale;
  context.beginPath();
  for (let n = Math.ceil((view.x - view.reach) / step); n * step <= view.x + view.reach; n++) {
    context.moveTo(n * step, view.y - view.reach);
    context.lineTo(n * step, view.y + view.reach);
  }
  for (let n = Math.ceil((view.y - view.reach) / step); n * step <= view.y + view.reach; n++) {
    context.moveTo(view.x - view.reach, n * step);
    context.lineTo(view.x + view.reach, n * step);
  }
  context.stroke();
  context.globalAlpha = 1;
}

function drawScale(context, scale, height, colours) {
  const metres = [1, 2, 5, 10, 20, 50, 100, 200].find((m) => m * scale > 60) || 500;
  const length = metres * scale;
  context.strokeStyle = context.fillStyle = colours.text;
  context.globalAlpha = 0.75;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(14, height - 18);
  context.lineTo(14, height - 13);
  context.lineTo(14 + length, height - 13);
  context.lineTo(14 + length, height - 18);
  context.stroke();
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.fillText(metres + " m", 14, height - 18);
  context.globalAlpha = 1;
}
