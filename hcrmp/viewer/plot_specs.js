// What is plotted. A line has a name, a colour, times and values; of two drives the second's lines are dashed.
const CRITICS = ["safety", "efficiency", "comfort"];
const FURTHER = ["throttle", "second", "parting"]; // colours of critics beside the three
const CONTROLS = { throttle: "throttle", brake: "brake", steer: "steer" };
const ACTIONS = ["longitudinal", "steer"];

function plotSpecs(drives, apart) {
  const two = drives.length > 1;
  // ``lines`` gives a drive's lines; each drive that has them brings its own.
  const plot = (title, unit, lines, more) => ({
    title, unit, ...more,
    lines: drives.flatMap((drive, index) => lines(drive, ["first", "second"][index]).filter((line) => line.values)
      .map((line) => ({ ...line, time: drive.time, drive: index, dashed: line.dashed || (two && index > 0) }))),
  });
  const critics = (group) => (drive) => Object.entries(drive.trace[group] || {}).map(([name, values], index) => ({
    name, values, colour: CRITICS.includes(name) ? name : FURTHER[(index - CRITICS.length) % FURTHER.length] }));
  const specs = [
    plot("Speed", "m/s", (drive, own) => [
      { name: "ego", colour: own, values: drive.ego.speed },
      { name: "limit", colour: "faint", values: drive.ego.limit.some((limit) => limit > 0) && (!two || own === "first") && drive.ego.limit, thin: true }], { floor: 0 }),
    plot("Time to collision", "s", (drive, own) => [{ name: "least", colour: two ? own : "bad", values: drive.ttc, area: !two }],
      { floor: 0, ceiling: drives[0].ttcHorizon }),
    apart && { title: "Distance between the egos", unit: "m", floor: 0, lines: [{ name: "apart", colour: "parting", time: apart.time, values: apart.metres, drive: 0, area: true, below: true }] },
    plot("Critic weights", "sum 1", critics("weights"), { floor: 0, ceiling: 1, stacked: !two }),
    plot("Value estimates", "of each critic", critics("values")),
    plot("Reward terms", "each step", critics("rewards")),
    plot("Controls", "steer positive left", (drive) => Object.entries(CONTROLS).map(([name, colour]) => ({ name, colour, values: drive.ego[name] }))),
    ...ACTIONS.map((action) => plot(`Policy: ${action}`, "mean and spread", (drive, own) => [
      { name: "mean", colour: own, values: drive.told.policy?.[action].mean, spread: drive.told.policy?.[action].spread },
      { name: "taken", colour: "faint", values: !two && drive.told.policy && drive.trace.taken[action], thin: true }], { floor: -1, ceiling: 1 })),
    plot("Acceleration", "m/s\u00b2", (drive) => [
      { name: "along", colour: "efficiency", values: drive.ego.acceleration },
      { name: "lateral", colour: "comfort", values: drive.ego.lateral }]),
  ];
  // What is zero throughout, as the rewards of a recording that no planner drove, is no curve.
  return specs.filter((spec) => spec && spec.lines.some((line) => line.values.some((value) => value !== 0)));
}

function plotRange(spec) {
  let low = spec.floor ?? Infinity;
  let high = spec.ceiling ?? -Infinity;
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
