"""Processes of the same machine and container: whether one of them lives can be asked of the system."""

from pathlib import Path

import psutil

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")


def pid_space() -> str | None:
    """Where our process id means what it means: this boot of this machine and this container of it. None
    where the system does not tell.
    """
    try:
        return f"{_BOOT.read_text().strip()}:{_NAMESPACE.stat().st_ino}"
    except OSError:
        return None


def is_gone(pid: int, space: str | None) -> bool:
    """Whether a process has certainly ended. False when that cannot be known from here."""
    return space is not None and space == pid_space() and not psutil.pid_exists(pid)
