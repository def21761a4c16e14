#!/usr/bin/env python3
"""Measures nithronfs against rclone, against what FUSE itself costs, and against what is possible at all.

    tests/bench/bench.py [--binaries BUILD-DIRECTORY] [--rounds N] [--only WORD] [--json FILE] [--folder DIR]

All contenders work in turns on one reference server, and medians count: machines change their speed within an
hour. Each figure is the wall-clock time of one work; page caches are dropped where the work says so, which needs
root. Nothing here passes or fails anything; the table says which targets are met.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import contenders

GIB = 1 << 30
MEMORY_TARGET = 60 * 1000 * 1000
FILM = "film.bin"
SOURCE_ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Target:
    rival: str
    factor: float
    kind: str  # "speed": at least so much of the rival's; "time": at most so much of the rival's

    def text(self):
        sign = "≥" if self.kind == "speed" else "≤"
        return f"{sign} {self.factor:g} × {self.rival}" + (" speed" if self.kind == "speed" else " time")

    def ratio(self, times):
        ours, rival = (statistics.median(times[name]) for name in ("nithronfs", self.rival))
        return rival / ours if self.kind == "speed" else ours / rival

    def met(self, times):
        ratio = self.ratio(times)
        return ratio >= self.factor if self.kind == "speed" else ratio <= self.factor


@dataclass
class Work:
    name: str
    prepare: object  # called with the contender before each measurement
    measure: object  # what is timed
    rivals: list
    targets: list
    size: int = 0  # bytes, where a rate says more than a time
    times: dict = field(default_factory=dict)


def drop_caches():
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")


def read_with(command):
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def read_film(contender):
    read_with(["dd", f"if={contender.root}/{FILM}", "of=/dev/null", "bs=1M"])


def fresh(contender):
    contender.fresh()
    drop_caches()


def film_cached(contender):
    contender.fresh()
    read_film(contender)
    drop_caches()


def film_in_page_cache(contender):
    contender.fresh()
    read_film(contender)


def film_cold(contender):
    if isinstance(contender, contenders.Limit):
        copy = contender.folder / "curl-copy"
        contender.curl("--output", copy, f"{contender.server.dav}/{FILM}")
    else:
        read_film(contender)


def names_known(contender):
    contender.fresh()
    if not isinstance(contender, contenders.Limit):
        os.stat(contender.root / FILM)
    drop_caches()


def four_kib(contender):
    offset = 512 << 20
    if isinstance(contender, contenders.Limit):
        contender.curl("--range", f"{offset}-{offset + 4095}", "--output", "/dev/null",
                       f"{contender.server.dav}/{FILM}")
    else:
        read_with(["dd", f"if={contender.root}/{FILM}", "of=/dev/null", "bs=4096", "count=1", f"skip={offset // 4096}"])


def find(contender):
    read_with(["find", contender.root / "many", "-size", "+0"])


def found_once(contender):
    contender.fresh()
    find(contender)


SMALL = [f"small/file-{number:04}" for number in range(1000)]


def cat_small(contender):
    if isinstance(contender, contenders.Limit):
        contender.fetch_all(SMALL)
    else:
        read_with(["cat", *(contender.root / name for name in SMALL)])


def works():
    everybody = ["nithronfs", "rclone", "limit"]
    local = ["nithronfs", "rclone", "passthrough_ll", "limit"]
    return [
        Work("1 GiB sequential read, cold", fresh, film_cold, everybody,
             [Target("limit", 0.75, "speed"), Target("rclone", 2, "speed")], GIB),
        Work("the same, cached by us, page cache dropped", film_cached, read_film, local,
             [Target("limit", 0.6, "speed")], GIB),
        Work("the same, in the page cache", film_in_page_cache, read_film, local,
             [Target("passthrough_ll", 0.9, "speed")], GIB),
        Work("4 KiB at 512 MiB, cold", names_known, four_kib, everybody, [Target("limit", 1.5, "time")]),
        Work("find -size +0 over 10,000 files, cold", fresh, find, local, [Target("rclone", 1, "time")]),
        Work("the same, again", found_once, find, local, [Target("passthrough_ll", 1.5, "time")]),
        Work("1,000 files of 1 KiB, cat in turn, cold", fresh, cat_small, everybody, [Target("limit", 1.5, "time")]),
    ]


def make_share(root):
    subprocess.run([sys.executable, SOURCE_ROOT / "contrib/demo/make_share.py", root], check=True)
    (root / "small").mkdir()
    for name in SMALL:
        (root / name).write_bytes(name.encode().ljust(1024, b"."))
    for number in range(10_000):
        path = root / "many" / f"{number // 500:02}" / f"entry-{number:05}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" if number % 2 else "", encoding="ascii")


def measure(work, field_of, rounds):
    """A B A B …, so that a slow minute hits everybody alike."""
    for name in work.rivals:
        work.times[name] = []
    for number in range(rounds):
        for name in work.rivals:
            if name not in field_of:
                continue
            contender = field_of[name]
            work.prepare(contender)
            start = time.perf_counter()
            work.measure(contender)
            work.times[name].append(time.perf_counter() - start)
            contender.close()
            print(f"\r{work.name}: round {number + 1} of {rounds}, {name}        ", end="", file=sys.stderr)
    print(file=sys.stderr)
    work.times = {name: times for name, times in work.times.items() if times}


def measure_memory(ours, all_works):
    """What the daemon holds after all works on one mount."""
    ours.fresh()
    for work in all_works:
        work.measure(ours)
    memory = ours.anonymous_memory()
    ours.close()
    return memory


def figure(work, name):
    if name not in work.times:
        return "–"
    median = statistics.median(work.times[name])
    if work.size:
        return f"{work.size / median / 1e6:.0f} MB/s"
    return f"{median * 1000:.1f} ms"


def verdict(work, target):
    if target.rival not in work.times:
        return f"{target.text()}: not measured"
    return f"{target.text()}: {target.ratio(work.times):.2f} {'pass' if target.met(work.times) else 'MISS'}"


def print_table(all_works, memory):
    columns = ["nithronfs", "rclone", "passthrough_ll", "limit"]
    print(f"\n{'work':<46}" + "".join(f"{name:>16}" for name in columns) + "   targets")
    for work in all_works:
        verdicts = "; ".join(verdict(work, target) for target in work.targets)
        print(f"{work.name:<46}" + "".join(f"{figure(work, name):>16}" for name in columns) + f"   {verdicts}")
    if memory is not None:
        passed = "pass" if memory <= MEMORY_TARGET else "MISS"
        print(f"{'resident anonymous memory after all that':<46}{memory / 1e6:>13.1f} MB{'':>48}   ≤ 60 MB: {passed}")


def result_as_json(all_works, memory):
    return contenders.as_json({
        "works": [{"name": work.name, "seconds": work.times,
                   "targets": [{"text": target.text(), "ratio": target.ratio(work.times), "met": target.met(work.times)}
                               for target in work.targets if target.rival in work.times]} for work in all_works],
        "anonymous_memory_bytes": memory,
    })


def start_field(arguments, folder, closing):
    share = folder / "share"
    make_share(share)
    server = contenders.Server(arguments.binaries, share, folder)
    closing.append(server)
    field_of = {"nithronfs": contenders.Ours(arguments.binaries, server, folder),
                "rclone": contenders.Rclone(server, folder), "limit": contenders.Limit(server, share, folder)}
    try:
        field_of["passthrough_ll"] = contenders.Floor(share, folder)
    except (subprocess.CalledProcessError, StopIteration) as error:
        print(f"without the floor: {error}", file=sys.stderr)
    closing.extend(field_of.values())
    return field_of


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=lambda text: Path(text).resolve(), default=SOURCE_ROOT / "build-bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="works whose name contains this")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--folder", help="where everything happens; its disk is what is measured (default: TMPDIR)")
    arguments = parser.parse_args()
    if not os.access("/proc/sys/vm/drop_caches", os.W_OK):
        parser.error("dropping page caches needs root")

    all_works = [work for work in works() if arguments.only in work.name]
    folder = Path(tempfile.mkdtemp(prefix="nithronfs-bench-", dir=arguments.folder))
    closing = []
    try:
        field_of = start_field(arguments, folder, closing)
        for work in all_works:
            measure(work, field_of, arguments.rounds)
        memory = None if arguments.only else measure_memory(field_of["nithronfs"], all_works)
        print_table(all_works, memory)
        if arguments.json:
            arguments.json.write_text(result_as_json(all_works, memory) + "\n", encoding="utf-8")
    finally:
        for each in reversed(closing):
            each.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
