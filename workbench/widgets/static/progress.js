// Native progress bars, each with what it counts before it and how far it is behind it.
function render({ model, el }) {
  el.classList.add("wb-bars");

  function paint() {
    const bars = model.get("bars");
    while (el.children.length > bars.length) el.lastChild.remove();
    while (el.children.length < bars.length) el.append(bar());
    bars.forEach(({ label, share, text }, number) => {
      const [name, progress, told] = el.children[number].children;
      put(name, label);
      put(told, text);
      progress.setAttribute("aria-label", `${label} ${text}`);
      progress.value = share;
    });
  }

  model.on("change:bars", paint);
  paint();
  return () => model.off("change:bars", paint);
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
