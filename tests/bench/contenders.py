"""Who runs in the benchmark: nithronfs, rclone, FUSE's own floor, and what the disk or curl can do at best."""

import json
import os
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

EXAMPLE = Path("/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c")
SECONDS_TO_COME_UP = 30


def run(arguments, **options):
    return subprocess.run([str(a) for a in arguments], check=True, **options)


def wait_until_mounted(folder, process):
    """The kernel tells when the list of mounts changes; until then there is nothing to do."""
    deadline = time.monotonic() + SECONDS_TO_COME_UP
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        changes = select.poll()
        changes.register(mounts, select.POLLPRI | select.POLLERR)
        while True:
            mounts.seek(0)
            if any(line.split()[1] == str(folder) for line in mounts):
                os.listdir(folder)  # the first answer belongs to coming up, not to what is measured
                return
            left = deadline - time.monotonic()
            if process.poll() is not None or left <= 0:
                raise RuntimeError(f"{process.args[0]} did not mount")
            # A process that dies without mounting changes no mount: look at it now and then.
            changes.poll(min(left, 0.2) * 1000)


class Server:
    """The reference server over one directory, and a device's token for it."""

    def __init__(self, binaries, share, folder):
        self.control = binaries / "src/cli/nithronctl"
        self.folder = folder
        self.process = subprocess.Popen(
            [binaries / "contrib/refserver/nithron-refserver", "--listen", "127.0.0.1:0", "--state", folder / "server",
             "--share", f"bench={share}", "--user", "bench:bench"], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split("listening on ")[1].strip()
        self.account = folder / "account.json"
        password = folder / "password"
        password.write_text("bench\n", encoding="ascii")
        password.chmod(0o600)
        run([self.control, "login", self.url, "--username", "bench", "--password-file", password, "--device-name",
             "bench", "--account", self.account], stdout=subprocess.DEVNULL)
        self.token = re.search(r"nos_dt_[^\"]+", self.account.read_text(encoding="utf-8")).group(0)
        self.dav = f"{self.url}/dav/bench"

    def close(self):
        self.process.terminate()
        self.process.wait()


class Mounted:
    """A file system mounted on a folder of its own; fresh() starts it with nothing cached."""

    def __init__(self, name, folder):
        self.name = name
        self.root = folder / f"{name}-mnt"
        self.cache = folder / f"{name}-cache"
        self.root.mkdir()
        self.process = None

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def fresh(self):
        self.close()
        shutil.rmtree(self.cache, ignore_errors=True)
        self.process = subprocess.Popen([str(a) for a in self.command()], env={**os.environ, **self.environment()},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until_mounted(self.root, self.process)

    def close(self):
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait()
        if os.path.ismount(self.root):
            run(["fusermount3", "-u", self.root])
        self.process = None

    def anonymous_memory(self):
        """Resident anonymous bytes of the daemon."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1)) * 1024


class Ours(Mounted):
    def __init__(self, binaries, server, folder):
        super().__init__("nithronfs", folder)
        self.program = binaries / "src/daemon/nithronfs"
        self.server = server
        self.state = folder / "nithronfs-state"

    def command(self):
        options = [f"account={self.server.account}", f"cache_dir={self.cache}", f"state_dir={self.state}", "poll=1h"]
        return [self.program, f"{self.server.url}/bench", self.root, "-f", "-o", ",".join(options)]


class Rclone(Mounted):
    def __init__(self, server, folder):
        super().__init__("rclone", folder)
        self.server = server

    def command(self):
        return ["rclone", "mount", "bench:", self.root, "--vfs-cache-mode", "full", "--dir-cache-time", "1h",
                "--attr-timeout", "1h", "--cache-dir", self.cache, "--config", "/dev/null"]

    def environment(self):
        return {"RCLONE_CONFIG_BENCH_TYPE": "webdav", "RCLONE_CONFIG_BENCH_URL": self.server.dav,
                "RCLONE_CONFIG_BENCH_VENDOR": "other", "RCLONE_CONFIG_BENCH_BEARER_TOKEN": self.server.token}


class Floor(Mounted):
    """libfuse's passthrough_ll over the source directory: what FUSE itself costs."""

    def __init__(self, share, folder):
        super().__init__("passthrough_ll", folder)
        self.share = share
        self.program = folder / "passthrough_ll"
        flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", "fuse3"], text=True).split()
        run(["gcc", "-O2", "-w", self.example(folder), "-o", self.program, *flags])

    @staticmethod
    def example(folder):
        if EXAMPLE.exists():
            return EXAMPLE
        # Images of containers leave documentation out.
        run(["apt-get", "-q", "source", "--download-only", "fuse3"], cwd=folder)
        archive = next(folder.glob("fuse3_*.orig.tar.*"))
        run(["tar", "-xf", archive, "--strip-components=1", "--wildcards", "*/example/passthrough_ll.c",
             "*/example/passthrough_helpers.h"], cwd=folder)
        return folder / "example/passthrough_ll.c"

    def command(self):
        return [self.program, "-f", "-o", f"source={self.share},cache=always,timeout=86400", self.root]


class Limit:
    """No file system of ours at all: curl where bytes come from the server, the source where they are here."""

    name = "limit"

    def __init__(self, server, share, folder):
        self.server = server
        self.root = share
        self.folder = folder

    def fresh(self):
        pass

    def close(self):
        pass

    def curl(self, *arguments):
        # The token goes by a file: an argument would show in the list of processes.
        config = self.folder / "curl.conf"
        config.write_text(f'header = "Authorization: Bearer {self.server.token}"\n', encoding="ascii")
        config.chmod(0o600)
        run(["curl", "--silent", "--fail", "--config", config, *arguments])

    def fetch_all(self, names):
        """Many URLs over one connection."""
        urls = self.folder / "urls.conf"
        urls.write_text("".join(f'url = "{self.server.dav}/{name}"\noutput = "/dev/null"\n' for name in names),
                        encoding="ascii")
        self.curl("--config", urls)


def as_json(value):
    return json.dumps(value, indent=2, ensure_ascii=False)
