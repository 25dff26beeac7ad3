import re

from workbench.widgets.looks import Looks, looks


def test_there_is_one_style_sheet_for_the_process(said):
    assert looks() is looks()
    assert "--wb-accent" in str(looks()._css)


def test_every_class_that_panels_are_told_of_is_in_the_style_sheet():
    named = set(re.findall(r"`(wb-[a-z]+)`", Looks.__doc__))
    assert len(named) > 8
    assert not {name for name in named if f".{name}" not in str(looks()._css)}


def test_spaces_are_of_one_scale():
    sizes = re.findall(r"(?:gap|padding|margin): ([^;]+);", str(looks()._css))
    pixels = {int(size) for each in sizes for size in re.findall(r"(\d+)px", each)}
    assert pixels <= {0, 4, 8, 12, 16, 24}
    assert len(pixels) > 3


def relative_luminance(colour):
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    high, low = sorted((relative_luminance(one), relative_luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_words_and_edges_are_told_apart_from_both_papers():
    sheets = re.findall(r"^body[^{]*\{([^}]*)\}", str(looks()._css), re.MULTILINE)
    light, dark = (dict(re.findall(r"--wb-([a-z-]+): (#[0-9a-f]{6});", sheet)) for sheet in sheets)
    for colours, paper in ((light, "#ffffff"), (dark, "#111111")):
        for name in ("ink", "muted", "error", "warning", "good"):
            assert contrast(colours[name], paper) >= 4.5, (name, paper)
        for name in ("edge", "accent"):
            assert contrast(colours[name], paper) >= 3, (name, paper)
        assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
