"""What the figures were measured on, without the names of the machine or of its folders."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.figures import millis
from bench.ground import CACHE, SETTINGS, Ground, sync_time


def about(ground: Ground, command: str) -> dict[str, str]:
    """For the head of the results."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "Command": f"`{command}`",
        "Date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "Machine": f"{os.cpu_count()} x {_processor()}, {memory:.0f} GB; an 8 kB write and fdatasync takes"
        f" {millis(sync_time(ground.folder))}",
        "System": f"{platform.system()} {platform.release().partition('-')[0]},"
        f" Python {platform.python_version()}",
        "Postgres": f"{ground.version()}: " + ", ".join(f"{key} {value}" for key, value in SETTINGS.items()),
        "Rivals": ", ".join(_versions()),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _versions() -> list[str]:
    names = ("procrastinate", "pgqueuer", "celery", "redis", "psycopg")
    found = [f"socialsync {importlib.metadata.version('socialsync')}"]
    for environment, wanted in (
        ("procrastinate", names[:1]),
        ("pgqueuer", names[1:2]),
        ("celery", names[2:4]),
    ):
        for folder in (CACHE / environment).glob("lib/python*/site-packages"):
            distributions = importlib.metadata.distributions(path=[str(folder)])
            known = {one.metadata["Name"].lower(): one.version for one in distributions}
            found += [f"{name} {known[name]}" for name in wanted if name in known]
    found.append(f"psycopg {importlib.metadata.version('psycopg')} (all)")
    if server := shutil.which("redis-server"):
        told = subprocess.run([server, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 - found on the PATH
        found.append("redis-server " + told.partition("v=")[2].partition(" ")[0])
    return found
