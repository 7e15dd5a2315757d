// Sight: what the ego perceives. The rays of its recorded scan; without one, a line to each road user that it sees.
function drawSight(context, drive, ego, tick, present, colours, pixel) {
  if (drive.told.scan) drawScan(context, drive.told.scan, ego, tick, colours, pixel);
  else drawSightLines(context, ego, present, colours, pixel);
}

function drawScan(context, scan, ego, tick, colours, pixel) {
  const hits = scan.hits[tick];
  const ends = [];
  for (let i = 0; i < hits.length; i += 2) {
    const angle = ego.yaw + (2 * Math.PI * hits[i]) / scan.rays - Math.PI;
    const range = hits[i + 1] * scan.q;
    ends.push([ego.x + range * Math.cos(angle), ego.y + range * Math.sin(angle)]);
  }
  context.strokeStyle = context.fillStyle = colours.sight;
  context.lineWidth = pixel;
  context.globalAlpha = 0.45;
  context.setLineDash([5 * pixel, 5 * pixel]);
  disc(context, ego.x, ego.y, scan.range);
  context.stroke();
  context.setLineDash([]);
  drawFan(context, ego, ends);
  context.globalAlpha = 0.95;
  for (const [x, y] of ends) {
    disc(context, x, y, 2 * pixel);
    context.fill();
  }
  context.globalAlpha = 1;
}

function drawSightLines(context, ego, present, colours, pixel) {
  context.strokeStyle = colours.sight;
  context.lineWidth = pixel;
  context.globalAlpha = 0.55;
  drawFan(context, ego, present.filter((item) => item.seen).map((item) => [item.x, item.y]));
  context.globalAlpha = 1;
}

function drawFan(context, ego, ends) {
  context.beginPath();
  for (const [x, y] of ends) {
    context.moveTo(ego.x, ego.y);
    context.lineTo(x, y);
  }
  context.stroke();
}
