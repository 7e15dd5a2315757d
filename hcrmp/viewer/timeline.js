// Timeline: the bar that shows and sets the time, with a mark for every moment; of two drives, one's above and one's below.
const MARKS = {
  collision: { name: "collision", colour: "bad" },
  violation: { name: "violation", colour: "bad" },
  danger: { name: "near miss", colour: "amber" },
  critical: { name: "critical", colour: "amber" },
  brake: { name: "hard brake", colour: "brake" },
  lane: { name: "lane border", colour: "parting" },
  signal: { name: "light", colour: "signal" },
  hint: { name: "hint", colour: "hintmark" },
  goal: { name: "goal", colour: "good" },
};

function markOf(kind) {
  const mark = element("i", "mark " + kind);
  mark.style.setProperty("--mark", `var(--${MARKS[kind].colour})`);
  return mark;
}

class Timeline {
  constructor(box, seek) {
    this.box = box;
    this.seek = seek;
    const to = (event) => {
      const bounds = box.getBoundingClientRect();
      seek(this.start + ((event.clientX - bounds.left) / bounds.width) * (this.end - this.start));
    };
    box.addEventListener("pointerdown", (event) => {
      if (event.target.closest(".marker")) return;
      box.setPointerCapture(event.pointerId);
      to(event);
    });
    box.addEventListener("pointermove", (event) => { if (event.buttons && box.hasPointerCapture(event.pointerId)) to(event); });
  }

  // ``moments`` as momentsOf returns them; ``parted`` is when two egos part, or null.
  setDrives(drives, moments, parted) {
    this.start = Math.min(...drives.map((drive) => drive.time[0]));
    this.end = Math.max(this.start + 1e-6, ...drives.map((drive) => drive.time[drive.time.length - 1]));
    this.box.classList.toggle("two", drives.length > 1);
    this.box.setAttribute("aria-valuemin", this.start);
    this.box.setAttribute("aria-valuemax", this.end);
    this.markers = moments.map((moment) => this.marker(moment));
    byId("markers").replaceChildren(...this.markers);
    byId("parting").hidden = parted === null;
    if (parted !== null) byId("parting").style.left = this.share(parted) + "%";
  }

  share(time) {
    return (100 * (time - this.start)) / (this.end - this.start);
  }

  marker(moment) {
    const button = element("button", "marker" + (moment.drive ? " below" : ""));
    button.append(markOf(moment.kind));
    button.style.left = this.share(moment.time) + "%";
    button.title = `${moment.time.toFixed(1)} s: ${moment.label}`;
    button.setAttribute("aria-label", button.title);
    button.tabIndex = -1;
    button.addEventListener("click", () => this.seek(moment.time));
    return button;
  }

  draw(time) {
    const share = this.share(time) + "%";
    byId("played").style.width = share;
    byId("thumb").style.left = share;
    this.box.setAttribute("aria-valuenow", time.toFixed(1));
    this.box.setAttribute("aria-valuetext", time.toFixed(1) + " seconds");
  }
}
