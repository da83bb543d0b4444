"""The voices that need no clip: names for well-chosen voices and variants of eSpeak NG."""

from __future__ import annotations

from nexus_agents.core.voices import Voice

__all__ = ["BASES", "PRESETS", "WORDS_PER_MINUTE"]

WORDS_PER_MINUTE = 165
"""The pace of a preset."""

_TABLE = (
    ("alba", "gmw/en-GB-scotland+steph", "en", "a woman, Scottish"),
    ("ben", "gmw/en-US+robert", "en", "a man, American"),
    ("clara", "gmw/en-US+f5", "en", "a woman, American, clear"),
    ("david", "gmw/en-GB-x-rp+rob", "en", "a man, British"),
    ("emma", "gmw/en-GB-x-rp+f1", "en", "a woman, British"),
    ("finn", "gmw/en-US+Mike", "en", "a man, American, deep"),
    ("grace", "gmw/en-US+shelby", "en", "a woman, American, soft"),
    ("henry", "gmw/en+m8", "en", "a man, British, hoarse"),
    ("lotte", "gmw/de+f5", "de", "a woman, German"),
    ("jonas", "gmw/de+robert", "de", "a man, German"),
    ("margot", "roa/fr+steph", "fr", "a woman, French"),
    ("lucia", "roa/es+f5", "es", "a woman, Spanish"),
    ("marco", "roa/it+rob", "it", "a man, Italian"),
    ("joana", "roa/pt+steph", "pt", "a woman, Portuguese"),
    ("meilin", "sit/cmn+f5", "zh", "a woman, Mandarin"),
    ("yuki", "jpx/ja+f5", "ja", "a woman, Japanese, best with kana"),
)

PRESETS = tuple(
    Voice(name=name, engine="espeak", base=base, language=language, description=description)
    for name, base, language, description in _TABLE
)
"""The first is the one that speaks when none is named."""

BASES = tuple(
    f"gmw/en-US{variant}"
    for variant in ("", "+m2", "+m5", "+m6", "+rob", "+Reed", "+robert", "+f1", "+f2", "+f5", "+steph", "+shelby")
)
"""Voices that a likeness may start from: the clearest ones, spread over pitch and tract length."""
