// Two regions that stay on the page, since screen readers only announce changes of regions that
// they know: one is read out in its turn, the other, for errors, at once.
function render({ model, el }) {
  const quiet = document.createElement("div");
  quiet.setAttribute("role", "status");
  quiet.setAttribute("aria-live", "polite");
  const loud = document.createElement("div");
  loud.setAttribute("role", "alert");
  el.append(quiet, loud);
  el.classList.add("wb-status");

  function paint() {
    const error = model.get("tone") === "error";
    el.dataset.tone = model.get("tone");
    put(error ? loud : quiet, model.get("text"));
    put(error ? quiet : loud, "");
  }

  model.on("change:text change:tone", paint);
  paint();
  model.send({ mounted: true }); // what changed while the page was loading is sent again
  return () => model.off("change:text change:tone", paint);
}

function put(region, text) {
  if (region.textContent !== text) region.textContent = text;
}

export default { render };
