// The table, the charts and the translations look at the same runs: what is found, brushed,
// chosen or pointed at in one is so in all. Texts of runs become text nodes, never markup.
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const rows = [...document.querySelectorAll("#table tbody tr")];
const texts = rows.map((row) => row.textContent.toLowerCase());
const views = new Map(); // id of a figure → its view
const state = { chosen: [...data.chosen], brushed: null, shown: rows.map((_, run) => run), at: "" };

function element(tag, fields = {}, ...children) {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...children);
  return made;
}

// Finding -----------------------------------------------------------------------------------

const COMPARISON = /^([^<>=!]+)(>=|<=|!=|=|>|<)(.+)$/;
const COMPARE = {
  "=": (a, b) => a === b, "!=": (a, b) => a !== b, ">": (a, b) => a > b, "<": (a, b) => a < b,
  ">=": (a, b) => a >= b, "<=": (a, b) => a <= b,
};

function columnCalled(name) {
  const wanted = name.toLowerCase();
  const names = data.columns.map((column) => column.name.toLowerCase());
  const places = names.indexOf(wanted) >= 0 ? [names.indexOf(wanted)]
    : [...names.keys()].filter((place) => names[place].split(/[._]/).includes(wanted)
      || names[place].endsWith(`.${wanted}`) || initials(names[place]) === wanted);
  return data.columns[places[0]];
}

const initials = (name) => name.split("_").map((word) => word[0]).join("");

function matches(value, sign, wanted) {
  if (value === null) return sign === "!=";
  const [a, b] = typeof value === "number" && !Number.isNaN(Number(wanted))
    ? [value, Number(wanted)] : [String(value).toLowerCase(), wanted.toLowerCase()];
  return COMPARE[sign](a, b);
}

function test(word) {
  const [, name, sign, wanted] = COMPARISON.exec(word) ?? [];
  const column = name && columnCalled(name);
  if (column) return (run) => matches(column.values[run], sign, wanted);
  return (run) => texts[run].includes(word.toLowerCase());
}

function facetTest(select) {
  const name = select.dataset.facet;
  if (name === "status") return (run) => data.statuses[run] === select.value;
  const place = data.columns.findIndex((column) => column.name === name);
  return (run) => cellText(run, place) === select.value;
}

function find() {
  const tests = at("query").value.split(/\s+/).filter(Boolean).map(test);
  for (const select of document.querySelectorAll("[data-facet]")) {
    if (select.value) tests.push(facetTest(select));
  }
  if (state.brushed) tests.push((run) => state.brushed.has(data.names[run]));
  state.shown = [...rows.keys()].filter((run) => tests.every((passes) => passes(run)));
  rows.forEach((row) => (row.hidden = true));
  state.shown.forEach((run) => (rows[run].hidden = false));
  const all = rows.length === 1 ? "1 run" : `${rows.length} runs`;
  at("count").textContent = state.shown.length === rows.length ? all : `${state.shown.length} of ${all}`;
  at("unbrush").hidden = !state.brushed;
  fillCurves();
}

// Sorting -----------------------------------------------------------------------------------

function cellText(run, column) {
  return rows[run].cells[column + 3].title || rows[run].cells[column + 3].textContent;
}

function valueOf(run, column) {
  if (column === -2) return data.names[run];
  return column === -1 ? data.statuses[run] : data.columns[column].values[run];
}

function order(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

function sort(heading) {
  const column = Number(heading.dataset.column);
  const rising = heading.getAttribute("aria-sort") === "descending" || (column < 0
    && heading.getAttribute("aria-sort") === "none"); // figures: the largest first
  const sign = rising ? 1 : -1;
  const runs = [...rows.keys()].sort((a, b) => {
    const [left, right] = [valueOf(a, column), valueOf(b, column)];
    if (left === null || right === null) return (left === null) - (right === null) || a - b;
    return sign * order(left, right) || a - b;
  });
  for (const other of document.querySelectorAll("th[data-column]")) other.ariaSort = "none";
  heading.ariaSort = rising ? "ascending" : "descending";
  document.querySelector("#table tbody").append(...runs.map((run) => rows[run]));
}

// Choosing ----------------------------------------------------------------------------------

const DASHES = ["", "6 3", "2 2", "8 3 2 3", "4 4", "10 4"]; // as the charts have them

function swatch(slot) {
  const box = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  for (const [name, value] of Object.entries({ x1: 0, y1: 5, x2: 22, y2: 5 })) line.setAttribute(name, value);
  line.setAttribute("stroke-dasharray", DASHES[slot]);
  line.style.stroke = `var(--category-${slot})`;
  box.setAttribute("viewBox", "0 0 22 10");
  box.setAttribute("aria-hidden", "true");
  box.classList.add("swatch");
  box.append(line);
  return box;
}

function choose(runs) {
  state.chosen = runs.slice(0, data.most);
  rows.forEach((row, run) => {
    const box = row.querySelector("input");
    box.checked = state.chosen.includes(run);
    box.disabled = !box.checked && state.chosen.length >= data.most;
    box.title = box.disabled ? `${data.most} runs are chosen: untick one first` : "";
    row.classList.toggle("own", box.checked);
  });
  at("chosen").querySelector("ul").replaceChildren(...state.chosen.map(chip));
  at("chosen").querySelector("output").textContent = `${state.chosen.length} runs chosen`;
  const names = state.chosen.map((run) => data.names[run]);
  for (const id of ["curves", "parallel"]) views.get(id)?.signal("chosen", names).runAsync();
  translate();
}

function chip(run, slot) {
  const button = element("button", { type: "button", title: "choose no longer" }, "×");
  button.setAttribute("aria-label", `Choose ${data.names[run]} no longer`);
  button.addEventListener("click", () => {
    choose(state.chosen.filter((other) => other !== run));
    at("choose-none").focus(); // the button that had it is gone
  });
  const made = element("li", {}, swatch(slot), element("span", {}, data.names[run]), button);
  made.addEventListener("pointerenter", () => point(data.names[run]));
  made.addEventListener("pointerleave", () => point(""));
  return made;
}

function best() {
  const names = [...document.querySelectorAll("ol.best a")].map((link) => data.names.indexOf(link.textContent));
  const others = state.shown.filter((run) => !names.includes(run));
  return [...names.filter((run) => run >= 0), ...others].slice(0, data.most);
}

// Pointing ----------------------------------------------------------------------------------

function point(name) {
  if (name === state.at) return;
  rows[data.names.indexOf(state.at)]?.classList.remove("at");
  state.at = name;
  rows[data.names.indexOf(name)]?.classList.add("at");
  for (const id of ["curves", "parallel"]) views.get(id)?.signal("highlight", name).runAsync();
}

function brush(view, covered) {
  const axes = covered.axis ?? [];
  if (!covered.place || !axes.length) {
    state.brushed = null;
  } else {
    const [low, high] = [Math.min(...covered.place), Math.max(...covered.place)];
    const hits = new Map();
    for (const row of view.data("places")) {
      if (axes.includes(row.axis) && row.place >= low && row.place <= high) {
        hits.set(row.run, (hits.get(row.run) ?? 0) + 1);
      }
    }
    state.brushed = new Set([...hits.keys()].filter((run) => hits.get(run) === axes.length));
  }
  clearTimeout(brush.timer); // the mouse is quicker than the curves
  brush.timer = setTimeout(find, 80);
}

// Charts ------------------------------------------------------------------------------------

const shownFigure = () => data.figures[at("figure")?.value];

function curveRows() {
  const figure = at("figure").value;
  return state.shown.flatMap((run) => {
    const [steps, values] = data.curves[run][figure] ?? [[], []];
    return steps.map((step, place) => ({ run: data.names[run], step, value: values[place] }));
  });
}

function fillCurves() {
  views.get("curves")?.data("curves", curveRows()).runAsync();
}

function listen(figure, view) {
  views.set(figure.id, view);
  view.signal("chosen", state.chosen.map((run) => data.names[run])).runAsync();
  view.addSignalListener("pointed", (_, value) => point(value.run?.[0] ?? ""));
}

at("curves")?.addEventListener("drawing", (event) => {
  Object.assign(event.detail, structuredClone(shownFigure().specification));
  event.detail.data.values = curveRows();
  at("curves").setAttribute("aria-label", shownFigure().description);
});
at("curves")?.addEventListener("drawn", (event) => listen(at("curves"), event.detail));
at("parallel").addEventListener("drawn", (event) => {
  if (!event.detail.getState().signals.brush) return; // nothing differs
  listen(at("parallel"), event.detail);
  state.brushed = null;
  event.detail.addSignalListener("brush", (_, value) => brush(event.detail, value));
});

// Translations ------------------------------------------------------------------------------

function translate() {
  const known = state.chosen.filter((run) => Object.keys(data.translations[run].texts).length);
  const sentences = [...data.sentences.keys()].filter((sentence) =>
    known.some((run) => sentence in data.translations[run].texts));
  if (!sentences.length) {
    const words = state.chosen.length ? "The chosen runs watched no sentence." : "No run is chosen.";
    at("side").replaceChildren(element("p", { className: "hint" }, words));
    return;
  }
  const heads = known.map((run) => element("th", { scope: "col" },
    swatch(state.chosen.indexOf(run)), data.names[run],
    element("span", { className: "step" }, `step ${data.translations[run].step.toLocaleString("en")}`)));
  const referenced = sentences.some((sentence) => data.sentences[sentence][1]);
  const titles = ["source", ...(referenced ? ["reference"] : [])];
  const head = element("tr", {}, ...titles.map((it) => element("th", { scope: "col" }, it)), ...heads);
  const body = sentences.map((sentence) => {
    const [source, reference] = data.sentences[sentence];
    const said = known.map((run) => translation(data.translations[run].texts[sentence], reference));
    return element("tr", {}, element("td", {}, source),
      ...(referenced ? [element("td", {}, reference)] : []), ...said);
  });
  at("side").replaceChildren(
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
}

function translation(text, reference) {
  if (text === undefined) return element("td", { className: "hint" }, "not watched");
  if (!reference || text === reference) {
    return element("td", { className: reference ? "same" : "" }, text || "(empty)");
  }
  const words = text.split(" ");
  const kept = common(words, reference.split(" "));
  return element("td", {}, ...(text ? words : ["(empty)"]).flatMap((word, place) =>
    [place ? " " : "", kept.has(place) ? word : element("u", {}, word)]));
}

// Which places of `a` lie on a longest common subsequence with `b`.
function common(a, b) {
  const length = a.map(() => new Uint16Array(b.length + 1));
  length.push(new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i][j] = a[i] === b[j] ? length[i + 1][j + 1] + 1
        : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  const kept = new Set();
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) { kept.add(i); i++; j++; }
    else if (length[i + 1][j] >= length[i][j + 1]) i++;
    else j++;
  }
  return kept;
}

// What a person does ------------------------------------------------------------------------

at("filters").addEventListener("input", find);
at("filters").addEventListener("submit", (event) => event.preventDefault());
at("filters").addEventListener("reset", () => setTimeout(unbrush));
at("unbrush").addEventListener("click", unbrush);

function unbrush() {
  if (state.brushed) at("parallel").dispatchEvent(new CustomEvent("redraw"));
  state.brushed = null;
  find();
}

for (const heading of document.querySelectorAll("th[data-column]")) {
  heading.querySelector("button").addEventListener("click", () => sort(heading));
}
for (const box of document.querySelectorAll("[data-group]")) {
  const show = () => document.querySelectorAll(`[data-in="${box.dataset.group}"]`)
    .forEach((cell) => (cell.hidden = !box.checked));
  box.addEventListener("change", show);
  if (!box.checked) show();
}
rows.forEach((row, run) => {
  row.querySelector("input").addEventListener("change", (event) => choose(
    event.target.checked ? [...state.chosen, run] : state.chosen.filter((other) => other !== run)));
  for (const kind of ["pointerenter", "focusin"]) row.addEventListener(kind, () => point(data.names[run]));
  for (const kind of ["pointerleave", "focusout"]) row.addEventListener(kind, () => point(""));
});
at("choose-best").addEventListener("click", () => choose(best()));
at("choose-none").addEventListener("click", () => choose([]));
at("figure")?.addEventListener("change", () => at("curves").dispatchEvent(new CustomEvent("redraw")));
choose(state.chosen);
find();
