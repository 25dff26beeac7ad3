// A map of attention: a byte a cell, painted as one picture, the tokens beside it. The mouse or the
// arrow keys mark a row and a column and tell what stands there; no kernel is needed for that.
const CELL = 26, PLOT = 520, LABEL = 110, LEAST = 2; // px
const FADED = 50; // of 255, what is left of a cell that is not kept
const TRAITS = ["rows", "columns", "weights", "kept", "links", "description"];

function render({ model, el }) {
  const canvas = make("canvas", "wb-heat-map", el);
  const told = make("output", "wb-heat-told", el);
  const legend = make("div", "wb-heat-legend", el);
  const view = { model, el, canvas, legend, told, at: null, picture: null, room: 0, frame: 0 };
  el.classList.add("wb-heat");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");

  const again = () => { view.picture = null; soon(view); };
  const drop = [listen(canvas, "pointermove", (event) => point(view, cellAt(view, event))),
    listen(canvas, "pointerleave", () => point(view, null)),
    listen(canvas, "blur", () => point(view, null)),
    listen(canvas, "keydown", (event) => steer(view, event))];
  const size = new ResizeObserver(() => soon(view));
  size.observe(el);
  const theme = new MutationObserver(again);
  theme.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  const news = TRAITS.map((name) => `change:${name}`).join(" ");
  model.on(news, again);
  again();
  return () => {
    model.off(news, again);
    for (const stop of drop) stop();
    size.disconnect();
    theme.disconnect();
    cancelAnimationFrame(view.frame);
  };
}

function soon(view) {
  view.frame ||= requestAnimationFrame(() => {
    view.frame = 0;
    view.room = view.el.clientWidth || view.room; // none while hidden, or while the theme changes
    if (view.room) paint(view);
  });
}

function paint(view) {
  const { model, canvas, room } = view;
  const look = looks(model);
  const brush = canvas.getContext("2d");
  const place = (view.place = layout(brush, model, room));
  view.picture ??= picture(model, look);
  sized(canvas, place);
  brush.imageSmoothingEnabled = false;
  if (place.width) brush.drawImage(view.picture, place.left, place.top, place.width, place.height);
  brush.strokeStyle = look.line;
  brush.strokeRect(place.left - 0.5, place.top - 0.5, place.width + 1, place.height + 1);
  gold(brush, model, place, look);
  if (view.at && !inside(view.at, place)) view.at = null;
  if (view.at) cross(brush, view.at, place, look);
  tokens(brush, model, view.at, place, look);
  canvas.setAttribute("aria-label", model.get("description"));
  explain(view, look);
}

// Where everything stands, in px.
function layout(brush, model, room) {
  const rows = model.get("rows"), columns = model.get("columns");
  const longest = Math.max(rows.length, columns.length, 1);
  brush.font = font(11);
  const widest = (list) => list.reduce((most, token) => Math.max(most, brush.measureText(token).width), 0);
  const left = Math.ceil(Math.min(LABEL, widest(rows))) + 6;
  const above = Math.min(LABEL, widest(columns));
  const fit = Math.floor(Math.min(CELL, PLOT / longest, (room - left - 8) / Math.max(columns.length, 1)));
  const cell = Math.max(LEAST, fit);
  const sloping = cell >= 14;
  const top = Math.ceil(sloping ? 0.71 * above + 12 : above + 6);
  const right = sloping ? Math.ceil(0.71 * above) : 1;
  return { rows: rows.length, columns: columns.length, cell, left, top, right, sloping,
    width: cell * columns.length, height: cell * rows.length, letters: Math.min(11, Math.max(8, cell - 1)) };
}

function sized(canvas, { left, width, right, top, height }) {
  const sharp = devicePixelRatio || 1;
  const [across, down] = [left + width + right, top + height + 1];
  canvas.width = across * sharp;
  canvas.height = down * sharp;
  canvas.style.width = `${across}px`;
  canvas.style.height = `${down}px`;
  canvas.getContext("2d").setTransform(sharp, 0, 0, sharp, 0, 0);
}

// One pixel a cell.
function picture(model, look) {
  const rows = model.get("rows").length, columns = model.get("columns").length;
  const weights = bytes(model.get("weights")), kept = bytes(model.get("kept"));
  const sheet = new OffscreenCanvas(Math.max(columns, 1), Math.max(rows, 1));
  const image = new ImageData(sheet.width, sheet.height);
  for (let k = 0; k < weights.length; k++) {
    image.data.set(look.ramp[weights[k]], 4 * k);
    image.data[4 * k + 3] = !kept.length || kept[k] ? 255 : FADED;
  }
  sheet.getContext("2d").putImageData(image, 0, 0);
  return sheet;
}

function gold(brush, model, { left, top, cell, rows, columns }, look) {
  const wide = cell < 8 ? 1 : 2, side = Math.max(cell - 2 - wide, 1);
  for (const [column, row, kind] of model.get("links")) {
    if (row >= rows || column >= columns) continue;
    brush.setLineDash(kind === "sure" ? [] : [3, 2]);
    const box = [left + column * cell + (cell - side) / 2, top + row * cell + (cell - side) / 2, side, side];
    twice(brush, look.casing, look.link, wide, () => brush.strokeRect(...box));
  }
  brush.setLineDash([]);
}

function cross(brush, [row, column], { left, top, cell, width, height }, look) {
  twice(brush, look.paper, look.ink, 1.5, () => {
    brush.strokeRect(left - 0.5, top + row * cell - 0.5, width + 1, cell + 1);
    brush.strokeRect(left + column * cell - 0.5, top - 0.5, cell + 1, height + 1);
  });
}

// A line with a casing: of a light and a dark colour one stands out from a cell of any shade.
function twice(brush, casing, colour, wide, stroke) {
  for (const [style, width] of [[casing, wide + 2], [colour, wide]]) {
    brush.strokeStyle = style;
    brush.lineWidth = width;
    stroke();
  }
  brush.lineWidth = 1;
}

// The tokens; where cells are small only some of them, and those that are pointed at.
function tokens(brush, model, at, place, look) {
  const { left, top, cell, sloping, letters } = place;
  const every = Math.ceil((letters + 1) / cell);
  brush.textBaseline = "middle";
  const write = (list, chosen, draw) => list.forEach((token, index) => {
    const near = chosen !== undefined && Math.abs(index - chosen) < every;
    if (index !== chosen && (near || index % every)) return;
    brush.font = font(letters, index === chosen);
    brush.fillStyle = index === chosen ? look.ink : look.muted;
    draw(shortened(brush, token), index);
  });
  brush.textAlign = "right";
  write(model.get("rows"), at?.[0], (text, row) => brush.fillText(text, left - 4, top + (row + 0.5) * cell));
  brush.textAlign = "left";
  write(model.get("columns"), at?.[1], (text, column) => {
    brush.save();
    brush.translate(left + (column + 0.5) * cell, top - 4);
    brush.rotate(sloping ? -Math.PI / 4 : -Math.PI / 2);
    brush.fillText(text, 0, 0);
    brush.restore();
  });
}

function shortened(brush, token) {
  if (brush.measureText(token).width <= LABEL) return token;
  let end = token.length;
  while (end > 1 && brush.measureText(`${token.slice(0, end)}…`).width > LABEL) end--;
  return `${token.slice(0, end)}…`;
}

// What is pointed at, and the legend.
function explain({ model, at, legend, told }, look) {
  told.textContent = at ? words(model, at) : "Point at a cell, or use the arrow keys.";
  told.classList.toggle("wb-heat-hint", !at);
  const kinds = new Set(model.get("links").map((link) => link[2]));
  const box = (style) => `<i class="wb-heat-gold" style="border:2px ${style} ${look.link};outline:1px solid ${look.casing}"></i>`;
  const ramp = `0 <i class="wb-heat-ramp" style="background:linear-gradient(90deg,${look.stops})"></i> 1 attention weight`;
  const parts = [ramp, kinds.has("sure") && `${box("solid")} gold alignment`,
    kinds.has("possible") && `${box("dashed")} possible in gold`];
  const html = parts.filter(Boolean).map((part) => `<span>${part}</span>`).join("");
  if (legend.dataset.html !== html) legend.innerHTML = legend.dataset.html = html; // no one's text is in it
}

function words(model, [row, column]) {
  const [token, read] = [model.get("rows")[row], model.get("columns")[column]];
  const weight = bytes(model.get("weights"))[row * model.get("columns").length + column] / 255;
  return `${token} reads ${read}: ${weight.toFixed(2)}`;
}

function point(view, at) {
  if (String(at) === String(view.at)) return;
  view.at = at;
  soon(view);
  view.model.set("pointed", at ?? []);
  view.model.save_changes();
}

function steer(view, event) {
  const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (event.key === "Escape") point(view, null);
  if (!move || !view.place) return;
  event.preventDefault();
  event.stopPropagation(); // JupyterLab would go to another cell
  const next = view.at ? [view.at[0] + move[0], view.at[1] + move[1]] : [0, 0];
  if (inside(next, view.place)) point(view, next);
}

function cellAt({ canvas, place }, event) {
  if (!place) return null;
  const box = canvas.getBoundingClientRect();
  const at = [(event.clientY - box.top - place.top) / place.cell, (event.clientX - box.left - place.left) / place.cell];
  const cell = at.map(Math.floor);
  return inside(cell, place) ? cell : null;
}

const inside = ([row, column], { rows, columns }) => row >= 0 && column >= 0 && row < rows && column < columns;

function looks(model) {
  const dark = document.body.dataset.jpThemeLight === "false"
    || (document.body.dataset.jpThemeLight === undefined && matchMedia("(prefers-color-scheme: dark)").matches);
  const { heatmap, ...colours } = model.get("palettes")[dark ? "dark" : "light"];
  return { ...colours, stops: heatmap.join(","), ramp: ramp(heatmap.map(channels)) };
}

// 256 colours between a few.
function ramp(stops) {
  return Array.from({ length: 256 }, (_, weight) => {
    const along = (weight / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(along), stops.length - 2);
    return [0, 1, 2].map((k) => Math.round(stops[low][k] + (along - low) * (stops[low + 1][k] - stops[low][k])));
  });
}

const channels = (colour) => [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));
const bytes = (view) => new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength);
const font = (size, strong) => `${strong ? "600 " : ""}${size}px Inter, "Segoe UI", "Helvetica Neue", Arial, sans-serif`;

function make(tag, style, parent) {
  const element = document.createElement(tag);
  element.className = style;
  return parent.appendChild(element);
}

function listen(element, name, act) {
  element.addEventListener(name, act);
  return () => element.removeEventListener(name, act);
}

export default { render };
