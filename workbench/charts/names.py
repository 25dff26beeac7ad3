"""How a figure of an evaluation is called and written."""

_KNOWN = {  # name: (title, format of a number as d3 and Python both read it)
    "loss": ("loss (nats a token)", ".3f"),
    "perplexity": ("perplexity", ".3g"),
    "token_accuracy": ("token accuracy", ".1%"),
    "exact_match": ("exact match", ".1%"),
    "bleu": ("BLEU", ".1f"),
    "chrf": ("chrF", ".1f"),
    "character_error_rate": ("character error rate", ".1%"),
    "word_error_rate": ("word error rate", ".1%"),
    "alignment_error_rate": ("alignment error rate", ".1%"),
    "diagonal_error_rate": ("diagonal error rate", ".1%"),
}


def titled(text: str) -> str:
    """Return `text` fit for the title of an axis or a tooltip.

    Vega-Lite pastes these titles between quotation marks into the expressions that it writes.
    """
    return " ".join(text.replace('"', "″").replace("\\", "/").split())


def title_of(name: str) -> str:
    """Return the figure's name as people write it, fit for the title of an axis."""
    return _KNOWN[name][0] if name in _KNOWN else titled(name.replace("_", " "))


def format_of(name: str) -> str:
    """Return the format of its values, e.g. `.1%` for a share."""
    return _KNOWN[name][1] if name in _KNOWN else ".3g"


def written(name: str, value: float) -> str:
    """Return `value` as the figure `name` is written: `97.3%`, `41.2`."""
    return format(value, format_of(name))


def is_lower_better(name: str) -> bool:
    """Tell whether a smaller value of the figure, such as a loss or an error rate, is better."""
    costs = ("loss", "perplexity", "error_rate", "seconds", "bytes", "steps", "count")
    return name.endswith(costs)


def ordered(names: set[str]) -> list[str]:
    """Return known names in their usual order, then the others by alphabet."""
    return [name for name in _KNOWN if name in names] + sorted(names - _KNOWN.keys())
