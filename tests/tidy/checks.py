"""The checks of the tidy test. Each takes a Tree and yields one line of text per violation."""

import re
import shutil
import subprocess
from pathlib import Path

import rules

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
SLEEPS = {
    ".cpp": re.compile(r"\bsleep_for\s*\(|this_thread::sleep|\b(?:u|nano)?sleep\s*\("),
    ".py": re.compile(r"\btime\.sleep\s*\(|from time import[^\n]*\bsleep\b"),
    ".sh": re.compile(r"(?:^|[;&|({]|\bdo|\bthen)\s*(?:/bin/)?sleep\s+[\d$.\"]", re.MULTILINE),
}
SLEEPS[".hpp"] = SLEEPS[".cpp"]


class Tree:
    """The files of a source tree, by their path relative to its root."""

    SKIPPED = {".git", ".cache", "__pycache__"}

    def __init__(self, root):
        self.root = Path(root)
        self.paths = sorted(self._walk(self.root))
        self._texts = {}

    def _walk(self, folder):
        for entry in folder.iterdir():
            if entry.name in self.SKIPPED or (folder == self.root and entry.name.startswith("build")):
                continue
            if entry.is_dir() and not entry.is_symlink():
                yield from self._walk(entry)
            elif entry.is_file():
                yield entry.relative_to(self.root).as_posix()

    def text(self, path):
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self._texts[path]

    def below(self, *folders, suffix=(".cpp", ".hpp")):
        return [p for p in self.paths if p.startswith(folders) and p.endswith(suffix)]

    def includes(self, path):
        return [(quote == '"', name) for quote, name in INCLUDE.findall(self.text(path))]


def module_of(path):
    match = re.match(r"(?:src|include/nithronfs)/([^/]+)/", path)
    return match.group(1) if match else None


def allowed_modules(module):
    if module in rules.ONLY:
        return {module, *rules.ONLY[module]}
    allowed = {module}
    for row in rules.ROWS:
        if module in row:
            return allowed
        allowed.update(row)
    return set()


def resolve(tree, path, name):
    """The file of this tree that `#include "name"` in `path` means, or None."""
    folder = path.rsplit("/", 1)[0]
    roots = [folder, "include", "src", "contrib/refserver/src", "contrib/refserver", "tests", "tests/support", ""]
    known = set(tree.paths)
    for root in roots:
        parts = []
        for part in f"{root}/{name}".split("/"):
            if part == "..":
                parts = parts[:-1]
            elif part not in ("", "."):
                parts.append(part)
        if "/".join(parts) in known:
            return "/".join(parts)
    return None


def layers(tree):
    """A module includes only modules of the rows below it."""
    for path in tree.below("src/", "include/nithronfs/"):
        module = module_of(path)
        if not allowed_modules(module):
            yield f"{path}: module '{module}' has no place in the house; give it a row in tests/tidy/rules.py"
            continue
        for quoted, name in tree.includes(path):
            if not quoted:
                continue
            target = resolve(tree, path, name)
            used = module_of(target) if target else None
            if used is None:
                yield f'{path}: "{name}" is not a header of the house'
            elif used not in allowed_modules(module):
                yield f"{path}: {module} must not use {used} ({name})"


def private_headers(tree):
    """A header in src/ belongs to its module; what others need is in include/."""
    for path in tree.below("src/", "include/nithronfs/"):
        for quoted, name in tree.includes(path):
            target = resolve(tree, path, name) if quoted else None
            if target and target.startswith("src/") and module_of(target) != module_of(path):
                yield f"{path}: includes the private header {target}"
            if target and path.startswith("include/") and not target.startswith("include/"):
                yield f"{path}: a public header includes the private header {target}"


def doors(tree):
    """Each library is included by one module only."""
    for path in tree.below("src/", "include/", "contrib/", "tests/"):
        for _, name in tree.includes(path):
            for prefix, folders in rules.DOORS.items():
                if name.startswith(prefix) and resolve(tree, path, name) is None and \
                        not path.startswith(tuple(folders)):
                    yield f"{path}: <{name}> belongs into {' or '.join(folders)}"
    for header, folder in rules.SINGLE_FILE_DOORS.items():
        users = [p for p in tree.below("src/", "include/", "contrib/", "tests/")
                 if any(name == header for _, name in tree.includes(p))]
        for path in users:
            if not path.startswith(folder) or path != users[0]:
                yield f"{path}: <{header}> belongs into one file below {folder}"


def two_programs(tree):
    """The reference server and the client share no code, so that no mistake hides behind its twin."""
    for path in tree.below("contrib/refserver/"):
        for quoted, name in tree.includes(path):
            target = resolve(tree, path, name) if quoted else None
            if target and not target.startswith("contrib/refserver/"):
                yield f"{path}: the reference server must not use {target}"
    for path in tree.below("src/", "include/", "tests/"):
        for quoted, name in tree.includes(path):
            target = resolve(tree, path, name) if quoted else None
            if target and target.startswith("contrib/"):
                yield f"{path}: only the reference server may use {target}"


def _named_in_meson(tree, path):
    """True when a meson.build above `path` names it, whole or by its stem as in a foreach over names."""
    parts = path.split("/")
    for depth in range(len(parts)):
        build_file = "/".join(parts[:depth] + ["meson.build"])
        if build_file not in tree.paths:
            continue
        text = re.sub(r"#[^\n]*", "", tree.text(build_file))
        relative = "/".join(parts[depth:])
        stem = relative.rsplit(".", 1)[0]
        names = {relative, stem, stem.removesuffix("_test"), stem.removesuffix("_fuzz")}
        if any(f"'{name}'" in text for name in names):
            return True
    return False


def registered_tests(tree):
    """A test that no meson.build names never runs."""
    for path in tree.below("tests/", "contrib/", "src/", suffix=("_test.cpp", "_test.py")):
        if not _named_in_meson(tree, path):
            yield f"{path}: no meson.build registers this test"


def dead_files(tree):
    """A source file that no meson.build names is not part of anything."""
    for path in tree.below("src/", "contrib/", "tests/", suffix=(".cpp",)):
        if not path.endswith("_test.cpp") and not _named_in_meson(tree, path):
            yield f"{path}: no meson.build names this file"
    included = {resolve(tree, path, name) for path in tree.below("src/", "include/", "contrib/", "tests/")
                for quoted, name in tree.includes(path) if quoted}
    for path in tree.below("src/", "include/", "contrib/", "tests/", suffix=(".hpp",)):
        if path not in included:
            yield f"{path}: nobody includes this header"


def opening_comments(tree):
    """A file opens with its one job in a sentence or two."""
    for path in tree.below("src/", "include/", "contrib/", "tests/", ".ci/", suffix=rules.SOURCE_SUFFIXES):
        lines = tree.text(path).splitlines()
        if lines and lines[0].startswith("#!"):
            lines = lines[1:]
        first = next((line for line in lines if line.strip()), "")
        openings = ("// ", "/* ", "/*") if path.endswith((".cpp", ".hpp")) else ("# ", '"""')
        if not first.startswith(openings):
            yield f"{path}: opens without a comment that says its job"


def file_lengths(tree):
    """A file fits a sitting."""
    for path in tree.below("src/", "include/", "contrib/", "tests/", suffix=rules.SOURCE_SUFFIXES):
        count = tree.text(path).count("\n")
        if count > rules.MAX_LINES and path not in rules.LONG_FILES:
            yield f"{path}: {count} lines, above {rules.MAX_LINES}; split it, or give a reason in rules.py"
    for path in rules.LONG_FILES:
        if path not in tree.paths or tree.text(path).count("\n") <= rules.MAX_LINES:
            yield f"{path}: needs no exception from the length limit any more"


def forbidden_text(tree):
    """No machine paths, no leftovers."""
    patterns = [(re.compile(pattern, re.MULTILINE), reason) for pattern, reason in rules.FORBIDDEN]
    suffixes = rules.SOURCE_SUFFIXES + (".build", ".md", ".yaml", ".txt", ".service", ".mount", ".conf", ".in")
    for path in tree.paths:
        if not path.endswith(suffixes) and path != ".ci/run":
            continue
        text = tree.text(path)
        for pattern, reason in patterns:
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                yield f"{path}:{line}: {match.group(0).strip()!r}: {reason}"


def no_sleeping_tests(tree):
    """Tests wait for events, with a deadline; never for time to pass."""
    for path in tree.below("tests/", "contrib/demo/", "contrib/refserver/tests/", suffix=tuple(SLEEPS)):
        if path in rules.MAY_SLEEP:
            continue
        text = tree.text(path)
        if path.endswith((".cpp", ".hpp")):
            text = COMMENT.sub("", text)
        for match in SLEEPS[path[path.rindex("."):]].finditer(text):
            yield f"{path}: {match.group(0).strip()!r}: wait for an event with a deadline instead"


def _tool(name):
    return None if shutil.which(name) else f"{name} is not installed; contrib/setup.sh test brings it"


def formatted(tree):
    """clang-format has nothing to change."""
    if missing := _tool("clang-format-19"):
        yield missing
        return
    paths = tree.below("src/", "include/", "contrib/", "tests/")
    for path in paths:
        process = subprocess.run(["clang-format-19", "--style=file", "--dry-run", "-Werror", path], cwd=tree.root,
                                 capture_output=True, text=True, check=False)
        if process.returncode != 0:
            first = (process.stderr.splitlines() or ["failed"])[0]
            yield f"{first} (clang-format-19 -i {path})"


def shell_scripts(tree):
    """shellcheck has nothing to say."""
    if missing := _tool("shellcheck"):
        yield missing
        return
    scripts = [path for path in tree.paths
               if path.endswith(".sh") or re.match(r"#!.*\b(?:ba|da)?sh\b", tree.text(path)[:80])]
    for path in scripts:
        process = subprocess.run(["shellcheck", "--external-sources", "--format=gcc", path], cwd=tree.root,
                                 capture_output=True, text=True, check=False)
        yield from process.stdout.splitlines()
        if process.returncode != 0 and not process.stdout:
            yield f"{path}: {process.stderr.strip()}"


ALL = [layers, private_headers, doors, two_programs, registered_tests, dead_files, opening_comments, file_lengths,
       forbidden_text, no_sleeping_tests, formatted, shell_scripts]
