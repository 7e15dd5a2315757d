// Timeline: the bar that shows and sets the time, with a mark for every bookmark.
const MARK_COLOURS = { collision: "bad", violation: "bad", danger: "amber", goal: "good", hint: "hintmark" };

class Timeline {
  constructor(box, seek) {
    this.box = box;
    this.seek = seek;
    this.played = document.getElementById("played");
    this.thumb = document.getElementById("thumb");
    this.markers = document.getElementById("markers");
    this.list = document.getElementById("moments");
    const to = (event) => {
      const bounds = box.getBoundingClientRect();
      seek(this.start + ((event.clientX - bounds.left) / bounds.width) * (this.end - this.start));
    };
    box.addEventListener("pointerdown", (event) => {
      if (event.target.classList.contains("marker")) return;
      box.setPointerCapture(event.pointerId);
      to(event);
    });
    box.addEventListener("pointermove", (event) => { if (event.buttons && box.hasPointerCapture(event.pointerId)) to(event); });
  }

  setDrive(drive) {
    this.drive = drive;
    this.start = drive.time[0];
    this.end = Math.max(drive.time[drive.time.length - 1], this.start + 1e-6);
    this.box.setAttribute("aria-valuemin", this.start);
    this.box.setAttribute("aria-valuemax", this.end);
    this.markers.replaceChildren(...drive.bookmarks.map((mark) => this.marker(mark)));
    this.rows = drive.bookmarks.map((mark) => this.row(mark));
    this.list.replaceChildren(...this.rows);
    if (!this.rows.length) this.list.append(element("li", "", "nothing happened"));
  }

  marker(mark) {
    const time = this.drive.time[mark.tick];
    const button = element("button", "marker " + mark.kind);
    button.style.left = (100 * (time - this.start)) / (this.end - this.start) + "%";
    button.style.setProperty("--mark", `var(--${MARK_COLOURS[mark.kind]})`);
    button.title = `${time.toFixed(1)} s: ${mark.label}`;
    button.setAttribute("aria-label", button.title);
    button.tabIndex = -1;
    button.addEventListener("click", () => this.seek(time));
    return button;
  }

  row(mark) {
    const time = this.drive.time[mark.tick];
    const row = element("li");
    const button = element("button");
    const dot = element("i");
    dot.style.setProperty("--mark", `var(--${MARK_COLOURS[mark.kind]})`);
    button.append(dot, element("time", "", time.toFixed(1) + " s"), element("span", "", mark.label));
    button.addEventListener("click", () => this.seek(time));
    row.append(button);
    return row;
  }

  // The bookmark before (-1) or after (+1) a time.
  neighbour(time, direction) {
    const times = this.drive.bookmarks.map((mark) => this.drive.time[mark.tick]);
    const found = direction > 0 ? times.find((t) => t > time + 0.01) : times.filter((t) => t < time - 0.01).pop();
    return found === undefined ? (direction > 0 ? this.end : this.start) : found;
  }

  draw(time, tick) {
    const share = (100 * (time - this.start)) / (this.end - this.start) + "%";
    this.played.style.width = share;
    this.thumb.style.left = share;
    this.box.setAttribute("aria-valuenow", time.toFixed(1));
    this.box.setAttribute("aria-valuetext", time.toFixed(1) + " seconds");
    const passed = this.drive.bookmarks.filter((mark) => mark.tick <= tick).length - 1;
    if (passed === this.passed) return;
    this.passed = passed;
    this.rows.forEach((row, i) => row.classList.toggle("now", i === passed));
    const row = this.rows[Math.max(0, passed)];
    if (row) this.list.scrollTop = row.offsetTop - this.list.offsetTop - 40;
  }
}
