#!/usr/bin/env python3
"""Fills a directory with the demo's sample share: texts, pictures, a 1 GiB file, 1,000 small files, odd names.

    make_share.py DIRECTORY [--film-size BYTES]

The content is the same each time, so that anybody can compare it.
"""

import argparse
import random
import struct
import zlib
from pathlib import Path

MIB = 1024 * 1024
PAGE = 4096

LETTER = """Dear reader,

this file lives on the server. When you read it for the first time, its bytes travel once; after that they
come from this machine, also when the server is gone. Look at what is here already:

    getfattr -n user.nithron.state FILE

"""

ODD_NAMES = [
    "with space.txt",
    "it's quoted \"twice\".txt",
    "100% sure?.txt",
    "#hash & ampersand;.txt",
    "back\\slash.txt",
    "new\nline.txt",
    "-starts with a dash.txt",
    ".hidden.txt",
    "smörgåsbord.txt",
    "日本語.txt",
    "emoji 🌲.txt",
    "n" * 251 + ".txt",
]


def png(width, height, pixel):
    """The bytes of a PNG (RFC 2083) of 8-bit RGB; `pixel(x, y)` gives three numbers from 0 to 255."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"".join(bytes(pixel(x, y)) for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) +
            chunk(b"IEND", b""))


def make_pictures(folder):
    folder.mkdir(parents=True)
    motifs = {
        "sunrise": lambda x, y: (255 - y // 2, max(0, 180 - y), 60 + y // 2),
        "rings": lambda x, y: ((x * x + y * y) // 64 % 256, x % 256, y % 256),
        "checks": lambda x, y: (230, 230, 230) if (x // 20 + y // 20) % 2 else (40, 70, 120),
        "weave": lambda x, y: ((x ^ y) % 256, (x & y) % 256, (x | y) % 256),
    }
    for name, motif in motifs.items():
        (folder / f"{name}.png").write_bytes(png(320, 240, motif))


def make_film(path, size):
    """No two pages are equal: whatever is returned at a wrong place shows in a checksum."""
    block = bytearray(random.Random(1).randbytes(MIB))
    with path.open("wb") as film:
        for start in range(0, size, MIB):
            for offset in range(0, MIB, PAGE):
                struct.pack_into("<Q", block, offset, start + offset)
            film.write(block[:min(MIB, size - start)])


def make_small_files(folder, count=1000):
    source = random.Random(2)
    for number in range(count):
        path = folder / f"{number // 100:02}" / f"note-{number:04}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"note {number}\n" + "x" * source.randrange(2000) + "\n", encoding="ascii")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--film-size", type=int, default=1024 * MIB)
    arguments = parser.parse_args()
    root = arguments.directory

    root.mkdir(parents=True)
    (root / "letter.txt").write_text(LETTER, encoding="ascii")
    make_pictures(root / "pictures")
    make_small_files(root / "notes")
    (root / "odd names").mkdir()
    for name in ODD_NAMES:
        (root / "odd names" / name).write_text(f"{name!r}\n", encoding="utf-8")
    (root / "empty folder").mkdir()
    make_film(root / "film.bin", arguments.film_size)


if __name__ == "__main__":
    main()
