// JupyterLab says on its page where its server is and which folder that shows.
// A folder, which ends in `/`, opens in its file browser, or as a list of files.
export function addressOf(path, home, settings = pageSettings()) {
  const root = settings.serverRoot?.replace(/^~(?=\/|$)/, home).replaceAll("\\", "/").replace(/\/$/, "");
  if (root === undefined || !path.startsWith(`${root}/`)) return null;
  const parts = path.slice(root.length + 1).split("/").map(encodeURIComponent);
  const way = path.endsWith("/") ? `${settings.appUrl?.slice(1) ?? "lab"}/tree` : "files";
  return `${settings.baseUrl ?? "/"}${way}/${parts.filter(Boolean).join("/")}`;
}

function pageSettings() {
  return JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
}
