// What may come next: native radio buttons, so that the arrow keys choose as everywhere; Enter or a
// double click forces the one chosen, Delete bans it.
let views = 0;

function render({ model, el }) {
  const set = el.appendChild(document.createElement("fieldset"));
  set.className = "wb-candidates";
  const legend = set.appendChild(document.createElement("legend"));
  const name = `wb-candidates-${++views}`;
  let version;

  function paint() {
    const shown = model.get("shown");
    const { rows = [], chosen } = shown;
    legend.textContent = shown.legend ?? "";
    const held = set.contains(document.activeElement);
    while (set.querySelectorAll("label").length < rows.length) set.append(row(name));
    const labels = [...set.querySelectorAll("label")];
    labels.slice(rows.length).forEach((label) => label.remove());
    rows.forEach((each, index) => fill(labels[index], each, each.token === chosen));
    set.dataset.version = shown.version ?? "";
    // whoever is at the keyboard stays at the list when another takes its place
    if (held && version !== shown.version) set.querySelector("input:checked")?.focus();
    version = shown.version;
  }

  const send = (what, input) => model.send({ do: what, token: input.value });
  const act = (event) => {
    const input = event.target.closest?.("label")?.querySelector("input");
    if (!input) return;
    if (event.type === "change") send("choose", input);
    if (event.type === "dblclick") send("force", input);
    if (event.type !== "keydown") return;
    if (event.key === "Enter") send("force", input);
    else if (event.key === "Delete" || event.key === "Backspace") send("ban", input);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const kinds = ["change", "dblclick", "keydown"];
  for (const kind of kinds) set.addEventListener(kind, act);
  model.on("change:shown", paint);
  paint();
  return () => {
    for (const kind of kinds) set.removeEventListener(kind, act);
    model.off("change:shown", paint);
  };
}

function row(name) {
  const label = document.createElement("label");
  const input = label.appendChild(document.createElement("input"));
  input.type = "radio";
  input.name = name;
  input.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own keys
  for (const part of ["token", "bar", "share"]) {
    label.appendChild(document.createElement("span")).className = `wb-cand-${part}`;
  }
  label.querySelector(".wb-cand-bar").appendChild(document.createElement("i"));
  return label;
}

function fill(label, { token, share, words, banned }, chosen) {
  const input = label.querySelector("input");
  input.value = token;
  input.checked = chosen;
  label.classList.toggle("wb-banned", banned);
  const text = label.querySelector(".wb-cand-token");
  text.textContent = token;
  text.title = token;
  label.querySelector(".wb-cand-bar > i").style.width = `${100 * share}%`;
  label.querySelector(".wb-cand-share").textContent = banned ? `${words} banned` : words;
}

export default { render };
