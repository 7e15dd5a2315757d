// Panel: what holds at this moment of one drive: numbers, the hint with its prompt and answer, weights and controls.
class Panel {
  // ``name`` of the drive where there are two, else "".
  constructor(drive, index, name) {
    this.drive = drive;
    this.seen = { hint: -1, answer: -2, tick: -1 };
    this.tiles = this.makeTiles();
    this.card = element("div", "card panel");
    if (name) {
      const head = element("h2", "whose " + (index ? "second" : "first"), name);
      this.card.append(head);
    }
    this.makeHint();
    this.makeBars();
  }

  makeTiles() {
    const box = element("div", "tiles");
    const make = (name, unit) => {
      const tile = element("div", "tile");
      const value = element("b");
      tile.append(element("span", "", name), value, element("em", "", unit));
      box.append(tile);
      return { tile, value };
    };
    this.speed = make("speed", "m/s");
    this.limit = make("limit", "m/s");
    this.ttc = make("to collision", "s");
    this.sight = make("in sight", "");
    this.light = make("light", "");
    this.route = this.drive.meta.routeLength > 0 ? make("of the route", "%") : make("driven", "m");
    return box;
  }

  makeHint() {
    const head = element("h2", "", "Hint ");
    this.source = element("small");
    head.append(this.source);
    this.text = element("p", "hinttext");
    this.text.dir = "auto";
    this.text.classList.toggle("short", this.drive.hints.text.every((text) => !text));
    this.card.append(head, this.text);
    if (!this.drive.told.answers.length) return;
    this.details = element("details", "answer");
    this.summary = element("summary");
    this.prompt = element("pre");
    this.answer = element("pre");
    this.prompt.dir = this.answer.dir = "auto";
    this.prompt.tabIndex = this.answer.tabIndex = 0;
    this.details.append(this.summary, element("h3", "", "Prompt"), this.prompt, element("h3", "", "Raw answer"), this.answer);
    // Long texts are laid out only for who wants to read them.
    this.details.addEventListener("toggle", () => this.showAnswer(true));
    this.card.append(this.details);
  }

  makeBars() {
    this.bars = {};
    const group = (title, names) => {
      const box = element("div", "bars");
      for (const [name, colour] of Object.entries(names)) {
        this.bars[name] = bar(name, colour);
        box.append(this.bars[name].row);
      }
      this.card.append(element("h2", "", title), box);
    };
    if (this.drive.trace.weights) group("Critic weights", { safety: "safety", efficiency: "efficiency", comfort: "comfort" });
    group("Controls", CONTROLS);
  }

  show(tick) {
    if (tick === this.seen.tick) return;
    this.seen.tick = tick;
    this.showTiles(tick);
    this.showHint(tick);
    this.showBars(tick);
  }

  showTiles(tick) {
    const { ego, meta } = this.drive;
    const limit = ego.limit[tick];
    say(this.speed.value, number(ego.speed[tick], 1));
    this.speed.tile.classList.toggle("warn", limit > 0 && ego.speed[tick] > 1.02 * limit);
    say(this.limit.value, limit > 0 ? limit.toFixed(1) : "none");
    say(this.limit.tile.lastChild, limit > 0 ? "m/s" : "");
    const risk = this.drive.ttc[tick];
    say(this.ttc.value, risk >= this.drive.ttcHorizon ? "> " + this.drive.ttcHorizon : risk.toFixed(1));
    this.ttc.tile.classList.toggle("alarm", risk < 1.5);
    this.ttc.tile.classList.toggle("warn", risk >= 1.5 && risk < 3);
    const present = actorsAt(this.drive.actors, { tick, share: 0 });
    say(this.sight.value, `${present.filter((item) => item.seen).length} of ${present.length}`);
    const { signal } = this.drive;
    const state = signal.state[runAt(signal.start, tick)];
    say(this.light.value, state === "none" ? "none" : state);
    say(this.light.tile.lastChild, state === "none" ? "" : `${signal.ahead[tick].toFixed(0)} m`);
    this.light.tile.dataset.state = state;
    say(this.route.value, meta.routeLength > 0 ? Math.min(100, (100 * ego.progress[tick]) / meta.routeLength).toFixed(0) : ego.progress[tick].toFixed(0));
  }

  showHint(tick) {
    const { hints } = this.drive;
    const run = runAt(hints.start, tick);
    say(this.source, hints.source[run] ? `${hints.source[run]}, ${hints.age[tick].toFixed(1)} s old` : "");
    if (this.details) this.showAnswer(false);
    if (run === this.seen.hint) return;
    this.seen.hint = run;
    say(this.text, hints.text[run] || "no hint");
  }

  showAnswer(opened) {
    const { answers, answer } = this.drive.told;
    const index = answer ? answer[this.seen.tick] : -1;
    if (index === this.seen.answer && !opened) return;
    this.seen.answer = index;
    const [asked, source, prompt, said] = answers[index] || [0, "", "", ""];
    this.details.classList.toggle("none", index < 0);
    say(this.summary, index < 0 ? "No prompt: no model was asked for this hint" : `Prompt and answer, ${asked.toFixed(1)} s, ${source}`);
    if (!this.details.open) return;
    say(this.prompt, prompt || "none");
    say(this.answer, said || "none");
  }

  showBars(tick) {
    const { ego, trace } = this.drive;
    if (trace.weights) for (const name of CRITICS) this.bars[name].set(0, trace.weights[name][tick], trace.weights[name][tick].toFixed(2));
    for (const name of ["throttle", "brake"]) this.bars[name].set(0, ego[name][tick], ego[name][tick].toFixed(2));
    // Left is left: a positive command grows to the left of the middle.
    const steer = ego.steer[tick];
    this.bars.steer.set(Math.min(0.5, 0.5 - steer / 2), Math.max(0.5, 0.5 - steer / 2), (steer > 0 ? "+" : "") + number(steer, 2));
  }
}

function bar(name, colour) {
  const row = element("div", "bar");
  const rail = element("div");
  const fill = element("i");
  fill.style.background = `var(--${colour})`;
  rail.append(fill);
  const value = element("span");
  row.append(element("span", "", name), rail, value);
  const set = (low, high, text) => {
    fill.style.left = 100 * Math.max(0, low) + "%";
    fill.style.width = 100 * Math.max(0, Math.min(1, high) - Math.max(0, low)) + "%";
    say(value, text);
  };
  return { row, set };
}
