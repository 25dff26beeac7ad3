// A native button; the kernel makes the file when it is pressed, and the page saves it.
function render({ model, el }) {
  const asker = crypto.getRandomValues(new Uint32Array(2)).join("-"); // of several views, this one
  const button = document.createElement("button");
  button.type = "button";
  button.className = "jupyter-button wb-button";
  const problem = document.createElement("span");
  problem.className = "wb-error";
  problem.setAttribute("role", "alert");
  problem.hidden = true;
  el.classList.add("wb-download");
  el.append(button, problem);

  function paint() {
    button.textContent = model.get("label");
    button.title = model.get("tooltip");
    button.disabled = model.get("disabled");
  }

  function answered(content, buffers) {
    if (content.asker !== asker) return;
    problem.textContent = content.error ?? "";
    problem.hidden = !content.error;
    if (!content.error) save(content.name, buffers[0]);
  }

  button.addEventListener("click", () => model.send({ asker }));
  const traits = "change:label change:tooltip change:disabled";
  model.on(traits, paint);
  model.on("msg:custom", answered);
  paint();
  return () => {
    model.off(traits, paint);
    model.off("msg:custom", answered);
  };
}

function save(name, bytes) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may still be reading it
}

export default { render };
