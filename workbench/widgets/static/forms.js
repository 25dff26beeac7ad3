// Native controls, labelled and described; the kernel says what they show. A control is written
// only when what it shows has changed, so that nothing is taken from under a person's hands.
function render({ model, el }) {
  el.classList.add("wb-fields");
  const fields = model.get("fields").map((field) => make(field, (value) => {
    model.send({ name: field.name, value });
  }));
  el.append(...fields.map((field) => field.element));

  function paint() {
    const state = model.get("state");
    for (const field of fields) field.show(state[field.name]);
  }

  model.on("change:state", paint);
  paint();
  return () => model.off("change:state", paint);
}

function make({ name, label, kind, title }, choose) {
  const element = document.createElement("div");
  element.className = `wb-field wb-field-${kind}`;
  element.dataset.setting = name;
  const caption = element.appendChild(document.createElement("label"));
  caption.textContent = label;
  const control = element.appendChild(document.createElement(kind === "choice" ? "select" : "input"));
  const flag = kind === "flag";
  if (flag) control.type = "checkbox";
  else if (kind !== "choice") control.type = "text";
  if (kind === "number") control.inputMode = "decimal";
  control.title = title;
  control.dataset.lmSuppressShortcuts = "true"; // else D D in a list of choices deletes the cell
  control.autocomplete = "off";
  control.spellcheck = false;
  const note = element.appendChild(document.createElement("div"));
  note.setAttribute("aria-live", "polite");
  const id = Math.random().toString(36).slice(2); // each form runs this script for itself
  control.id = caption.htmlFor = `wb-control-${id}`;
  note.id = `wb-note-${id}`;
  control.setAttribute("aria-describedby", note.id);

  let before = {};
  function commit() {
    const value = flag ? control.checked : control.value;
    if (value !== before.value) choose(value);
  }
  control.addEventListener("change", commit);
  control.addEventListener("keydown", (event) => {
    if (event.key === "Enter") commit(); // JupyterLab keeps the browser from doing so
  });

  function show(state) {
    if (!same(state.options, before.options)) {
      control.replaceChildren(...state.options.map((option) => new Option(option)));
    }
    if (flag) control.checked = state.value;
    else if (state.value !== before.value || !same(state.options, before.options)) {
      control.value = state.value;
    }
    control.disabled = state.disabled;
    control.setAttribute("aria-invalid", String(state.tone === "error"));
    element.classList.toggle("wb-hidden", state.hidden);
    element.classList.toggle("wb-idle", state.tone === "reason");
    note.className = state.tone === "error" ? "wb-error" : "wb-note";
    if (note.textContent !== state.note) note.textContent = state.note;
    before = state;
  }

  return { name, element, show };
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

export default { render };
