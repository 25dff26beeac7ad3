// A link to a file that Jupyter's server hands out under `files/`; without such a server, the path.
function render({ model, el }) {
  function paint() {
    const [label, path] = [model.get("label"), model.get("path")];
    const href = path && addressOf(path, model.get("home"));
    el.replaceChildren();
    if (!path) return;
    const part = document.createElement(href ? "a" : "code");
    part.textContent = href ? label : path;
    if (href) Object.assign(part, { href, target: "_blank", rel: "noopener", title: path });
    if (href) part.style.cssText = "color: var(--wb-accent); text-decoration: underline";
    el.append(part);
  }

  el.classList.add("wb-link");
  const traits = "change:label change:path";
  model.on(traits, paint);
  paint();
  return () => model.off(traits, paint);
}

export default { render };
