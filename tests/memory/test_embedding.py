from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from memory.embedding import Embedder, find_embedder
from memory.embedding.minilm import MiniLm, create
from memory.embedding.weights import SHA256, check_weights, find_weights
from nexus_agents.core.errors import ConfigError

np = pytest.importorskip("numpy")


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which no weights lie."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("NEXUS_EMBEDDER", raising=False)
    monkeypatch.setattr("memory.embedding.weights.find_spec", lambda name: None)
    return tmp_path


def fake_weights(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"no weights")
    (folder / "tokenizer.json").write_text(json.dumps({}))
    return folder


# -- finding ----------------------------------------------------------------------------------------


def test_without_weights_there_is_none_and_it_says_how_to_get_them(nowhere: Path) -> None:
    source = find_embedder()
    assert not source.there
    assert source.load() is None
    assert "make minilm" in source.says
    assert find_weights() is None


def test_what_is_named_must_be_there(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_embedder("none").says == "switched off (NEXUS_EMBEDDER=none)"
    monkeypatch.setenv("NEXUS_EMBEDDER", "minilm")
    with pytest.raises(ConfigError, match="embedder minilm cannot be used"):
        find_embedder()
    for wrong in ("minilmm", str(nowhere / "missing")):
        with pytest.raises(ConfigError, match="neither a folder nor an embedder"):
            find_embedder(wrong)
    with pytest.raises(ConfigError, match="cannot be imported"):
        find_embedder("no.such.package:embedder")
    (nowhere / "empty").mkdir()
    with pytest.raises(ConfigError, match="no weights of MiniLM"):
        find_embedder(str(nowhere / "empty"))


def test_an_embedder_of_another_package(nowhere: Path) -> None:
    source = find_embedder("tests.memory.concepts:Concepts")
    made = source.load()
    assert made is not None
    assert made.name == "concepts"
    assert source.load() is made
    vectors = made.embed(["tea", "Osaka"])
    assert vectors.shape[0] == 2
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)


def test_the_cache_of_hugging_face_is_looked_at(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tokenizers")
    pytest.importorskip("safetensors")
    snapshots = "models--sentence-transformers--all-MiniLM-L6-v2/snapshots"
    folder = fake_weights(nowhere / "hf" / "hub" / snapshots / "1110a243")
    monkeypatch.setattr("memory.embedding.find_spec", lambda name: object())
    assert find_weights() == folder
    source = find_embedder()
    assert source.there
    # Wrong weights are found only when they are needed, and then refused.
    with pytest.raises(ConfigError, match="are not those of all-MiniLM-L6-v2") as caught:
        source.load()
    assert hashlib.sha256(b"no weights").hexdigest()[:16] in caught.value.message
    assert "NEXUS_EMBEDDER=none" in caught.value.hint
    monkeypatch.setenv("HF_HUB_CACHE", str(nowhere / "elsewhere"))
    assert find_weights() is None


def test_weights_are_compared_with_the_hash_that_everybody_has(tmp_path: Path) -> None:
    folder = fake_weights(tmp_path / "weights")
    with pytest.raises(ConfigError, match=SHA256[:16]):
        check_weights(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        check_weights(folder)
    with pytest.raises(ConfigError):
        create(folder)


# -- MiniLM itself ----------------------------------------------------------------------------------

WEIGHTS = find_weights()
needs_weights = pytest.mark.skipif(WEIGHTS is None, reason="no weights of MiniLM: make minilm")


@pytest.fixture(scope="module")
def minilm() -> MiniLm:
    pytest.importorskip("tokenizers")
    pytest.importorskip("safetensors")
    return create(WEIGHTS)


@needs_weights
def test_vectors_are_those_of_the_original(minilm: MiniLm) -> None:
    # The first components that sentence-transformers gives with PyTorch, to five decimals.
    known = minilm.embed(["The deployment failed because the database password had expired"])[0]
    assert np.allclose(known[:4], [0.02336, -0.05733, -0.03840, -0.04493], atol=2e-5)
    port: Embedder = minilm
    assert port.name == "all-MiniLM-L6-v2"


@needs_weights
def test_a_text_has_the_same_vector_in_any_company(minilm: MiniLm) -> None:
    texts = ["tea", "a much longer sentence about tea, coffee and the mornings on which people drink them", "", "日本"]
    together = minilm.embed(texts * 20)
    alone = np.stack([minilm.embed([text])[0] for text in texts])
    assert together.shape == (80, 384)
    assert together.dtype == np.float32
    assert np.allclose(together[:4], alone, atol=1e-5)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert minilm.embed([]).shape == (0, 384)
    long = "word " * 5_000
    assert np.allclose(minilm.embed([long]), minilm.embed([long + "more"])), "256 tokens count"


@needs_weights
def test_what_means_the_same_is_near(minilm: MiniLm) -> None:
    tea, sip, build = minilm.embed(
        ["Alice prefers tea in the morning", "what does Alice like to drink at breakfast?", "the build is broken"]
    )
    assert tea @ sip > 0.5 > 0.2 > tea @ build


@needs_weights
def test_it_needs_no_torch_and_leaves_the_environment_alone() -> None:
    pytest.importorskip("tokenizers")
    code = (
        "import os, sys\nfrom memory.embedding.minilm import create\nbefore = dict(os.environ)\n"
        f"create(__import__('pathlib').Path({str(WEIGHTS)!r})).embed(['tea'])\n"
        "assert dict(os.environ) == before\nprint(*sys.modules)"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert seen.returncode == 0, seen.stderr
    loaded = {name.partition(".")[0] for name in seen.stdout.split()}
    assert not loaded & {"torch", "transformers", "huggingface_hub", "scipy", "httpx", "requests"}
