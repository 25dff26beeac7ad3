// Native progress bars, each with what it counts before it and how far it is behind it, and a line
// of text below them.
function render({ model, el }) {
  const list = document.createElement("div");
  const note = document.createElement("div");
  list.className = "wb-bars";
  note.className = "wb-note wb-number";
  el.append(list, note);

  function paint() {
    const bars = model.get("bars");
    while (list.children.length > bars.length) list.lastChild.remove();
    while (list.children.length < bars.length) list.append(bar());
    bars.forEach(({ label, share, text }, number) => {
      const [name, progress, told] = list.children[number].children;
      put(name, label);
      put(told, text);
      progress.setAttribute("aria-label", `${label} ${text}`);
      progress.value = share;
    });
    put(note, model.get("note"));
  }

  model.on("change:bars change:note", paint);
  paint();
  return () => model.off("change:bars change:note", paint);
}

function bar() {
  const line = document.createElement("div");
  const progress = document.createElement("progress");
  progress.max = 1;
  line.append(document.createElement("span"), progress, document.createElement("span"));
  return line;
}

function put(part, text) {
  if (part.textContent !== text) part.textContent = text;
}

export default { render };
