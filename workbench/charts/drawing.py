"""The PNG of a specification; as a program, of one after the other that it is asked for.

It stands alone, so that the program is quick to start.
"""

import base64
import json
import sys
import zlib
from typing import Any

import vl_convert

VERSION = "5.21"  # of Vega-Lite, the newest 5 in vl-convert; JupyterLab 4 renders with a 5 too


def drawn(specification: dict[str, Any], scale: float = 2) -> bytes:
    """Return the PNG of a specification that `to_vega_lite` has made."""
    png = vl_convert.vegalite_to_png(
        specification, vl_version=VERSION, scale=scale, allowed_base_urls=[]
    )
    return _packed(bytes(png))


def _packed(png: bytes) -> bytes:
    """Compress the pixels well: vl-convert's take three times the room.

    A PNG is a signature of 8 bytes and chunks of length, name, content and checksum; its pixels
    are the content of all IDAT chunks together (PNG specification, sections 5.3 and 11.2.3).
    """
    chunks, start = [], 8
    while start < len(png):
        length = int.from_bytes(png[start : start + 4], "big")
        chunks.append((png[start + 4 : start + 8], png[start + 8 : start + 8 + length]))
        start += 12 + length
    pixels = b"".join(content for name, content in chunks if name == b"IDAT")
    packed = zlib.compress(zlib.decompress(pixels), level=8)  # 9 takes twice as long for 1 %
    head = [chunk for chunk in chunks[:-1] if chunk[0] != b"IDAT"]
    whole = [*head, (b"IDAT", packed), chunks[-1]]
    return png[:8] + b"".join(
        len(content).to_bytes(4, "big") + name + content
        + zlib.crc32(name + content).to_bytes(4, "big")
        for name, content in whole
    )  # fmt: skip


def main() -> None:
    """Answer every specification, a line of JSON, with its PNG in base64 or with what is wrong."""
    for line in sys.stdin:
        try:
            answer = {"png": base64.b64encode(drawn(json.loads(line))).decode()}
        except ValueError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
