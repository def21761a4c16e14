"""The picture of the house as data: every rule that the tidy test enforces is one line here."""

# From the cellar to the roof. A module may use what stands in a row below its own, and itself.
ROWS = [
    ["util"],
    ["config"],
    ["net"],
    ["remote", "store"],
    ["tree", "cache"],
    ["sync"],
    ["vfs"],
    ["fuse", "dbus"],
    ["daemon", "cli"],
]

# Stricter than the rows: these modules use no more than this.
ONLY = {
    "config": ["util"],
    "net": ["util"],
    "store": ["util"],
    "remote": ["util", "net"],
    # The command line talks to a running mount over D-Bus alone, and to a server for accounts.
    "cli": ["util", "config", "net", "remote", "dbus"],
}

# One library, one door: a header that starts with the key is included only below these folders.
# Public headers are no door: nobody who includes them gets a library with them.
DOORS = {
    "fuse": ["src/fuse/"],
    "curl/": ["src/net/", "tests/support/"],
    "lmdb.h": ["src/store/", "contrib/refserver/"],
    "expat.h": ["src/remote/", "contrib/refserver/"],
    "systemd/sd-bus": ["src/dbus/"],
    "systemd/sd-event": ["src/dbus/"],
    "systemd/sd-daemon": ["src/daemon/"],
    "systemd/sd-journal": ["src/util/"],
    "spdlog/": ["src/util/"],
    "nlohmann/": ["src/remote/", "src/config/", "src/cli/", "src/dbus/", "contrib/refserver/", "tests/"],
    "gtest/": ["tests/", "contrib/refserver/tests/"],
    "gmock/": ["tests/", "contrib/refserver/tests/"],
}

# A door of one single file below a folder.
SINGLE_FILE_DOORS = {"microhttpd.h": "contrib/refserver/"}

MAX_LINES = 450
# File: why it may be longer.
LONG_FILES = {}

# Waiting for a time instead of an event makes tests slow and flaky. The one place that may poll.
MAY_SLEEP = {"tests/support/eventually.cpp": "polls a condition until its deadline"}

# Extensions that the general checks (opening comment, length, forbidden text) read.
SOURCE_SUFFIXES = (".cpp", ".hpp", ".py", ".sh")

# Text that has no place in a repository: (regular expression, what is wrong with it). The brackets keep this
# table from finding itself.
FORBIDDEN = [
    (r"(?<![\w.])/wor[k]/", "a path of one machine"),
    (r"(?<![\w.])/hom[e]/[a-z]", "a path of one machine"),
    (r"\b(TOD[O]|FIXM[E]|XX[X])\b", "unfinished work belongs into an issue"),
    (r"^(<<<<<<[<]|>>>>>>[>]) ", "a merge was left half-way"),
    (r"[ \t]+$", "white space at the end of a line"),
]
