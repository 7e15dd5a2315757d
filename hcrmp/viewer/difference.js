// Difference: what came of two drives, side by side, and when their egos parted.
function showDifference(compared, seek) {
  byId("difference").hidden = !compared;
  if (!compared) return;
  const { names, parted, facts, apart } = compared;
  byId("parted").replaceChildren(...partingWords(parted, apart, seek));
  const head = element("tr");
  head.append(element("th"), ...names.map((name, i) => element("th", i ? "second" : "first", name)));
  const rows = facts.map(({ name, unit, values }) => {
    const row = element("tr", values[0] === values[1] ? "" : "differs");
    const title = element("th", "", name);
    title.scope = "row";
    title.append(element("em", "", unit));
    row.append(title, ...values.map((value) => element("td", "", value)));
    return row;
  });
  byId("facts2").replaceChildren(head, ...rows);
}

function partingWords(parted, apart, seek) {
  if (!apart.time.length) return ["The two drives share no moment."];
  const farthest = Math.max(...apart.metres);
  if (parted === null) return ["The egos never part: they drive the same way."];
  const button = element("button", "link", parted.toFixed(1) + " s");
  button.addEventListener("click", () => seek(parted));
  return ["The egos part at ", button, `, later by up to ${farthest.toFixed(1)}\u00a0m.`];
}
