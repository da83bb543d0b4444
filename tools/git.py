"""The tool that records what an agent made as one git commit."""

from __future__ import annotations

from pydantic import BaseModel, Field

from nexus_agents.core.errors import ToolInputError
from nexus_agents.core.tool import Job, tool
from tools.paths import inside, relative, require_workspace
from tools.repository import TRAILER, Repository

__all__ = ["CommitResult", "commit"]


class CommitResult(BaseModel):
    """What was committed.

    Attributes:
        commit: The full hash; empty where there was nothing to commit.
        files: Files in the commit, removed ones too.
        insertions: Lines added.
        deletions: Lines removed.
        ignored: Paths that were left out, since the workspace's .gitignore says so.
        summary: In words.
    """

    commit: str
    files: list[str] = Field(default_factory=list)
    insertions: int = 0
    deletions: int = 0
    ignored: list[str] = Field(default_factory=list)
    summary: str


@tool(risk="write", timeout=300.0, in_turn=True)
async def commit(job: Job, message: str, paths: list[str], author: str = "") -> CommitResult:
    """Record files of the workspace as a git commit; the repository is made where there is none.

    Only the given paths are committed, removed files among them. The same call never commits twice.

    Args:
        job: The call.
        message: What was done: a line, then, where needed, an empty line and more.
        paths: Files or folders.
        author: The agent whose work it is; the one that calls where it is empty.
    """
    text = "\n".join(line for line in message.strip().split("\n") if not line.startswith(f"{TRAILER}:")).strip()
    if not text or not paths or "\0" in message:
        raise ToolInputError("A commit needs a message and paths.", "Say what was done and name the files.")
    root = require_workspace(job.workspace)
    for path in paths:
        inside(root, path, writing=True)
    # The names as git knows them: a link is committed as the link that it is.
    named = sorted({relative(root, root / path) for path in paths})
    call = f"{job.run_id}/{job.call_id}"
    repository = Repository(root, author or job.agent)
    async with repository.locked():
        await repository.prepare()
        if made := await repository.find(call):
            return await _describe(repository, made, [])
        if unknown := await repository.unknown(named):
            raise ToolInputError(
                f"There is no file {unknown[0]}, nor was there one.", "See what there is with `list_files`."
            )
        ignored = await repository.ignored(named)
        wanted = [path for path in named if path not in ignored]
        made = await repository.commit(wanted, text, call) if wanted else ""
        return await _describe(repository, made, sorted(ignored))


async def _describe(repository: Repository, made: str, ignored: list[str]) -> CommitResult:
    if not made:
        return CommitResult(commit="", ignored=ignored, summary="There was nothing to commit.")
    changes = await repository.changes(made)
    added, removed = sum(each.insertions for each in changes), sum(each.deletions for each in changes)
    files = [each.path for each in changes]
    many = "file" if len(files) == 1 else "files"
    return CommitResult(
        commit=made,
        files=files,
        insertions=added,
        deletions=removed,
        ignored=ignored,
        summary=f"{made[:10]}: {len(files)} {many}, +{added} -{removed}",
    )
