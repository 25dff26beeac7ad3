"""What every page of ours is made of: scripts that the page itself allows, colours, JSON."""

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from workbench.charts import theme
from workbench.charts.export import vega_script

TEMPLATES = Path(__file__).parent / "templates"
ALARM = {"light": ("#b3261e", "#b3261e"), "dark": ("#b3261e", "#ff8a80")}  # behind white, as ink


def policy(scripts: Sequence[str]) -> str:
    """Return the tag that lets only these scripts run, and nothing be fetched from anywhere."""
    digests = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    rules = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    return f'<meta http-equiv="Content-Security-Policy" content="{rules}">'


def script_tags(scripts: Sequence[str]) -> str:
    """Return the scripts as modules, after the dress of charts on a dark page."""
    if not scripts:
        return ""
    dark = f'<script type="application/json" id="dark">{script_json(theme.config(True))}</script>'
    return dark + "".join(f'\n<script type="module">{script}</script>' for script in scripts)


def script_json(value: Any) -> str:
    """Return JSON that no `</script>` in a text can end."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def part(name: str) -> str:
    """Return a file beside the templates, such as `report/page.js`."""
    return (TEMPLATES / name).read_text("utf-8")


@cache
def bundle() -> str:
    """Return Vega, Vega-Lite and vega-embed as one script."""
    return vega_script("globalThis.vegaEmbed = vegaEmbed;")


def style(*sheets: str) -> str:
    """Return the colours, light and dark, the style of every page and that of `sheets`."""
    light, dark = (_colours(name) for name in ("light", "dark"))
    every = "\n".join(part(name) for name in ("report/page.css", *sheets))
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{ {dark} }}\n{every}"


def _colours(name: str) -> str:
    palette = theme.DARK if name == "dark" else theme.LIGHT
    alarm, alarm_ink = ALARM[name]
    colours = {
        "paper": palette.paper, "panel": palette.panel, "ink": palette.ink,
        "muted": palette.muted, "line": palette.grid, "accent": palette.main,
        "string": palette.category[2], "alarm": alarm, "alarm-ink": alarm_ink, "sans": theme.FONT,
    }  # fmt: skip
    colours |= {f"category-{place}": colour for place, colour in enumerate(palette.category)}
    return ":root {" + "".join(f"--{key}:{value};" for key, value in colours.items()) + "}"
