// Plots over time: the curves are drawn once; the cursor moves over them.
const PLOT_MARGIN = { left: 44, right: 8, top: 6, bottom: 18 };
const CRITICS = ["safety", "efficiency", "comfort"];

function plotSpecs(drive) {
  const { ego } = drive;
  const byCritic = (group) => CRITICS.map((name) => ({ name, colour: name, values: group[name] }));
  const specs = [
    { title: "Speed", unit: "m/s", floor: 0, lines: [
      { name: "ego", colour: "ego", values: ego.speed },
      { name: "limit", colour: "faint", values: ego.limit, dashed: true }] },
    { title: "Time to collision", unit: "s", floor: 0, ceiling: drive.ttcHorizon, lines: [
      { name: "minimum", colour: "bad", values: drive.ttc, area: true }] },
  ];
  if (drive.weights) specs.push({ title: "Critic weights", unit: "sum 1", floor: 0, ceiling: 1, stacked: true, lines: byCritic(drive.weights) });
  specs.push({ title: "Reward terms", unit: "each step", lines: byCritic(drive.rewards) });
  specs.push({ title: "Controls", unit: "steer positive left", lines: [
    { name: "throttle", colour: "good", values: ego.throttle },
    { name: "brake", colour: "bad", values: ego.brake },
    { name: "steer", colour: "amber", values: ego.steer }] });
  specs.push({ title: "Acceleration", unit: "m/s\u00b2", lines: [
    { name: "along", colour: "efficiency", values: ego.acceleration },
    { name: "lateral", colour: "comfort", values: ego.lateral }] });
  if (drive.values) specs.push({ title: "Value estimates", unit: "of each critic", lines: byCritic(drive.values) });
  return specs;
}

class Plot {
  constructor(spec, drive, seek) {
    this.spec = spec;
    this.drive = drive;
    this.box = element("div", "plot");
    const head = element("h3", "", spec.title);
    head.append(element("em", "", spec.unit));
    const legend = element("div", "readings");
    this.readings = spec.lines.map((line) => {
      const reading = element("span");
      line.chip = element("i");
      reading.append(line.chip, line.name + " ", element("b"));
      legend.append(reading);
      return reading.lastChild;
    });
    this.canvas = element("canvas");
    this.canvas.setAttribute("aria-label", spec.title + " over time");
    this.box.append(head, legend, this.canvas);
    this.curves = document.createElement("canvas");
    const to = (event) => seek(this.timeAt(event.clientX - this.canvas.getBoundingClientRect().left));
    this.canvas.addEventListener("pointerdown", (event) => { this.canvas.setPointerCapture(event.pointerId); to(event); });
    this.canvas.addEventListener("pointermove", (event) => { if (event.buttons && this.canvas.hasPointerCapture(event.pointerId)) to(event); });
    [this.low, this.high] = plotRange(spec);
  }

  get span() {
    const { time } = this.drive;
    return { start: time[0], end: Math.max(time[time.length - 1], time[0] + 1e-6) };
  }

  xAt(time) {
    const { start, end } = this.span;
    return PLOT_MARGIN.left + ((time - start) / (end - start)) * (this.width - PLOT_MARGIN.left - PLOT_MARGIN.right);
  }

  timeAt(x) {
    const { start, end } = this.span;
    return start + ((x - PLOT_MARGIN.left) / (this.width - PLOT_MARGIN.left - PLOT_MARGIN.right)) * (end - start);
  }

  yAt(value) {
    const share = (Math.min(this.high, Math.max(this.low, value)) - this.low) / (this.high - this.low);
    return this.height - PLOT_MARGIN.bottom - share * (this.height - PLOT_MARGIN.top - PLOT_MARGIN.bottom);
  }

  // Draws grid and curves to a canvas of their own.
  prepare() {
    fitted(this.canvas);
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.curves.width = this.canvas.width;
    this.curves.height = this.canvas.height;
    const context = this.curves.getContext("2d");
    context.scale(this.canvas.width / this.width, this.canvas.height / this.height);
    this.ink = cssColour("text");
    for (const line of this.spec.lines) line.ink = line.chip.style.background = cssColour(line.colour);
    this.drawGrid(context);
    if (this.spec.stacked) this.drawStack(context);
    else this.spec.lines.forEach((line) => this.drawLine(context, line));
  }

  drawGrid(context) {
    context.font = "10.5px system-ui, sans-serif";
    context.fillStyle = cssColour("faint");
    context.strokeStyle = cssColour("line");
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of gridSteps(this.low, this.high, 4)) {
      const y = Math.round(this.yAt(value)) + 0.5;
      context.beginPath();
      context.moveTo(PLOT_MARGIN.left, y);
      context.lineTo(this.width - PLOT_MARGIN.right, y);
      context.stroke();
      context.fillText(trimmed(value), PLOT_MARGIN.left - 6, y);
    }
    context.textBaseline = "bottom";
    context.textAlign = "center";
    const { start, end } = this.span;
    for (const value of gridSteps(start, end, 5)) {
      const x = this.xAt(value);
      if (x > this.width - 16) continue;
      context.fillText(trimmed(value) + " s", Math.max(x, PLOT_MARGIN.left + 4), this.height);
    }
  }

  trace(context, values, backwards) {
    const { time } = this.drive;
    for (let n = 0; n < time.length; n++) {
      const i = backwards ? time.length - 1 - n : n;
      context.lineTo(this.xAt(time[i]), this.yAt(values[i]));
    }
  }

  drawLine(context, line) {
    context.strokeStyle = context.fillStyle = line.ink;
    context.lineWidth = 1.6;
    context.lineJoin = "round";
    context.setLineDash(line.dashed ? [4, 4] : []);
    context.beginPath();
    this.trace(context, line.values);
    context.stroke();
    context.setLineDash([]);
    if (!line.area) return;
    const { start, end } = this.span;
    context.globalAlpha = 0.12;
    context.lineTo(this.xAt(end), this.yAt(this.high));
    context.lineTo(this.xAt(start), this.yAt(this.high));
    context.fill();
    context.globalAlpha = 1;
  }

  drawStack(context) {
    let below = new Float64Array(this.drive.time.length);
    for (const line of this.spec.lines) {
      const above = below.map((value, i) => value + line.values[i]);
      context.fillStyle = line.ink;
      context.globalAlpha = 0.8;
      context.beginPath();
      this.trace(context, above);
      this.trace(context, below, true);
      context.fill();
      below = above;
    }
    context.globalAlpha = 1;
  }

  draw(at, time) {
    const context = fitted(this.canvas);
    context.clearRect(0, 0, this.width, this.height);
    context.drawImage(this.curves, 0, 0, this.width, this.height);
    const x = this.xAt(time);
    context.strokeStyle = this.ink;
    context.globalAlpha = 0.7;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, PLOT_MARGIN.top);
    context.lineTo(x, this.height - PLOT_MARGIN.bottom);
    context.stroke();
    context.globalAlpha = 1;
    this.spec.lines.forEach((line, i) => {
      const value = between(line.values, at.tick, at.share);
      this.readings[i].textContent = line.values[at.tick].toFixed(this.high - this.low < 0.5 ? 3 : 2).replace("-", "\u2212");
      if (this.spec.stacked) return;
      context.fillStyle = line.ink;
      disc(context, x, this.yAt(value), 3);
      context.fill();
    });
  }
}

function plotRange(spec) {
  let low = spec.floor === undefined ? Infinity : spec.floor;
  let high = spec.ceiling === undefined ? -Infinity : spec.ceiling;
  if (spec.floor === undefined || spec.ceiling === undefined) {
    for (const line of spec.lines) {
      for (const value of line.values) {
        if (spec.floor === undefined) low = Math.min(low, value);
        if (spec.ceiling === undefined) high = Math.max(high, value);
      }
    }
    const air = 0.06 * Math.max(high - low, 0.05);
    if (spec.ceiling === undefined) high += air;
    if (spec.floor === undefined) low -= air;
  }
  return [low, high];
}

// Round numbers from low to high, about as many as asked for.
function gridSteps(low, high, count) {
  const rough = (high - low) / count;
  const power = Math.pow(10, Math.floor(Math.log10(rough)));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.99);
  const steps = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n++) steps.push(n * step);
  return steps;
}

function trimmed(value) {
  return String(Number(value.toFixed(4))).replace("-", "\u2212");
}
