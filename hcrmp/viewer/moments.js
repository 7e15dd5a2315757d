// Moments: the list of what happened, with a switch for each kind of it.
class Moments {
  constructor(seek, changed) {
    this.seek = seek;
    this.changed = changed;
    this.list = byId("moments");
    this.off = new Set();
  }

  setDrives(moments, names) {
    this.moments = moments;
    this.names = names;
    this.passed = -2;
    const kinds = Object.keys(MARKS).filter((kind) => moments.some((moment) => moment.kind === kind));
    byId("kinds").replaceChildren(...(kinds.length > 1 ? kinds.map((kind) => this.chip(kind)) : []));
    this.rows = moments.map((moment) => this.row(moment));
    this.list.replaceChildren(...this.rows);
    if (!moments.length) this.list.append(element("li", "", "nothing happened"));
  }

  // A switch: what is off is neither listed nor marked nor jumped to.
  chip(kind) {
    const button = element("button", "kind");
    const count = this.moments.filter((moment) => moment.kind === kind).length;
    button.append(markOf(kind), String(count));
    button.title = `${MARKS[kind].name}: ${count}, shown or not`;
    button.setAttribute("aria-label", button.title);
    const show = () => button.setAttribute("aria-pressed", String(!this.off.has(kind)));
    button.addEventListener("click", () => {
      if (!this.off.delete(kind)) this.off.add(kind);
      show();
      this.changed();
    });
    show();
    return button;
  }

  row(moment) {
    const row = element("li");
    const button = element("button");
    const text = element("span", "label", moment.label);
    if (this.names) text.prepend(element("b", moment.drive ? "second" : "first", this.names[moment.drive]), " ");
    text.dir = "auto";
    button.title = moment.label.slice(0, 500);
    button.append(markOf(moment.kind), element("time", "", moment.time.toFixed(1) + " s"), text);
    button.addEventListener("click", () => this.seek(moment.time));
    row.append(button);
    return row;
  }

  isOn(moment) {
    return !this.off.has(moment.kind);
  }

  hide(markers) {
    this.moments.forEach((moment, i) => (this.rows[i].hidden = markers[i].hidden = !this.isOn(moment)));
  }

  // The moment before (-1) or after (+1) a time; the end of the drive where there is none.
  neighbour(time, direction, start, end) {
    const times = this.moments.filter((moment) => this.isOn(moment)).map((moment) => moment.time);
    const found = direction > 0 ? times.find((t) => t > time + 0.01) : times.filter((t) => t < time - 0.01).pop();
    return found === undefined ? (direction > 0 ? end : start) : found;
  }

  draw(time) {
    let passed = -1;
    while (passed + 1 < this.moments.length && this.moments[passed + 1].time <= time + 1e-6) passed++;
    if (passed === this.passed) return;
    this.rows[this.passed]?.classList.remove("now");
    this.passed = passed;
    this.rows[passed]?.classList.add("now");
    const row = this.rows[Math.max(0, passed)];
    if (row) this.list.scrollTop = row.offsetTop - this.list.offsetTop - 40;
  }

  // What has just happened, in words.
  words() {
    return this.moments[this.passed]?.label ?? "";
  }
}

// The bookmarks of all drives in the order of time.
function momentsOf(drives) {
  return drives.flatMap((drive, index) => drive.bookmarks.map((mark) => ({ ...mark, drive: index, time: drive.time[mark.tick] })))
    .sort((a, b) => a.time - b.time);
}
