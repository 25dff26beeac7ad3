// Sends a file in parts, each after the one before has arrived: neither the connection nor the
// kernel gets more at a time than it can take.
const PART = 1_000_000; // bytes

function render({ model, el }) {
  const asker = `${Date.now()}-${Math.random()}`;
  const input = document.createElement("input");
  input.type = "file";
  input.hidden = true;
  const button = document.createElement("button");
  button.className = "jupyter-button widget-button";
  button.type = "button";
  button.dataset.lmSuppressShortcuts = "true"; // JupyterLab's: D D would delete the cell
  button.addEventListener("click", () => input.click());
  const note = document.createElement("span");
  note.setAttribute("role", "status");
  el.classList.add("wb-download");
  el.append(button, input, note);
  let file; // that is on its way

  function paint() {
    button.textContent = model.get("label");
  }

  function say(text, wrong = false) {
    note.className = wrong ? "wb-error" : "wb-note";
    note.textContent = text;
  }

  function begin() {
    const [chosen] = input.files;
    input.value = ""; // so that the same file can be chosen again
    if (!chosen) return;
    if (chosen.size > model.get("limit")) {
      const most = megabytes(model.get("limit"));
      say(`${chosen.name} has ${megabytes(chosen.size)}, and at most ${most} can be uploaded: ${model.get("advice")}.`, true);
      return;
    }
    file = chosen;
    say(`${file.name} …`);
    model.send({ asker, begin: file.name });
  }

  async function answered(message) {
    if (message.asker !== asker) return;
    if ("next" in message) return send(message.next);
    file = undefined;
    button.disabled = false;
    if (message.error) say(message.error, true);
    else say(`saved as ${message.saved}`);
  }

  async function send(from) {
    button.disabled = true;
    if (from >= file.size) return model.send({ asker, end: true });
    say(`${file.name}: ${Math.round((100 * from) / file.size)} %`);
    const part = await file.slice(from, from + PART).arrayBuffer();
    model.send({ asker }, {}, [part]);
  }

  input.addEventListener("change", begin);
  model.on("change:label", paint);
  model.on("msg:custom", answered);
  paint();
  return () => {
    model.off("change:label", paint);
    model.off("msg:custom", answered);
  };
}

function megabytes(bytes) {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

export default { render };
