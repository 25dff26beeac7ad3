// The attention of one step: a native slider for each source token, standing upright as a bar, and
// below it a button that marks the token. A weight is sent once the slider is let go.
const WIDE = 34; // px of a column from which on its weight has room

function render({ model, el }) {
  const strip = el.appendChild(document.createElement("div"));
  strip.className = "wb-strip";
  strip.setAttribute("role", "group");

  function paint() {
    const shown = model.get("shown");
    const { tokens = [], weights = [], own = [], marked = [] } = shown;
    strip.setAttribute("aria-label", shown.description ?? "");
    while (strip.children.length < tokens.length) strip.append(column(strip.children.length));
    [...strip.children].slice(tokens.length).forEach((each) => each.remove());
    strip.style.setProperty("--columns", tokens.length);
    tokens.forEach((token, at) => {
      fill(strip.children[at], token, weights[at], own[at], marked.includes(at));
    });
    measure();
  }

  const measure = () => {
    const width = strip.firstElementChild?.clientWidth ?? 0;
    strip.classList.toggle("wb-narrow", width < WIDE);
  };
  const slide = ({ target }) => target.type === "range" && level(target, Number(target.value) / 100);
  const set = ({ target }) => {
    if (target.type !== "range") return;
    model.send({ do: "set", position: Number(target.dataset.at), weight: Number(target.value) / 100 });
  };
  const mark = ({ target }) => {
    const button = target.closest("button");
    if (button) model.send({ do: "mark", position: Number(button.dataset.at) });
  };
  const size = new ResizeObserver(measure);
  size.observe(strip);
  strip.addEventListener("input", slide);
  strip.addEventListener("change", set);
  strip.addEventListener("click", mark);
  model.on("change:shown", paint);
  paint();
  return () => {
    size.disconnect();
    strip.removeEventListener("input", slide);
    strip.removeEventListener("change", set);
    strip.removeEventListener("click", mark);
    model.off("change:shown", paint);
  };
}

function column(at) {
  const column = document.createElement("div");
  column.className = "wb-strip-column";
  column.appendChild(document.createElement("output"));
  const frame = column.appendChild(document.createElement("div"));
  frame.className = "wb-strip-bar";
  const slider = frame.appendChild(document.createElement("input"));
  Object.assign(slider, { type: "range", min: 0, max: 100, step: 1 });
  slider.setAttribute("aria-orientation", "vertical");
  frame.appendChild(document.createElement("i"));
  const button = column.appendChild(document.createElement("button"));
  button.type = "button";
  for (const control of [slider, button]) {
    control.dataset.at = at;
    control.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own keys
  }
  return column;
}

function fill(column, token, weight, own, marked) {
  const [slider, button] = [column.querySelector("input"), column.querySelector("button")];
  slider.value = Math.round(100 * weight);
  slider.setAttribute("aria-label", `attention on ${token}`);
  level(slider, weight);
  const line = column.querySelector("i");
  line.hidden = own === undefined;
  line.style.bottom = `${100 * (own ?? 0)}%`;
  column.title = own === undefined ? `${token}: ${weight.toFixed(3)}`
    : `${token}: ${weight.toFixed(3)}, the model's own ${own.toFixed(3)}`;
  button.textContent = token;
  button.setAttribute("aria-label", `mark ${token}`);
  button.setAttribute("aria-pressed", String(marked));
}

function level(slider, weight) {
  slider.style.setProperty("--level", `${100 * weight}%`);
  slider.setAttribute("aria-valuetext", weight.toFixed(2));
  slider.closest(".wb-strip-column").querySelector("output").textContent = weight.toFixed(2).replace("0.", ".");
}

export default { render };
