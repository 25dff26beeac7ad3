// The tree of decoding states: a dot each, the token above it. A click goes there; the arrow keys
// walk (left and right along a branch, up and down between rows) and Enter goes.
const ROW = 34, LEFT = 14, TOP = 26, LEAST = 58, MOST = 120, LETTER = 6.6; // px
const SVG = "http://www.w3.org/2000/svg";
let views = 0;

function render({ model, el }) {
  const frame = el.appendChild(document.createElement("div"));
  frame.className = "wb-states";
  frame.tabIndex = 0;
  frame.setAttribute("role", "tree");
  frame.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own keys
  const picture = frame.appendChild(element("svg", {}));
  const told = el.appendChild(document.createElement("output"));
  told.className = "wb-states-told wb-note";
  const name = `wb-states-${++views}`;
  const view = { model, frame, picture, told, name, at: null, states: [], dots: new Map() };

  const paint = () => draw(view);
  const over = ({ target }) => tell(view, keyOf(target));
  const leave = () => tell(view, view.at);
  const click = ({ target }) => go(view, keyOf(target));
  const steer = (event) => walk(view, event);
  const heard = [["pointerover", over], ["pointerleave", leave], ["click", click], ["keydown", steer]];
  for (const [kind, act] of heard) frame.addEventListener(kind, act);
  model.on("change:shown", paint);
  paint();
  return () => {
    for (const [kind, act] of heard) frame.removeEventListener(kind, act);
    model.off("change:shown", paint);
  };
}

function draw(view) {
  const { states = [], description = "" } = view.model.get("shown");
  const { picture, frame, name } = view;
  view.states = states;
  view.dots = new Map(states.map((state) => [state.key, state]));
  view.at = states.find((state) => state.here)?.key ?? null;
  const longest = Math.max(3, ...states.map((state) => Math.min(state.token.length, 16)));
  const step = Math.min(MOST, Math.max(LEAST, longest * LETTER + 14));
  const x = (state) => LEFT + state.step * step, y = (state) => TOP + state.row * ROW;
  const wide = Math.max(0, ...states.map((state) => x(state) + Math.max(step / 2, 20 + LETTER * state.end.length)));
  const high = Math.max(0, ...states.map(y)) + 20;
  picture.replaceChildren();
  Object.entries({ width: wide, height: high, role: "presentation" }).forEach(([key, value]) => picture.setAttribute(key, value));
  // the later lies over the earlier: pruned, grown, the best, yours
  const order = [...states].sort((one, other) => weight(one) - weight(other));
  for (const state of order) {
    const parent = view.dots.get(state.parent);
    if (parent) picture.append(line(x(parent), y(parent), x(state), y(state), style(state)));
  }
  const inner = new Set(states.map((state) => state.parent));
  order.forEach((state) => picture.append(dot(state, x(state), y(state), step, `${name}-${states.indexOf(state)}`, inner.has(state.key))));
  frame.setAttribute("aria-label", description);
  mark(view);
  const here = view.dots.get(view.at);
  if (here) reveal(frame, x(here), y(here), step);
  tell(view, view.at);
}

const weight = ({ yours, best, fate }) => (yours ? 3 : best ? 2 : isLost(fate) ? 0 : 1);
const isLost = (fate) => fate === "pruned" || fate === "barred";
const style = (state) => [
  state.yours && "wb-yours", state.best && "wb-best", isLost(state.fate) && "wb-lost",
  state.fate !== "grown" && "wb-beam", state.here && "wb-here", state.done && "wb-done",
].filter(Boolean).join(" ");

function line(x1, y1, x2, y2, style) {
  const bend = Math.min(18, (x2 - x1) / 2);
  const path = y1 === y2 ? `M${x1} ${y1}H${x2}` : `M${x1} ${y1}C${x1 + bend} ${y1} ${x1 + 4} ${y2} ${x1 + bend} ${y2}H${x2}`;
  return element("path", { d: path, class: `wb-edge ${style}` });
}

function dot(state, x, y, step, id, inner) {
  const group = element("g", { class: `wb-state ${style(state)}`, role: "treeitem", id, "data-key": state.key,
    "aria-label": state.words, "aria-level": state.step + 1, "aria-selected": state.here });
  // what can be hit is larger than what is seen
  group.append(element("rect", { x: x - step / 2 + 2, y: y - 20, width: step - 4, height: 28, class: "wb-hit" }));
  group.append(state.ended ? element("rect", { x: x - 5, y: y - 5, width: 10, height: 10, class: "wb-dot" })
    : element("circle", { cx: x, cy: y, r: 5.5, class: "wb-dot" }));
  const [anchor, edge] = state.step ? ["middle", x] : ["start", x - 6];
  group.append(words(edge, y - 10, short(state.token, step), anchor));
  // behind a leaf there is room; what is said of an inner state stands below it
  if (state.end) group.append(inner ? words(x + 2, y + 17, state.end, "start", "wb-end") : words(x + 11, y + 4, state.end, "start", "wb-end"));
  return group;
}

function words(x, y, text, anchor, style = "") {
  const node = element("text", { x, y, "text-anchor": anchor, class: style });
  node.textContent = text;
  return node;
}

const short = (token, step) => {
  const room = Math.floor((step - 8) / LETTER);
  return token.length > room ? `${token.slice(0, Math.max(1, room - 1))}…` : token;
};

function walk(view, event) {
  const here = view.dots.get(view.at);
  const step = { ArrowLeft: parent, ArrowRight: child, ArrowUp: (view, one) => beside(view, one, -1), ArrowDown: (view, one) => beside(view, one, 1) }[event.key];
  if (event.key === "Enter" || event.key === " ") go(view, view.at);
  else if (step) view.at = (here ? step(view, here) : view.states[0])?.key ?? view.at;
  else return;
  event.preventDefault();
  event.stopPropagation();
  mark(view);
  tell(view, view.at);
}

const parent = (view, one) => view.dots.get(one.parent);
const child = (view, one) => view.states.find((state) => state.parent === one.key);
const beside = (view, one, way) => view.states
  .filter((state) => way * (state.row - one.row) > 0)
  .sort((a, b) => Math.abs(a.row - one.row) - Math.abs(b.row - one.row) || Math.abs(a.step - one.step) - Math.abs(b.step - one.step))[0];

function mark({ picture, frame, at }) {
  picture.querySelector(".wb-at")?.classList.remove("wb-at");
  const group = at === null ? null : picture.querySelector(`[data-key="${CSS.escape(at)}"]`);
  group?.classList.add("wb-at");
  frame.setAttribute("aria-activedescendant", group?.id ?? "");
  if (group && frame === document.activeElement) group.scrollIntoView({ block: "nearest", inline: "nearest" });
}

// Only the frame is scrolled: the page stays where the reader has it.
function reveal(frame, x, y, step) {
  if (x - step < frame.scrollLeft || x + 2 * step > frame.scrollLeft + frame.clientWidth) frame.scrollLeft = x - frame.clientWidth / 2;
  if (y - ROW < frame.scrollTop || y + ROW > frame.scrollTop + frame.clientHeight) frame.scrollTop = y - frame.clientHeight / 2;
}

function tell(view, key) {
  const left = view.model.get("shown").left_out;
  const more = left ? ` ${left.toLocaleString("en")} more states are not drawn.` : "";
  view.told.textContent = `${view.dots.get(key)?.words ?? "Point at a state; a click goes there."}${more}`;
}

function go(view, key) {
  if (view.dots.has(key)) view.model.send({ do: "go", key });
}

const keyOf = (target) => target.closest?.(".wb-state")?.dataset.key ?? null;

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export default { render };
