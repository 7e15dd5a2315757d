// Series: numbers arrive as differences of whole multiples of a quantum (encode.py).
function decode(series) {
  const values = new Float64Array(series.d.length);
  let whole = 0;
  for (let i = 0; i < values.length; i++) {
    whole += series.d[i];
    values[i] = whole * series.q;
  }
  return values;
}

function decodeAll(group) {
  const result = {};
  for (const [name, value] of Object.entries(group)) {
    result[name] = value && value.d ? decode(value) : value;
  }
  return result;
}

function decodeRoad(road) {
  const line = (item) => ({ kind: item.kind, color: item.color, x: decode(item.x), y: decode(item.y) });
  return { areas: road.areas.map(line), strokes: road.strokes.map(line) };
}

function decodeDrive(raw, roads) {
  return {
    meta: raw.meta,
    road: roads[raw.road],
    time: decode(raw.time),
    ego: decodeAll(raw.ego),
    route: raw.route.map(decodeAll),
    signal: raw.signal,
    gates: raw.gates,
    actors: raw.actors.map(decodeAll),
    hints: { start: raw.hints.start, text: raw.hints.text, source: raw.hints.source, age: decode(raw.hints.age) },
    rewards: decodeAll(raw.trace.rewards),
    weights: raw.trace.weights && decodeAll(raw.trace.weights),
    values: raw.trace.values && decodeAll(raw.trace.values),
    ttc: decode(raw.ttc),
    ttcHorizon: raw.ttcHorizon,
    bookmarks: raw.bookmarks,
  };
}

// Where a time lies: the last tick at or before it, and the share of the way to the next.
function locate(times, time) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= time + 1e-9) low = middle;
    else high = middle - 1;
  }
  const next = times[Math.min(low + 1, times.length - 1)];
  const span = next - times[low];
  return { tick: low, share: span > 0 ? Math.min(1, Math.max(0, (time - times[low]) / span)) : 0 };
}

function between(values, tick, share) {
  const next = Math.min(tick + 1, values.length - 1);
  return values[tick] + share * (values[next] - values[tick]);
}

function hintAt(hints, tick) {
  let index = 0;
  while (index + 1 < hints.start.length && hints.start[index + 1] <= tick) index++;
  return { text: hints.text[index], source: hints.source[index], age: hints.age[tick] };
}

function cssColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// Fits a canvas to its box and the screen's pixels; returns its context, scaled to CSS pixels.
function fitted(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
