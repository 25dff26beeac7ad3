// A text under its heading, and a button that copies it and says so.
const MOMENT = 2000; // milliseconds for which the button says that it has copied

function render({ model, el }) {
  const details = el.appendChild(document.createElement("details"));
  details.className = "wb-copy wb-code";
  const summary = details.appendChild(document.createElement("summary"));
  const text = details.appendChild(document.createElement("pre"));
  text.tabIndex = 0; // it may scroll
  const button = details.appendChild(document.createElement("button"));
  button.className = "jupyter-button widget-button";
  button.type = "button";
  button.dataset.lmSuppressShortcuts = "true"; // JupyterLab's: D D would delete the cell
  const said = details.appendChild(document.createElement("span"));
  said.className = "wb-note";
  said.setAttribute("role", "status");
  button.textContent = "Copy";
  let timer;

  function paint() {
    summary.textContent = model.get("title");
    text.setAttribute("aria-label", model.get("title"));
    text.textContent = model.get("text");
    button.setAttribute("aria-label", `Copy: ${model.get("title")}`);
  }

  async function copy() {
    said.textContent = (await copied(text)) ? "copied" : "could not copy; select the text and press Ctrl+C";
    clearTimeout(timer);
    timer = setTimeout(() => (said.textContent = ""), MOMENT);
  }

  button.addEventListener("click", copy);
  model.on("change:title change:text", paint);
  paint();
  return () => {
    clearTimeout(timer);
    model.off("change:title change:text", paint);
  };
}

async function copied(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    // a page that is not served from this machine or over https has no clipboard of its own
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}

export default { render };
