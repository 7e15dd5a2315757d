// Series: the page's data is deflated JSON in base64 (page.py); numbers arrive as differences of whole multiples of a quantum (packing.py), what lasts as runs.
async function unpack(letters) {
  const bytes = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function decode(series) {
  const values = new Float64Array(series.d.length);
  let whole = 0;
  for (let i = 0; i < values.length; i++) {
    whole += series.d[i];
    values[i] = whole * series.q;
  }
  return values;
}

// Decodes every series in a tree of objects and arrays; leaves the rest as it is.
function decodeAll(tree) {
  if (!tree || typeof tree !== "object") return tree;
  if (Array.isArray(tree)) return tree.length && typeof tree[0] === "object" ? tree.map(decodeAll) : tree;
  if (Array.isArray(tree.d) && "q" in tree) return decode(tree);
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, decodeAll(value)]));
}

function decodeDrive(raw, roads) {
  return { ...decodeAll(raw), told: { ...decodeAll({ ...raw.told, answers: null }), answers: raw.told.answers }, road: roads[raw.road] };
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

// The number of the run that a tick lies in: the last that starts at or before it.
function runAt(starts, tick) {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= tick) low = middle;
    else high = middle - 1;
  }
  return low;
}
