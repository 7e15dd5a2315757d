// View: one drive on the page, and what its head and legend say of it.
const BADGES = { success: "good", running: "faint", timeout: "amber" };

// One drive on the page: its map, its panel, and where it is.
class View {
  constructor(drive, other, index) {
    Object.assign(this, { drive, other });
    this.map = new RoadMap(index, moveMaps);
    this.map.setDrive(drive, other);
    this.panel = new Panel(drive, index, other ? compared.names[index] : "");
    if (other) this.makeHead(index);
  }

  makeHead(index) {
    this.reading = element("span", "reading");
    this.badge = outcomeBadge(this.drive.meta);
    this.map.head.append(element("b", index ? "second" : "first", compared.names[index]), this.reading, this.badge);
  }

  draw(time) {
    const at = locate(this.drive.time, time);
    this.map.draw(at, this.other && locate(this.other.time, time));
    this.panel.show(at.tick);
    if (!this.other) return;
    const { ego, ttc, ttcHorizon } = this.drive;
    const last = this.drive.time[this.drive.time.length - 1];
    const risk = ttc[at.tick] < ttcHorizon ? `, ${ttc[at.tick].toFixed(1)} s to a collision` : "";
    say(this.reading, `${number(ego.speed[at.tick], 1)} m/s${risk}`);
    this.badge.hidden = time < last - 1e-6;
    const early = time < this.drive.time[0] - 1e-6;
    this.map.note.hidden = !early && time <= last + 1e-6;
    say(this.map.note, early ? `begins at ${this.drive.time[0].toFixed(1)} s` : `ended at ${last.toFixed(1)} s: ${outcomeOf(this.drive.meta)}`);
  }
}


function nameOf(meta) {
  return [words(meta.scenario), meta.density].filter(Boolean).join(", ");
}

// "running": it was cut short, or recorded where nobody judged it.
function outcomeOf(meta) {
  return meta.outcome === "running" ? "no outcome" : words(meta.outcome);
}

function outcomeBadge(meta) {
  const badge = element("span", "badge", outcomeOf(meta));
  badge.style.background = `var(--${BADGES[meta.outcome] || "bad"})`;
  return badge;
}

// Twelve digits tell a commit; "-dirty" says that the code was changed.
function shortCommit(commit) {
  return commit.replace(/^([0-9a-f]{12})[0-9a-f]+/, "$1");
}

function showHead(drives) {
  const { meta } = drives[0];
  const length = (timeline.end - timeline.start).toFixed(1) + " s";
  const told = drives.map((drive) => factsOf(drive.meta, length));
  say(byId("title"), nameOf(meta) || "drive");
  byId("outcome").replaceChildren(...(compared ? [] : [outcomeBadge(meta)]));
  byId("facts").replaceChildren(...Object.keys(Object.assign({}, ...told)).map((name) => {
    const fact = element("span", "", words(name) + " ");
    const value = element("b", "", [...new Set(told.map((facts) => facts[name] ?? "none"))].join(" | "));
    value.dir = "auto";
    fact.append(value);
    return fact;
  }));
}

function factsOf(meta, length) {
  const facts = { seed: meta.seed, planner: meta.planner, map: meta.map, simulator: meta.simulator, duration: length, commit: shortCommit(meta.commit), ...meta.extra };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== ""));
}

function showLegend(drives) {
  const entry = (name, className, colour) => {
    const item = element("span");
    const chip = element("i", className);
    if (colour) chip.style.background = `var(--${colour})`;
    item.append(chip, name);
    return item;
  };
  const egos = compared ? compared.names.map((name, i) => entry("ego, " + name, "", i ? "second" : "first")) : [entry("ego", "", "first")];
  const kinds = KINDS.filter((kind) => drives.some((drive) => drive.actors.some((actor) => actor.kind === kind)));
  byId("legend").replaceChildren(...egos, ...kinds.map((kind) => entry(kind, "", kind)), entry("hidden from the ego", "ghost"), entry("critical", "ring"),
    entry(drives.some((drive) => drive.told.scan) ? "rays that meet something, and their range" : "in sight", "ray"), element("span", "", "arrows: one second ahead"));
}
