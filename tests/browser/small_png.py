"""Pictures of pages as small PNGs: the browser counts the colours, and a palette of the commonest is kept."""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.sync_api import Page

COLOURS = 256
# The browser reads its own picture, so that nothing else has to. Colours that are not in the palette take the nearest.
PIXELS = """async ([data, most]) => {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const palette = [...counts].sort((a, b) => b[1] - a[1]).slice(0, most).map(([colour]) => colour);
  const apart = (a, b) => [0, 8, 16].reduce((sum, by) => sum + (((a >> by) & 255) - ((b >> by) & 255)) ** 2, 0);
  const place = new Map(palette.map((colour, index) => [colour, index]));
  for (const colour of counts.keys()) {
    if (place.has(colour)) continue;
    let best = 0;
    palette.forEach((other, index) => { if (apart(colour, other) < apart(colour, palette[best])) best = index; });
    place.set(colour, best);
  }
  let text = "";
  const indices = Uint8Array.from(pixels, (pixel) => place.get(pixel));
  for (let at = 0; at < indices.length; at += 32768) text += String.fromCharCode(...indices.subarray(at, at + 32768));
  return { width, height, palette, indices: btoa(text) };
}"""


def small(page: Page, png: bytes) -> bytes:
    """The picture again, with a palette; `page` is any page that allows `data:` (about:blank does)."""
    found = page.evaluate(PIXELS, [base64.b64encode(png).decode(), COLOURS])
    width, height = found["width"], found["height"]
    pixels = base64.b64decode(found["indices"])
    rows = b"".join(b"\0" + pixels[y * width : (y + 1) * width] for y in range(height))
    palette = b"".join(struct.pack("<I", colour)[:3] for colour in found["palette"])
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
