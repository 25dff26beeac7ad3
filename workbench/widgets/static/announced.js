// A region that stays on the page: screen readers announce changes only of regions that they know.
function render({ model, el }) {
  const region = el.appendChild(document.createElement("div"));
  region.setAttribute("role", model.get("role"));
  if (model.get("look")) region.classList.add(model.get("look"));

  function paint() {
    const value = model.get("value");
    if (region.dataset.value === value) return; // sent again to a page loaded anew
    region.dataset.value = value;
    region.innerHTML = value; // escaped by the kernel
  }

  model.on("change:value", paint);
  paint();
  return () => model.off("change:value", paint);
}

export default { render };
