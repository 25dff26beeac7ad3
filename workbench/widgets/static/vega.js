// A chart that is embedded once and then fed with rows. What is drawn belongs to the model (there
// is one for a widget) and is kept up to date by numbered messages; each view of the model shows
// it with a Vega view of its own, and works only while it can be seen.
const HEAVY = 1500; // rows; beyond, a canvas is quicker than as many elements of an SVG
const PATIENCE = 1000; // milliseconds to wait for an answer before asking again
const PLACE = Symbol("place of a cell in its matrix");
const system = matchMedia("(prefers-color-scheme: dark)");

const library = () => (globalThis.workbenchVega ??= Promise.withResolvers()).promise;

export default () => {
  const views = new Set();
  let asked = 0; // when, in milliseconds
  let drawing; // number, specification, description, listening; sets: rows or cells by name

  // Takes a message in; returns false where one before it is missing.
  function receive({ number, sets = {}, more = {}, ...rest }, buffers) {
    if (number <= drawing?.number) return true;
    for (const rows of Object.values(sets)) if ("buffer" in rows) rows.bytes = buffers[rows.buffer];
    if ("specification" in rest) {
      drawing = { ...rest, number, sets };
      for (const view of views) view.redraw();
    } else {
      if (number > drawing.number + 1) return false;
      Object.assign(drawing, rest, { number });
      Object.assign(drawing.sets, sets);
      for (const [name, rows] of Object.entries(more)) (drawing.sets[name] ??= []).push(...rows);
      for (const view of views) view.change(sets, more);
    }
    return true;
  }

  function initialize({ model }) {
    function catchUp() {
      if (Date.now() - asked < PATIENCE) return; // the answer is under way
      asked = Date.now();
      model.send({ number: drawing.number });
    }
    const { message, buffers } = model.get("_drawing");
    receive(message, buffers);
    model.on("msg:custom", (message, buffers) => receive(message, buffers) || catchUp());
    catchUp(); // with what was sent before anybody listened here
  }

  function render({ model, el }) {
    const view = new View(el, () => drawing, (values) => {
      model.set("selected", { ...model.get("selected"), ...values });
      model.save_changes();
    });
    views.add(view);
    return () => {
      views.delete(view);
      view.dispose();
    };
  }

  return { initialize, render };
};

class View {
  #el;
  #drawing; // returns what there is to draw
  #select; // takes the values of parameters
  #embedded; // what vega-embed returned, and the element it is in
  #stale = true; // the whole must be drawn
  #counts = {}; // of the rows in each of Vega's datasets
  #pending = new Map(); // name of a dataset that changed -> whether it did more than grow
  #working = Promise.resolve(); // one thing after the other
  #news = {}; // values of parameters since the last frame
  #frame = 0;
  #stop = [];

  constructor(el, drawing, select) {
    this.#el = el;
    this.#drawing = drawing;
    this.#select = select;
    el.classList.add("wb-vega");
    el.classList.add("wb-waiting");
    library().then(() => el.classList.remove("wb-waiting"));
    el.setAttribute("role", "img");
    const size = new ResizeObserver(() => this.#resized());
    size.observe(el);
    this.#stop = [() => size.disconnect(), onTheme(() => this.redraw())];
    this.redraw();
  }

  redraw() {
    this.#stale = true;
    this.#update();
  }

  change(sets, more) {
    for (const name of Object.keys(sets)) this.#pending.set(name, true);
    for (const name of Object.keys(more)) this.#pending.set(name, this.#pending.get(name) ?? false);
    this.#update();
  }

  dispose() {
    for (const stop of this.#stop) stop();
    cancelAnimationFrame(this.#frame);
    this.#el = null;
    this.#working.then(() => this.#embedded?.finalize());
  }

  #update(again = true) {
    this.#working = this.#working
      .then(() => this.#el && (this.#el.clientWidth ? this.#work() : this.#wait(again)))
      .catch((error) => this.#fail(error));
  }

  // What is hidden changes its size when it appears; but JupyterLab also hides the whole page for
  // less than a frame, while it changes themes.
  #wait(again) {
    if (again) requestAnimationFrame(() => this.#update(false));
  }

  async #work() {
    this.#el.setAttribute("aria-label", this.#drawing().description);
    if (this.#stale) await this.#embed(await library());
    else await this.#patch();
    this.#listen();
  }

  async #embed({ embed, light, dark }) {
    const { specification, sets } = this.#drawing();
    this.#stale = false;
    this.#counts = mapped(sets, countOf);
    this.#pending.clear();
    if (!specification || !this.#el) return;
    const datasets = mapped(sets, (rows) => rowsOf(rows));
    const heavy = Object.values(this.#counts).some((count) => count > HEAVY);
    const config = { ...(isDark() ? dark : light), background: "transparent" };
    const stage = this.#el.appendChild(document.createElement("div"));
    stage.className = "wb-coming";
    const embedded = await embed(stage, { ...specification, datasets, config }, {
      mode: "vega-lite",
      actions: false,
      logLevel: 1, // errors; it warns of every scale without data and of Vega's own version
      renderer: heavy ? "canvas" : "svg",
      tooltip: { theme: isDark() ? "dark" : "light" },
    });
    this.#embedded?.finalize();
    this.#embedded = embedded;
    for (const other of [...stage.parentElement.children]) if (other !== stage) other.remove();
    stage.classList.remove("wb-coming");
  }

  async #patch() {
    if (!this.#embedded || !this.#pending.size) return;
    const { view } = this.#embedded;
    for (const [name, anew] of this.#pending) view.change(name, this.#changes(name, anew));
    this.#pending.clear();
    await view.runAsync();
  }

  // Rows that are there are modified in place: Vega holds on to thousands that were taken away.
  #changes(name, anew) {
    const rows = this.#drawing().sets[name];
    const before = this.#counts[name] ?? 0;
    const after = (this.#counts[name] = countOf(rows));
    const changes = this.#embedded.view.changeset().insert(rowsOf(rows, before));
    if (!anew) return changes;
    for (const field of fieldsOf(rows)) {
      const next = (row) => valueOf(rows, row[PLACE], field);
      changes.modify((row) => row[PLACE] < after && row[field] !== next(row), field, next);
    }
    return changes.remove((row) => row[PLACE] >= after);
  }

  #listen() {
    if (!this.#embedded) return;
    const heard = (this.#embedded.heard ??= new Set());
    for (const name of this.#drawing().listening) {
      if (heard.has(name)) continue;
      heard.add(name);
      try {
        this.#embedded.view.addSignalListener(name, (_, value) => this.#hear(name, value));
      } catch {} // this chart has no such parameter; the next may have it
    }
  }

  #hear(name, value) {
    this.#news[name] = tidy(value);
    this.#frame ||= requestAnimationFrame(() => {
      this.#select(this.#news);
      this.#news = {};
      this.#frame = 0;
    });
  }

  #resized() {
    this.#update();
    // the only event at which Vega looks at the width of its container
    if (this.#drawing().specification?.width === "container") dispatchEvent(new Event("resize"));
  }

  #fail(error) {
    console.error(error);
    if (!this.#el) return;
    this.#embedded?.finalize();
    this.#embedded = null;
    const text = document.createElement("p");
    text.className = "wb-error";
    text.textContent = `This chart could not be drawn: ${error.message ?? error}`;
    this.#el.replaceChildren(text);
  }
}

// Rows are an array of objects, or cells: a matrix of bytes with the labels of its two sides.
function countOf(rows) {
  return rows.bytes ? rows.bytes.byteLength : rows.length;
}

function fieldsOf(rows) {
  return rows.bytes ? ["source", "target", "weight"] : new Set(rows.flatMap(Object.keys));
}

function valueOf(rows, place, field) {
  if (!rows.bytes) return rows[place][field];
  const width = rows.source.length;
  if (field === "source") return rows.source[place % width];
  if (field === "target") return rows.target[Math.floor(place / width)];
  return rows.bytes.getUint8(place) / 255;
}

// Rows for Vega to write into, from the one at a place on. It marks them as its own, so no two
// views may share them; they remember their place.
function rowsOf(rows, first = 0) {
  const fields = rows.bytes && fieldsOf(rows);
  const rowAt = (place) => {
    if (!rows.bytes) return { ...rows[place], [PLACE]: place };
    const cell = { [PLACE]: place };
    for (const field of fields) cell[field] = valueOf(rows, place, field);
    return cell;
  };
  return Array.from({ length: Math.max(countOf(rows) - first, 0) }, (_, i) => rowAt(first + i));
}

function mapped(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}

// What a selection holds, without Vega-Lite's own notes in it.
function tidy(value) {
  return JSON.parse(JSON.stringify(value ?? null, (key, inner) => (key === "vlPoint" ? undefined : inner)));
}

function isDark() {
  const light = document.body.dataset.jpThemeLight; // JupyterLab's, "true" or "false"
  return light === undefined ? system.matches : light === "false";
}

function onTheme(act) {
  const observer = new MutationObserver(act);
  observer.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  system.addEventListener("change", act);
  return () => {
    observer.disconnect();
    system.removeEventListener("change", act);
  };
}
