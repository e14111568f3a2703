"""``socialsync document``: what a workspace knows."""

import asyncio
import hashlib
import mimetypes
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from socialsync.cli.channels import Workspace, workspace_id_of
from socialsync.cli.opened import with_resources
from socialsync.cli.output import AsJson, out, show
from socialsync.cli.reading import checked
from socialsync.cli.tables import Column, print_json, print_lines, print_rows
from socialsync.errors import Failed, Invalid, NotFound
from socialsync.features.knowledge import answers, service
from socialsync.features.knowledge.schemas import NewDocument
from socialsync.features.knowledge.sources import LARGEST, PART
from socialsync.queue import inspection
from socialsync.resources import Resources

app = typer.Typer(help="Documents: what a workspace knows.", no_args_is_help=True)

Row = dict[str, Any]
LOOK_EVERY_S = 0.3
_SHOWN = ("id", "title", "status", "progress", "chunk_count", "language", "error")


@app.command()
def add(
    source: Annotated[str, typer.Argument(help="A file, or the URL of a page.")],
    *,
    workspace: Workspace,
    title: Annotated[str | None, typer.Option(help="How people call it; by default the file's name.")] = None,
    wait: Annotated[bool, typer.Option(help="Show progress until it is indexed.")] = True,
) -> None:
    """Teach a document and print its id. A worker of the queue `ingest` reads it.

    Example: socialsync document add prices.pdf --workspace "My company"
    """
    is_page = "://" in source
    content = b"" if is_page else _content(Path(source))
    values = _page(source, title) if is_page else _file(Path(source), title, content)

    async def work(resources: Resources) -> UUID:
        workspace_id = await _workspace(resources, workspace)
        async with resources.database.transaction(workspace_id) as session:
            document, is_new = await service.add_document(session, workspace_id, values)
            if is_new:
                for n in range((len(content) + PART - 1) // PART):
                    await service.add_part(session, document, n, content[n * PART : (n + 1) * PART])
        if wait:
            await _watch(resources, workspace_id, document)
        return document.id

    typer.echo(with_resources(work))


@app.command("list")
def list_documents(workspace: Workspace, as_json: AsJson = False) -> None:
    """List a workspace's documents, newest first.

    Example: socialsync document list --workspace "My company"
    """

    async def work(resources: Resources) -> list[dict[str, Any]]:
        async with resources.database.transaction(await _workspace(resources, workspace)) as session:
            found = await service.list_documents(session, before=None, limit=1_000)
        return [_row(document) for document in found]

    empty = "No document yet: socialsync document add FILE --workspace ..."
    print_rows(_COLUMNS, with_resources(work), as_json=as_json, empty=empty)


@app.command("show")
def show_document(
    document: Annotated[UUID, typer.Argument(help="The document's id.")],
    *,
    workspace: Workspace,
    as_json: AsJson = False,
) -> None:
    """Show a document: how far it is, or why it failed.

    Example: socialsync document show ID --workspace "My company"
    """

    async def work(resources: Resources) -> dict[str, Any]:
        async with resources.database.transaction(await _workspace(resources, workspace)) as session:
            try:
                return _row(await service.get_document(session, document))
            except NotFound as error:
                fix = f'socialsync document list --workspace "{workspace}"'
                raise NotFound(error.message, fix=fix) from None

    found = with_resources(work)
    if as_json:
        print_json([found])
    else:
        print_lines(found)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    *,
    workspace: Workspace,
    limit: Annotated[int, typer.Option(min=1, max=50)] = 5,
    rerank: Annotated[
        bool | None,
        typer.Option(help="Have the chat model order what was found. [default: SOCIALSYNC_RERANK]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Search by meaning and by words.

    Example: socialsync document search "When are you open?" --workspace "My company"
    """

    async def work(resources: Resources) -> list[dict[str, Any]]:
        workspace_id = await _workspace(resources, workspace)
        found = await answers.search(resources, workspace_id, query, limit=limit, rerank=rerank)
        return [
            {
                "score": round(hit.score, 4),
                "source": hit.title or "FAQ",
                "heading": hit.heading,
                "text": hit.text,
            }
            for hit in found.hits
        ]

    show(with_resources(work), as_json=as_json, empty="Nothing was found.")


async def _watch(resources: Resources, workspace_id: UUID, document: service.Document) -> None:
    """Raises Failed: with the document's own sentence."""
    await _tell_of_no_worker(resources, workspace_id)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True) as progress:
        shown = progress.add_task(document.title, total=1.0)
        while document.status not in {"indexed", "failed"}:
            await asyncio.sleep(LOOK_EVERY_S)
            async with resources.database.transaction(workspace_id) as session:
                document = await service.get_document(session, document.id)
            waits = f" ({document.error})" if document.waits_for else ""
            progress.update(shown, completed=document.progress, description=f"{document.step}{waits}")
    if document.status == "failed":
        raise Failed(document.error or "The document failed.")


async def _tell_of_no_worker(resources: Resources, workspace_id: UUID) -> None:
    async with resources.database.transaction(workspace_id) as session:
        if not await inspection.count_active_workers(session):
            typer.echo("No worker is active; it is read when one is: socialsync worker -q ingest", err=True)


def _content(path: Path) -> bytes:
    """Raises Invalid, and BadParameter where no file is meant."""
    try:
        if path.stat().st_size > LARGEST:
            raise Invalid(f"{path} is larger than 50 MB.", fix="Split it.")
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise typer.BadParameter(
            f"there is no file {str(path)!r}; a page begins with https://", param_hint="SOURCE"
        ) from None
    except IsADirectoryError:
        raise typer.BadParameter(
            f"{str(path)!r} is a folder; name a file in it", param_hint="SOURCE"
        ) from None
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", fix="May you read it?") from None
    if not content.strip():
        raise Invalid(f"{path} is empty.", fix="Name a file with text in it.")
    return content


def _file(path: Path, title: str | None, content: bytes) -> dict[str, Any]:
    named = checked(NewDocument, {"title": title or path.name, "text": "."}, {})
    return {
        "title": named.title,
        "source": "file",
        "filename": path.name,
        "content_type": mimetypes.guess_type(path.name)[0],
        "size_bytes": len(content),
        "digest": hashlib.sha256(content).digest(),
    }


def _page(url: str, title: str | None) -> dict[str, Any]:
    checked(NewDocument, {"title": title, "url": url}, {"url": "SOURCE"})
    return {"title": title or url, "source": "url", "url": url}


def _row(document: service.Document) -> dict[str, Any]:
    return {name: getattr(document, name) for name in _SHOWN}


async def _workspace(resources: Resources, name: str) -> UUID:
    async with resources.database.system_transaction("the CLI looks a workspace up by name") as session:
        return await workspace_id_of(session, name)


_COLUMNS = (
    Column[Row]("id", lambda row: str(row["id"])),
    Column[Row]("title", lambda row: row["title"], flexible=True),
    Column[Row]("status", lambda row: row["status"]),
    Column[Row]("progress", lambda row: f"{row['progress']:.0%}", rank=2, right=True),
    Column[Row]("passages", lambda row: f"{row['chunk_count']:,}", rank=3, right=True),
    Column[Row]("language", lambda row: row["language"], rank=4),
    Column[Row]("why", lambda row: row["error"], rank=1, flexible=True, optional=True),
)
