#!/usr/bin/env python3
"""Plants violations into small trees and proves that each check of the tidy test finds them; prints TAP."""

import sys
import tempfile
import unittest
from pathlib import Path

import checks

COMMENT = "// Says its job.\n"


class PlantedViolations(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="nithronfs-tidy-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def plant(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def found(self, check):
        return list(check(checks.Tree(self.root)))

    def assert_bites(self, check, *needles):
        found = self.found(check)
        for needle in needles:
            self.assertTrue(any(needle in line for line in found), f"{needle!r} not in {found}")

    def assert_clean(self, check):
        self.assertEqual(self.found(check), [])

    def header(self, module, name="a.hpp"):
        self.plant(f"include/nithronfs/{module}/{name}", COMMENT)
        return f'#include "nithronfs/{module}/{name}"\n'

    def test_layers_upward(self):
        self.plant("src/net/a.cpp", COMMENT + self.header("cache"))
        self.assert_bites(checks.layers, "net must not use cache")

    def test_layers_sideways(self):
        self.plant("src/tree/a.cpp", COMMENT + self.header("cache"))
        self.assert_bites(checks.layers, "tree must not use cache")

    def test_layers_cli_knows_no_tree(self):
        self.plant("src/cli/a.cpp", COMMENT + self.header("tree"))
        self.assert_bites(checks.layers, "cli must not use tree")

    def test_layers_unknown_header_and_module(self):
        self.plant("src/net/a.cpp", COMMENT + '#include "nowhere/b.hpp"\n')
        self.plant("src/attic/a.cpp", COMMENT)
        self.assert_bites(checks.layers, "nowhere/b.hpp", "'attic' has no place")

    def test_layers_downward_is_fine(self):
        self.plant("src/vfs/a.cpp", COMMENT + self.header("tree") + self.header("cache") + self.header("util"))
        self.plant("src/remote/a.cpp", COMMENT + self.header("net"))
        self.assert_clean(checks.layers)

    def test_private_headers(self):
        self.plant("src/tree/secret.hpp", COMMENT)
        self.plant("src/vfs/a.cpp", COMMENT + '#include "tree/secret.hpp"\n')
        self.plant("include/nithronfs/tree/b.hpp", COMMENT + '#include "tree/secret.hpp"\n')
        self.assert_bites(checks.private_headers, "src/vfs/a.cpp", "include/nithronfs/tree/b.hpp")

    def test_doors(self):
        for header, wrong in [("fuse_lowlevel.h", "src/vfs/a.cpp"), ("curl/curl.h", "src/remote/a.cpp"),
                              ("lmdb.h", "src/tree/a.cpp"), ("expat.h", "src/net/a.cpp"),
                              ("systemd/sd-bus.h", "src/daemon/a.cpp"), ("spdlog/spdlog.h", "src/net/a.cpp"),
                              ("nlohmann/json.hpp", "src/tree/a.cpp"), ("gtest/gtest.h", "src/tree/b.cpp"),
                              ("lmdb.h", "include/nithronfs/store/a.hpp")]:
            with self.subTest(header):
                self.plant(wrong, COMMENT + f"#include <{header}>\n")
                self.assert_bites(checks.doors, f"{wrong}: <{header}>")

    def test_doors_single_file(self):
        for name in ("a.cpp", "b.cpp"):
            self.plant(f"contrib/refserver/src/{name}", COMMENT + "#include <microhttpd.h>\n")
        self.assert_bites(checks.doors, "src/b.cpp: <microhttpd.h>")
        self.plant("src/net/a.cpp", COMMENT + "#include <microhttpd.h>\n")
        self.assert_bites(checks.doors, "src/net/a.cpp")

    def test_doors_open_for_their_module(self):
        self.plant("src/fuse/a.cpp", COMMENT + "#include <fuse_lowlevel.h>\n")
        self.plant("contrib/refserver/src/a.cpp", COMMENT + "#include <microhttpd.h>\n")
        self.assert_clean(checks.doors)

    def test_two_programs(self):
        self.plant("contrib/refserver/src/own.hpp", COMMENT)
        self.plant("contrib/refserver/src/a.cpp", COMMENT + self.header("util"))
        self.plant("tests/unit/a_test.cpp", COMMENT + '#include "contrib/refserver/src/own.hpp"\n')
        self.assert_bites(checks.two_programs, "must not use include/nithronfs/util/a.hpp", "tests/unit/a_test.cpp")

    def test_registered_tests(self):
        self.plant("tests/unit/meson.build", "files('net/good_test.cpp')\n# 'net/lost_test.cpp'\n")
        self.plant("tests/unit/net/good_test.cpp", COMMENT)
        self.plant("tests/unit/net/lost_test.cpp", COMMENT)
        self.assertEqual(len(self.found(checks.registered_tests)), 1)
        self.assert_bites(checks.registered_tests, "lost_test.cpp")

    def test_dead_files(self):
        self.plant("src/net/meson.build", "sources = files('live.cpp')\n")
        self.plant("src/net/live.cpp", COMMENT + '#include "live.hpp"\n')
        self.plant("src/net/live.hpp", COMMENT)
        self.plant("src/net/dead.cpp", COMMENT)
        self.plant("src/net/dead.hpp", COMMENT)
        self.assertEqual(len(self.found(checks.dead_files)), 2)
        self.assert_bites(checks.dead_files, "dead.cpp", "dead.hpp")

    def test_opening_comments(self):
        self.plant("src/net/a.cpp", "#include <vector>\n")
        self.plant("contrib/a.sh", "#!/bin/sh\nset -e\n")
        self.plant("tests/a.py", "#!/usr/bin/env python3\nimport sys\n")
        self.plant("tests/good.py", '#!/usr/bin/env python3\n"""Good."""\n')
        self.assertEqual(len(self.found(checks.opening_comments)), 3)

    def test_file_lengths(self):
        self.plant("src/net/a.cpp", COMMENT * (checks.rules.MAX_LINES + 1))
        self.plant("src/net/b.cpp", COMMENT * checks.rules.MAX_LINES)
        self.assertEqual(len(self.found(checks.file_lengths)), 1)

    def test_file_lengths_exception_must_be_needed(self):
        self.plant("src/net/a.cpp", COMMENT)
        checks.rules.LONG_FILES["src/net/a.cpp"] = "a test"
        self.addCleanup(checks.rules.LONG_FILES.pop, "src/net/a.cpp")
        self.assert_bites(checks.file_lengths, "needs no exception")

    def test_forbidden_text(self):
        self.plant("src/net/a.cpp", COMMENT + "const char* p = \"/wor" + "k/x\";\n")
        self.plant("src/net/b.cpp", COMMENT + "// TOD" + "O: later\n")
        self.plant("README.md", "<<<<<<" + "< HEAD\n")
        self.plant("src/net/c.cpp", COMMENT + "int x; \n")
        self.assert_bites(checks.forbidden_text, "a.cpp:2", "b.cpp:2", "README.md:1", "c.cpp:2")

    def test_no_sleeping_tests(self):
        sleeping = {"tests/unit/a_test.cpp": "std::this_thread::sleep_for(1s);\n", "tests/unit/b_test.cpp": "usleep(5);\n",
                    "tests/c.py": "time.sl" + "eep(1)\n", "tests/d.sh": "while :; do sleep 1; done\n"}
        for path, text in sleeping.items():
            self.plant(path, COMMENT + text)
        self.plant("tests/e.cpp", COMMENT + "// never sleep(1) here\n")
        self.assertEqual(len(self.found(checks.no_sleeping_tests)), len(sleeping))

    def test_formatted(self):
        self.plant(".clang-format", "BasedOnStyle: Google\n")
        self.plant("src/net/good.cpp", COMMENT + "int x = 1;\n")
        self.assert_clean(checks.formatted)
        self.plant("src/net/a.cpp", COMMENT + "int   x=1 ;\n")
        self.assert_bites(checks.formatted, "src/net/a.cpp")

    def test_shell_scripts(self):
        self.plant("good.sh", '#!/bin/sh\n# Good.\necho "$1"\n')
        self.assert_clean(checks.shell_scripts)
        self.plant(".ci/run", "#!/bin/sh\n# Bad.\nrm $1\n")
        self.assert_bites(checks.shell_scripts, ".ci/run")

    def test_every_check_is_tested(self):
        here = Path(__file__).read_text(encoding="utf-8")
        for check in checks.ALL:
            self.assertIn(f"checks.{check.__name__}", here)


class TapResult(unittest.TextTestResult):
    """Reports each test as one TAP line, so that the build system counts them one by one."""

    def stopTest(self, test):
        bad = any(test is case or getattr(case, "test_case", None) is test
                  for case, _ in self.failures + self.errors)
        print(f"{'not ok' if bad else 'ok'} {self.testsRun} - {test.id().rsplit('.', 1)[-1]}")
        super().stopTest(test)


if __name__ == "__main__":
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(PlantedViolations)
    print(f"1..{suite.countTestCases()}")
    outcome = unittest.TextTestRunner(stream=sys.stderr, resultclass=TapResult).run(suite)
    sys.exit(0 if outcome.wasSuccessful() else 1)
