// A native slider, its name before it and what its place means behind it, read out with it.
const TRAITS = ["description", "text", "max", "value", "disabled"];

function render({ model, el }) {
  const label = el.appendChild(document.createElement("label"));
  const name = label.appendChild(document.createElement("span"));
  const slider = label.appendChild(document.createElement("input"));
  const text = el.appendChild(document.createElement("span"));
  el.classList.add("wb-slider");
  text.className = "wb-note wb-number";
  Object.assign(slider, { type: "range", min: 0, step: 1 });
  slider.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own keys

  function paint() {
    put(name, model.get("description"));
    put(text, model.get("text"));
    slider.max = model.get("max"); // before the value, which it would cut
    slider.value = model.get("value");
    slider.disabled = model.get("disabled");
    slider.setAttribute("aria-valuetext", model.get("text"));
  }

  function moved() {
    model.set("value", Number(slider.value));
    model.save_changes();
  }

  const news = TRAITS.map((trait) => `change:${trait}`).join(" ");
  slider.addEventListener("input", moved);
  model.on(news, paint);
  paint();
  return () => {
    slider.removeEventListener("input", moved);
    model.off(news, paint);
  };
}

function put(part, text) {
  if (part.textContent !== text) part.textContent = text;
}

export default { render };
