"""The outline of a source file: its functions, classes and routes, with signatures and what they say of themselves.

Standard library only, but for the languages that tree-sitter reads where it is installed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["LONGEST", "SUFFIXES", "Symbol", "outline"]

LONGEST = 120
"""Characters of a signature or a first line."""

SUFFIXES = {
    ".c": "c",
    ".cjs": "javascript",
    ".cpp": "c",
    ".cs": "java",
    ".go": "go",
    ".h": "c",
    ".hpp": "c",
    ".java": "java",
    ".js": "javascript",
    ".jsx": "javascript",
    ".kt": "java",
    ".mjs": "javascript",
    ".php": "php",
    ".py": "python",
    ".pyi": "python",
    ".rb": "ruby",
    ".rs": "rust",
    ".sh": "shell",
    ".swift": "rust",
    ".ts": "typescript",
    ".tsx": "tsx",
}
"""By which rules a file is read; C# and Kotlin, and Swift, look enough like the named ones for rules of lines."""

_ROUTES = {"get", "post", "put", "patch", "delete", "route", "websocket", "head", "options"}


@dataclass(frozen=True)
class Symbol:
    """Something that a file defines.

    Attributes:
        name: Its name.
        line: Where it begins, counted from 1.
        signature: How it is declared, on one line.
        doc: The first line of what is said about it.
        members: Names of the public methods of a class.
    """

    name: str
    line: int
    signature: str
    doc: str = ""
    members: tuple[str, ...] = ()


def outline(text: str, language: str) -> list[Symbol]:
    """Return what a source file defines at its top level, in order; what cannot be read gives nothing.

    Args:
        text: The file.
        language: One of the values of `SUFFIXES`.
    """
    if language == "python":
        try:
            return list(_python(ast.parse(text)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []
    from tools.outline_languages import read_language

    return read_language(text, language)


def _python(tree: ast.Module) -> Iterator[Symbol]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            route = _route(node)
            yield Symbol(node.name, node.lineno, _cut(f"{route}{_function(node)}"), _doc(node))
        elif isinstance(node, ast.ClassDef):
            bases = ", ".join(ast.unparse(base) for base in node.bases)
            methods = tuple(
                child.name
                for child in node.body
                if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_")
            )
            signature = f"class {node.name}({bases})" if bases else f"class {node.name}"
            yield Symbol(node.name, node.lineno, _cut(signature), _doc(node), methods)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{kind} {node.name}({ast.unparse(node.args)}){returns}"


def _route(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    for decorator in node.decorator_list:
        if (
            isinstance(decorator, ast.Call)
            and isinstance(decorator.func, ast.Attribute)
            and decorator.func.attr in _ROUTES
            and decorator.args
            and isinstance(decorator.args[0], ast.Constant)
            and str(decorator.args[0].value).startswith("/")
        ):
            return f"{decorator.func.attr.upper()} {decorator.args[0].value}: "
    return ""


def _doc(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    lines = (ast.get_docstring(node) or "").strip().splitlines()
    return _cut(lines[0]) if lines else ""


def _cut(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 3]}..."
