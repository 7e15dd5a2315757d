// Keys: everything that the page does, for who uses no pointer; "?" shows this list.
const RATES = [0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9];

const KEYS = [
  { keys: [" "], shown: "space", does: "play or pause", act: () => setPlaying(!playing) },
  { keys: ["ArrowLeft", "ArrowRight"], shown: "\u2190 \u2192", does: "one tick back or on; with shift one second", act: (event) => step(event.key === "ArrowLeft" ? -1 : 1, event.shiftKey ? 1 : 0) },
  { keys: ["Home", "End"], shown: "home end", does: "first or last tick", act: (event) => seek(event.key === "Home" ? timeline.start : timeline.end) },
  { keys: ["[", "]"], shown: "[ ]", does: "moment before or after", act: (event) => jump(event.key === "[" ? -1 : 1) },
  { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], shown: "1 \u2026 9", does: "play so many times as fast", act: (event) => setRate(Number(event.key)) },
  { keys: ["ArrowUp", "ArrowDown"], shown: "\u2191 \u2193", does: "faster or slower", act: (event) => changeRate(event.key === "ArrowUp" ? 1 : -1) },
  { keys: ["+", "=", "-"], shown: "+ \u2212", does: "zoom the map", act: (event) => zoomBy(event.key === "-" ? 0.8 : 1.25) },
  { keys: ["c"], shown: "c", does: "follow the ego again", act: () => recentre() },
  { keys: ["i"], shown: "i", does: "numbers of the road users", act: () => toggle("ids") },
  { keys: ["v"], shown: "v", does: "what the ego sees: rays of its scan or lines of sight", act: () => toggle("sight") },
  { keys: ["p"], shown: "p", does: "prompt and answer of the hint", act: () => toggleAnswers() },
  { keys: ["d"], shown: "d", does: "next drive of the list", act: () => nextDrive() },
  { keys: ["f"], shown: "f", does: "full screen", act: () => toggleFullScreen() },
  { keys: ["?"], shown: "?", does: "this list", act: () => toggleHelp() },
];

function listenToKeys() {
  const actions = new Map(KEYS.flatMap(({ keys, act }) => keys.map((key) => [key, act])));
  document.addEventListener("keydown", (event) => {
    const { tagName } = event.target;
    // A select, a button that is pressed and a text that is scrolled keep their own keys.
    const typing = tagName === "SELECT" || (event.key === " " && (tagName === "BUTTON" || tagName === "SUMMARY")) || (tagName === "PRE" && event.key.length > 1);
    const act = actions.get(event.key);
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !act) return;
    if (byId("help").open && event.key !== "?") return;
    event.preventDefault();
    act(event);
  });
  byId("keylist").replaceChildren(...KEYS.flatMap(({ shown, does }) => {
    const keys = element("dt");
    keys.append(...shown.split(" ").map((key) => element("kbd", "", key)));
    return [keys, element("dd", "", does)];
  }));
}

function toggleHelp() {
  const help = byId("help");
  if (help.open) help.close();
  else help.showModal();
}

function toggleFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else byId("stage").requestFullscreen?.().catch(() => {});
}
