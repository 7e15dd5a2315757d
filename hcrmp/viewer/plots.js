// Plot: curves over time, drawn once; a cursor moves over them.
const PLOT_MARGIN = { left: 44, right: 8, top: 6, bottom: 18 };

class Plot {
  // ``span`` is the time that all plots show; ``parted`` a moment to mark, or null.
  constructor(spec, span, parted, seek) {
    Object.assign(this, { spec, span, parted });
    [this.low, this.high] = plotRange(spec);
    this.box = element("div", "plot");
    const head = element("h3", "", spec.title);
    head.append(element("em", "", spec.unit));
    this.canvas = element("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", spec.title + " over time");
    this.cursor = element("div", "cursor");
    const area = element("div", "curves");
    area.append(this.canvas, this.cursor);
    this.box.append(head, this.legend(), area);
    this.dots = spec.lines.map(() => element("i"));
    if (!spec.stacked) this.cursor.append(...this.dots);
    this.ticks = spec.lines.map(() => -1);
    const to = (event) => seek(this.timeAt(event.clientX - this.canvas.getBoundingClientRect().left));
    this.canvas.addEventListener("pointerdown", (event) => { this.canvas.setPointerCapture(event.pointerId); to(event); });
    this.canvas.addEventListener("pointermove", (event) => { if (event.buttons && this.canvas.hasPointerCapture(event.pointerId)) to(event); });
  }

  // Lines of one name share an entry: a value for each drive.
  legend() {
    const box = element("div", "readings");
    const entries = new Map();
    this.readings = this.spec.lines.map((line) => {
      if (!entries.has(line.name)) {
        const entry = element("span");
        entries.set(line.name, entry);
        box.append(entry);
      }
      const entry = entries.get(line.name);
      const chip = element("i", line.dashed || line.thin ? "dashed" : "");
      chip.style.setProperty("--chip", `var(--${line.colour})`);
      const value = element("b");
      entry.append(chip, entry.childNodes.length ? " " : line.name + " ", value);
      return value;
    });
    return box;
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

  // Draws grid and curves.
  prepare() {
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    const context = fitted(this.canvas, this.width, this.height);
    context.clearRect(0, 0, this.width, this.height);
    this.drawGrid(context);
    if (this.spec.stacked) this.drawStack(context);
    else for (const line of this.spec.lines) this.drawLine(context, line);
    if (this.parted !== null) this.drawParting(context);
    this.spec.lines.forEach((line, i) => (this.dots[i].style.background = cssColour(line.colour)));
    this.ticks.fill(-1);
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
      context.fillText(number(value, 4).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, ""), PLOT_MARGIN.left - 6, y);
    }
    context.textBaseline = "bottom";
    context.textAlign = "center";
    for (const value of gridSteps(this.span.start, this.span.end, 5)) {
      const x = this.xAt(value);
      if (x > this.width - 16) continue;
      context.fillText(Number(value.toFixed(3)) + " s", Math.max(x, PLOT_MARGIN.left + 4), this.height);
    }
  }

  drawParting(context) {
    const x = Math.round(this.xAt(this.parted)) + 0.5;
    context.strokeStyle = cssColour("parting");
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(x, PLOT_MARGIN.top);
    context.lineTo(x, this.height - PLOT_MARGIN.bottom);
    context.stroke();
    context.setLineDash([]);
  }

  // Adds the points of a curve to the path: at most four for a pixel's column, its first, least, largest and last.
  trace(context, time, values, backwards) {
    const points = thinned(time, values, this.xAt(time[time.length - 1]) - this.xAt(time[0]));
    for (let n = 0; n < points.length; n++) {
      const i = points[backwards ? points.length - 1 - n : n];
      context.lineTo(this.xAt(time[i]), this.yAt(values[i]));
    }
  }

  drawLine(context, line) {
    context.strokeStyle = context.fillStyle = cssColour(line.colour);
    if (line.spread) {
      context.globalAlpha = 0.2;
      context.beginPath();
      this.trace(context, line.time, line.values.map((value, i) => value + line.spread[i]));
      this.trace(context, line.time, line.values.map((value, i) => value - line.spread[i]), true);
      context.fill();
      context.globalAlpha = 1;
    }
    context.lineWidth = line.thin ? 1.2 : 1.7;
    context.lineJoin = "round";
    context.setLineDash(line.dashed || line.thin ? [5, 3.5] : []);
    context.beginPath();
    this.trace(context, line.time, line.values);
    context.stroke();
    context.setLineDash([]);
    if (!line.area) return;
    const floor = this.yAt(line.below ? this.low : this.high);
    context.globalAlpha = 0.13;
    context.lineTo(this.xAt(line.time[line.time.length - 1]), floor);
    context.lineTo(this.xAt(line.time[0]), floor);
    context.fill();
    context.globalAlpha = 1;
  }

  drawStack(context) {
    let below = new Float64Array(this.spec.lines[0].time.length);
    for (const line of this.spec.lines) {
      const above = below.map((value, i) => value + line.values[i]);
      context.fillStyle = cssColour(line.colour);
      context.globalAlpha = 0.85;
      context.beginPath();
      this.trace(context, line.time, above);
      this.trace(context, line.time, below, true);
      context.fill();
      context.globalAlpha = 1;
      context.strokeStyle = cssColour("card");
      context.lineWidth = 1.5;
      context.beginPath();
      this.trace(context, line.time, above);
      context.stroke();
      below = above;
    }
  }

  draw(time) {
    this.cursor.style.transform = `translateX(${this.xAt(time)}px)`;
    this.spec.lines.forEach((line, i) => {
      const { tick } = locate(line.time, time);
      if (tick === this.ticks[i]) return;
      this.ticks[i] = tick;
      say(this.readings[i], number(line.values[tick], this.high - this.low < 0.5 ? 3 : 2));
      this.dots[i].style.transform = `translateY(${this.yAt(line.values[tick])}px)`;
    });
  }
}

function thinned(time, values, pixels) {
  if (time.length <= 2 * pixels) return [...time.keys()];
  const columns = Math.ceil(pixels);
  const kept = [];
  const scale = columns / (time[time.length - 1] - time[0]);
  for (let i = 0; i < time.length; ) {
    const column = Math.floor((time[i] - time[0]) * scale);
    let [least, most, last] = [i, i, i];
    for (let j = i; j < time.length && Math.floor((time[j] - time[0]) * scale) === column; j++) {
      if (values[j] < values[least]) least = j;
      if (values[j] > values[most]) most = j;
      last = j;
    }
    kept.push(...[...new Set([i, least, most, last])].sort((a, b) => a - b));
    i = last + 1;
  }
  return kept;
}
