"""Changes of code are seen once they are complete."""

import asyncio
import os

import pytest

from socialsync.worker import reload


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / ".venv").mkdir()
    for name in ("main.py", "shop/tasks.py", "shop/notes.txt", ".venv/library.py"):
        (tmp_path / name).write_text("")
    return tmp_path


def test_python_files_are_looked_at_and_hidden_folders_are_not(folder):
    assert {os.path.relpath(path, folder) for path in reload.look([folder])} == {"main.py", "shop/tasks.py"}
    assert list(reload.look([folder / "main.py"])) == [str(folder / "main.py")]
    assert reload.look([folder / "nothing"]) == {}


def test_our_own_code_and_the_apps_are_watched(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "elsewhere").mkdir()
    found = reload.sources("socialsync.worker.app")
    assert folder in found
    assert any(path.name == "socialsync" for path in found)
    assert reload.sources("shop.tasks.app") == found, "it lies in the current folder"
    assert any(path.name == "json" for path in reload.sources("json.app"))


async def test_a_change_is_told_once(folder):
    told = []

    async def listen():
        async for _ in reload.changes([folder], every=0.02):
            seen = set(reload.look([folder]))
            told.append(seen)

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.1)
    assert told == []
    (folder / "new.py").write_text("x = 1")
    async with asyncio.timeout(5):
        while not told:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    listening.cancel()
    assert len(told) == 1
    assert str(folder / "new.py") in told[0]
