// Camera: from metres to pixels, moved by pointer and wheel. The route runs to the right and the ego stays in place
// until the map is dragged.
const MAP_METRES = 68;
const ZOOMS = { least: 0.03, most: 8 };

class Camera {
  constructor(canvas, moved) {
    this.canvas = canvas;
    this.moved = moved;
    this.pointers = new Map();
    this.reset();
    this.listen();
  }

  reset() {
    this.zoom = 1;
    this.pan = { x: 0, y: 0 };
  }

  zoomBy(factor) {
    this.zoom = Math.min(ZOOMS.most, Math.max(ZOOMS.least, this.zoom * factor));
  }

  // Points at the ego: ``width`` and ``height`` of the canvas in CSS pixels.
  aim(ego, width, height) {
    const scale = (this.zoom * Math.max(width, 520)) / MAP_METRES;
    Object.assign(this, { ego, scale, left: width / 3 + this.pan.x, top: height / 2 + this.pan.y, cos: Math.cos(ego.view), sin: Math.sin(ego.view) });
    const middle = this.toWorld(width / 2, height / 2);
    this.view = { scale, x: middle.x, y: middle.y, reach: Math.hypot(width, height) / 2 / scale };
  }

  apply(context) {
    context.translate(this.left, this.top);
    context.scale(this.scale, -this.scale);
    context.rotate(-this.ego.view);
    context.translate(-this.ego.x, -this.ego.y);
  }

  toScreen(x, y) {
    const dx = x - this.ego.x;
    const dy = y - this.ego.y;
    return { x: this.left + this.scale * (dx * this.cos + dy * this.sin), y: this.top - this.scale * (dy * this.cos - dx * this.sin) };
  }

  toWorld(x, y) {
    const ahead = (x - this.left) / this.scale;
    const left = (this.top - y) / this.scale;
    return { x: this.ego.x + ahead * this.cos - left * this.sin, y: this.ego.y + ahead * this.sin + left * this.cos };
  }

  listen() {
    const { canvas, pointers } = this;
    canvas.addEventListener("wheel", (event) => {
      // Without a modifier a wheel over the map zooms it; the page still scrolls over everything else.
      event.preventDefault();
      this.moved({ zoom: Math.exp(-event.deltaY * 0.0015) });
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      canvas.classList.add("dragging");
    });
    canvas.addEventListener("pointermove", (event) => { if (pointers.has(event.pointerId)) this.drag(event); });
    const release = (event) => {
      pointers.delete(event.pointerId);
      canvas.classList.remove("dragging");
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
  }

  // One pointer moves the map, two zoom it by the change of their distance.
  drag(event) {
    const before = this.pointers.get(event.pointerId);
    const now = { x: event.clientX, y: event.clientY };
    this.pointers.set(event.pointerId, now);
    if (this.pointers.size === 1) return this.moved({ x: now.x - before.x, y: now.y - before.y });
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
    const distance = (point) => Math.max(10, Math.hypot(point.x - other.x, point.y - other.y));
    this.moved({ zoom: distance(now) / distance(before) });
  }
}
