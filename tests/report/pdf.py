"""The text of a PDF, as far as tests need it: what Chromium writes, with its own fonts and streams."""

import re
import zlib


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, as far as this test needs it: Chromium's own fonts and streams."""
    objects = dict(re.findall(rb"(\d+) 0 obj\n(.*?)\nendobj", pdf, re.DOTALL))
    return [_text(objects, body) for body in objects.values() if b"/Type /Page\n" in body]


def _text(objects: dict[bytes, bytes], page: bytes) -> str:
    fonts = {
        name: _letters(objects, objects[number])
        for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", page)
        if number in objects
    }
    found, font = [], {}
    (content,) = re.findall(rb"/Contents (\d+) 0 R", page)
    for name, glyphs in re.findall(rb"/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>", _stream(objects[content])):
        font = fonts.get(name, {}) if name else font
        found += [font.get(glyphs[at : at + 4].upper(), "") for at in range(0, len(glyphs), 4)]
    return "".join(found)


def _letters(objects: dict[bytes, bytes], font: bytes) -> dict[bytes, str]:
    """Which glyph is which letter, by the font's own table."""
    found: dict[bytes, str] = {}
    for number in re.findall(rb"/ToUnicode (\d+) 0 R", font):
        table = _stream(objects[number])
        for glyph, letter in re.findall(rb"^<([0-9A-F]{4})> <([0-9A-F]{4})>$", table, re.MULTILINE):
            found[glyph] = chr(int(letter, 16))
        for first, last, letter in re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]{4})> <([0-9A-F]{4})>", table):
            for place in range(int(last, 16) - int(first, 16) + 1):
                found[b"%04X" % (int(first, 16) + place)] = chr(int(letter, 16) + place)
    return found


def _stream(body: bytes) -> bytes:
    return zlib.decompress(body.partition(b"stream\n")[2])
