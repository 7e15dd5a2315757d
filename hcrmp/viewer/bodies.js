// Bodies: road users from above. Colour and shape both tell the kind, so that colour alone never has to.
const KINDS = ["car", "truck", "bus", "motorcycle", "pedestrian", "cyclist", "static"];
const LEAST_PIXELS = 3.5;

function disc(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

function boxPath(context, rear, right, length, width, corner) {
  context.beginPath();
  context.roundRect(rear, right, length, width, Math.min(corner, width / 3, length / 3));
}

// Draws a body in its own frame: x ahead, y left, metres. ``pixel`` is a pixel's size in metres.
function drawBody(context, kind, length, width, style, pixel) {
  const draw = BODY_SHAPES[kind] || drawCar;
  const long = Math.max(length, LEAST_PIXELS * pixel);
  const wide = Math.max(width, LEAST_PIXELS * pixel);
  context.lineWidth = (style.seen ? 1 : 1.5) * pixel;
  context.setLineDash(style.seen ? [] : [4 * pixel, 3 * pixel]);
  draw(context, long, wide, style, pixel);
  context.setLineDash([]);
  context.globalAlpha = 1;
}

// Fills and outlines the present path: solid where seen, a dashed ghost where hidden.
function paint(context, { seen, colour, edge }) {
  context.fillStyle = colour;
  context.strokeStyle = seen ? edge : colour;
  context.globalAlpha = seen ? 1 : 0.14;
  context.fill();
  context.globalAlpha = seen ? 1 : 0.85;
  context.stroke();
}

function paintGlass(context, { seen, glass }, ...shapes) {
  context.globalAlpha = seen ? 0.62 : 0.16;
  context.fillStyle = glass;
  for (const points of shapes) {
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.fill();
  }
}

function drawCar(context, length, width, style) {
  boxPath(context, -length / 2, -width / 2, length, width, 0.45);
  paint(context, style);
  const screen = (x, deep, outer, inner) =>
    [[x * length, outer * width], [x * length, -outer * width], [(x - deep) * length, -inner * width], [(x - deep) * length, inner * width]];
  paintGlass(context, style, screen(0.27, 0.14, 0.42, 0.34), screen(-0.28, 0.08, 0.34, 0.4));
}

function drawTruck(context, length, width, style) {
  const cab = Math.min(2.3, 0.3 * length);
  boxPath(context, length / 2 - cab, -0.46 * width, cab, 0.92 * width, 0.35);
  paint(context, style);
  boxPath(context, -length / 2, -width / 2, length - cab - 0.25, width, 0.12);
  paint(context, style);
  const front = length / 2 - 0.18 * cab;
  paintGlass(context, style, [[front, 0.36 * width], [front, -0.36 * width], [front - 0.25 * cab, -0.36 * width], [front - 0.25 * cab, 0.36 * width]]);
}

function drawBus(context, length, width, style) {
  boxPath(context, -length / 2, -width / 2, length, width, 0.4);
  paint(context, style);
  const front = length / 2;
  const hatch = (x) => [[x, 0.16 * width], [x, -0.16 * width], [x - 0.1 * length, -0.16 * width], [x - 0.1 * length, 0.16 * width]];
  paintGlass(context, style, [[front - 0.15, 0.42 * width], [front - 0.15, -0.42 * width], [front - 0.75, -0.42 * width], [front - 0.75, 0.42 * width]],
    hatch(0.25 * length), hatch(-0.15 * length));
}

function drawRider(context, length, width, style, pixel) {
  boxPath(context, -length / 2, -0.16 * width, length, 0.32 * width, 0.2);
  paint(context, style);
  boxPath(context, 0.2 * length, -width / 2, 0.12 * length, width, 0.1);
  paint(context, style);
  disc(context, -0.08 * length, 0, Math.max(0.3 * width, 2.2 * pixel));
  paint(context, style);
}

function drawCyclist(context, length, width, style, pixel) {
  const wheel = 0.24 * length;
  for (const x of [length / 2 - wheel, -length / 2 + wheel]) {
    context.beginPath();
    context.ellipse(x, 0, wheel, 0.12, 0, 0, 2 * Math.PI);
    paint(context, style);
  }
  disc(context, 0, 0, Math.max(0.5 * width, 2.8 * pixel));
  paint(context, style);
}

function drawPedestrian(context, length, width, style, pixel) {
  const radius = Math.max(0.42, 5 * pixel);
  disc(context, 0, 0, radius);
  paint(context, style);
  if (!style.seen) return;
  context.fillStyle = style.edge;
  disc(context, 0, 0, 0.38 * radius);
  context.fill();
}

function drawStatic(context, length, width, style, pixel) {
  boxPath(context, -length / 2, -width / 2, length, width, 0.05);
  paint(context, style);
  context.save();
  context.clip();
  context.beginPath();
  const gap = Math.max(0.7, 6 * pixel);
  for (let x = -length / 2 - width; x < length / 2; x += gap) {
    context.moveTo(x, -width / 2);
    context.lineTo(x + width, width / 2);
  }
  context.strokeStyle = style.seen ? style.glass : style.colour;
  context.globalAlpha = 0.5;
  context.stroke();
  context.restore();
}

const BODY_SHAPES = {
  car: drawCar, truck: drawTruck, bus: drawBus, motorcycle: drawRider, cyclist: drawCyclist, pedestrian: drawPedestrian, static: drawStatic,
};

// An arrow in the body's frame to where it will be in a second.
function drawArrow(context, speed, colour, alpha, pixel) {
  if (Math.abs(speed) < 0.3) return;
  const wide = Math.max(0.42, 3.5 * pixel);
  const head = Math.sign(speed) * Math.min(2.2 * wide, Math.abs(speed) / 2);
  context.globalAlpha = alpha;
  context.fillStyle = context.strokeStyle = colour;
  context.lineWidth = Math.max(0.12, 1.3 * pixel);
  context.beginPath();
  context.moveTo(0, 0);
  context.lineTo(speed - head, 0);
  context.stroke();
  context.beginPath();
  context.moveTo(speed, 0);
  context.lineTo(speed - head, wide);
  context.lineTo(speed - head, -wide);
  context.fill();
  context.globalAlpha = 1;
}
