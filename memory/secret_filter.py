"""Keeps secrets out of the shared context: what is remembered is read by models, and shown, exported and backed up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from nexus_agents.core.errors import InputError

if TYPE_CHECKING:
    from nexus_agents.core.facts import Fact

__all__ = ["refuse_secrets"]

_NAMES = r"pass(?:word|wd|phrase|code)|pwd|secret(?:[ _-]?key)?|api[ _-]?key|(?:access|auth|bearer|api)[ _-]?token"

# Forms that the issuers of keys document, or that nothing else has.
_FORMS = {
    "a private key": re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY"),
    "a key of AWS": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "an API key": re.compile(
        r"\bsk-[A-Za-z0-9_-]{20,}|\bAIza[0-9A-Za-z_-]{35}|\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}|\bhf_[A-Za-z0-9]{30,}"
    ),
    "an access token": re.compile(
        r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{40,}|\bglpat-[\w-]{20,}|\bxox[abeprs]-[\w-]{10,}"
        r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}|\bpypi-[\w-]{50,}"
    ),
    "a URL with a password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@]+@", re.I),
    # "The password is stored elsewhere" may be remembered, "the password is hunter2" not: secrets have digits or marks.
    "a password": re.compile(
        rf"\b(?:{_NAMES})\b[\"']?\s*(?:is|was|=|:)\s*[\"']?(?=[^\s\"']*[0-9!@#$%^&*+=])(?![<$*])[^\s\"']{{4,}}", re.I
    ),
}
_FIELD = re.compile(rf"(?:\w+[_-])?(?:{_NAMES})", re.I)
# Nearly every text has none of these, and is looked at no further.
_HINTS = (
    *("-----begin", "akia", "asia", "sk-", "aiza", "k_live_", "k_test_", "hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("github_pat_", "glpat-", "xox", "eyj", "pypi-", "://", "pass", "pwd", "secret", "key", "token"),
)


def refuse_secrets(fact: Fact) -> None:
    """Refuse a fact that holds a secret in one of the forms that are known; others pass unseen.

    Raises:
        InputError: It does; the message says what it looks like, and never what it is.
    """
    found = _found(f"{fact.text}\n{fact.key}\n{fact.source}") or _inside(fact.value)
    if found:
        raise InputError(
            f"This is not remembered, since it looks like {found}.",
            "Keep secrets in the environment or a keyring, and remember only where they are.",
        )


def _found(text: str) -> str | None:
    small = text.lower()
    if not any(hint in small for hint in _HINTS):
        return None
    return next((what for what, form in _FORMS.items() if form.search(text)), None)


def _inside(value: object) -> str | None:
    match value:
        case str():
            return _found(value)
        case Mapping():
            for name, field in cast("Mapping[object, object]", value).items():
                if isinstance(field, str) and field and _FIELD.fullmatch(str(name)) and not field.startswith("$"):
                    return "a password"
                if found := _inside(field):
                    return found
        case list() | tuple():
            return next((found for item in cast("Sequence[object]", value) if (found := _inside(item))), None)
        case _:
            pass
    return None
