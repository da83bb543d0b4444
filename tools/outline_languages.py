"""Outlines of languages other than Python: by tree-sitter where it is installed, else by rules of lines.

The grammars are single packages with their parsers inside. `tree-sitter-language-pack` has more languages and fetches
them over the network when they are first used, which a tool may not do.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from tools.outline import LONGEST, Symbol

__all__ = ["read_language"]

_GRAMMARS = {
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
}

_DEFINES = {
    "abstract_class_declaration",
    "class_declaration",
    "enum_declaration",
    "enum_item",
    "function_declaration",
    "function_item",
    "generator_function_declaration",
    "interface_declaration",
    "method_declaration",
    "record_declaration",
    "struct_item",
    "trait_item",
    "type_alias_declaration",
    "type_spec",
}
_METHODS = {"constructor_declaration", "function_item", "function_signature_item", "method_definition"} | {
    "method_declaration",
    "method_signature",
}
_WRAPS = {"export_statement", "type_declaration"}
_FUNCTIONS = {"arrow_function", "function_expression", "generator_function"}

_RULES = {
    "javascript": r"^(?:export\s+(?:default\s+)?)?(?:async\s+)?(?:function\*?|class|interface|type|enum)\s+(\w+).*"
    r"|^(?:export\s+)?const\s+(\w+)[^=]*=\s*(?:async\s*)?(?:\([^)]*\)[^=]*|\w+)\s*=>.*",
    "go": r"^func\s+(?:\([^)]*\)\s*)?(\w+).*|^type\s+(\w+).*",
    "rust": r"^\s{0,4}(?:pub(?:\([^)]*\))?\s+)?(?:async\s+)?(?:fn|func|struct|enum|trait|class|protocol)\s+(\w+).*",
    "java": r"^\s{0,4}(?:(?:public|protected|internal|abstract|final|static|sealed|data|open)\s+)*"
    r"(?:class|interface|enum|record|object|fun)\s+(\w+).*",
    "c": r"^(?!(?:if|for|while|switch|return|else)\b)(?:[A-Za-z_][\w*\s:<>,&]*?[\s*&])(\w+)\([^;]*$"
    r"|^(?:struct|class|enum|union)\s+(\w+)[^;]*$",
    "ruby": r"^\s{0,4}(?:def|class|module)\s+([\w.?!]+).*",
    "php": r"^\s{0,4}(?:(?:public|abstract|final|static)\s+)*(?:function|class|interface|trait)\s+(\w+).*",
    "shell": r"^(?:function\s+)?(\w[\w-]*)\s*\(\)\s*\{?.*",
}
_ROUTE = re.compile(r"^\s*(?:app|router|api|server)\.(get|post|put|patch|delete)\(\s*['\"`](/[^'\"`]*)", re.M)


def read_language(text: str, language: str) -> list[Symbol]:
    """Return what a source file defines at its top level, and the routes that it declares, by line."""
    grammar = _grammar(language) if language in _GRAMMARS else None
    found = list(_parsed(text, grammar)) if grammar is not None else list(_by_lines(text, language))
    if language in ("javascript", "typescript", "tsx"):
        for route in _ROUTE.finditer(text):
            line = text.count("\n", 0, route.start(1)) + 1
            found.append(Symbol(route[2], line, f"{route[1].upper()} {route[2]}"))
    return sorted(found, key=lambda symbol: (symbol.line, symbol.name))


@cache
def _grammar(language: str) -> Any:
    try:
        tree_sitter = importlib.import_module("tree_sitter")
        module, function = _GRAMMARS[language]
        return tree_sitter.Parser(tree_sitter.Language(getattr(importlib.import_module(module), function)()))
    except (ImportError, AttributeError, ValueError, TypeError):
        return None


def _parsed(text: str, parser: Any) -> Iterator[Symbol]:
    source = text.encode("utf-8", "replace")
    for node in parser.parse(source).root_node.children:
        yield from _symbols(node, node, source)


def _symbols(node: Any, outer: Any, source: bytes) -> Iterator[Symbol]:
    if node.type in _WRAPS:
        for child in node.children:
            yield from _symbols(child, outer, source)
    elif node.type == "lexical_declaration":
        for child in node.children:
            value = child.child_by_field_name("value") if child.type == "variable_declarator" else None
            if value is not None and value.type in _FUNCTIONS:
                yield _symbol(child, outer, value.child_by_field_name("body"), source)
    elif node.type == "impl_item":
        owner, body = node.child_by_field_name("type"), node.child_by_field_name("body")
        if owner is not None and body is not None:
            yield _symbol(node, outer, body, source, name=_said(owner, source))
    elif node.type in _DEFINES:
        yield _symbol(node, outer, node.child_by_field_name("body"), source)


def _symbol(node: Any, outer: Any, body: Any, source: bytes, name: str = "") -> Symbol:
    end = body.start_byte if body is not None and body.start_byte > outer.start_byte else node.end_byte
    declared = source[outer.start_byte : end].decode("utf-8", "replace")
    named = node.child_by_field_name("name")
    members: list[str] = []
    for child in body.children if body is not None and node.type not in _FUNCTIONS else ():
        own = child.child_by_field_name("name") if child.type in _METHODS else None
        if own is not None and not _said(own, source).startswith(("_", "#")):
            members.append(_said(own, source))
    signature = _cut(declared.rstrip(" {:=\n") if body is not None else declared.partition("\n")[0])
    title = name or (_said(named, source) if named is not None else "")
    return Symbol(title, outer.start_point[0] + 1, signature, _comment(outer, source), tuple(dict.fromkeys(members)))


def _comment(node: Any, source: bytes) -> str:
    before = node.prev_sibling
    comments: list[str] = []
    while before is not None and "comment" in before.type:
        comments.insert(0, _said(before, source))
        before = before.prev_sibling
    for line in "\n".join(comments).splitlines():
        if words := line.strip().strip("/*!#").strip():
            return _cut(words)
    return ""


def _said(node: Any, source: bytes) -> str:
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _by_lines(text: str, language: str) -> Iterator[Symbol]:
    rule = _RULES.get({"typescript": "javascript", "tsx": "javascript"}.get(language, language))
    for number, line in enumerate(text.split("\n") if rule else (), 1):
        if len(line) < 400 and (found := re.match(str(rule), line)):
            name = next(group for group in found.groups() if group)
            yield Symbol(name, number, _cut(line.rstrip(" {")))


def _cut(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 3]}..."
