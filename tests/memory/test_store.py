from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import TypedDict

import pytest
from langgraph.config import get_store
from langgraph.graph import END, START, StateGraph
from langgraph.store.base import GetOp, InvalidNamespaceError, ListNamespacesOp, PutOp, SearchOp

from memory import SqlMemory, open_memory
from memory.store import SqlStore
from nexus_agents.core.errors import ConfigError, InputError
from nexus_agents.core.facts import Fact
from tests.memory.concepts import WORDS_ONLY, Concepts

DOCS = ("docs", "ada")


@pytest.fixture
async def whole(url: str) -> AsyncIterator[SqlMemory]:
    async with open_memory(url, embedder=WORDS_ONLY) as memory:
        yield memory


@pytest.fixture
def store(whole: SqlMemory) -> SqlStore:
    return whole.store


async def test_put_get_delete_and_history(whole: SqlMemory, store: SqlStore) -> None:
    assert await store.aget(DOCS, "one") is None
    await store.aput(DOCS, "one", {"text": "Ada drinks tea", "n": 1})
    first = await store.aget(DOCS, "one")
    assert first is not None
    assert (first.value, first.namespace, first.key) == ({"text": "Ada drinks tea", "n": 1}, DOCS, "one")
    await store.aput(DOCS, "one", {"text": "Ada drinks cocoa", "n": 2})
    second = await store.aget(DOCS, "one")
    assert second is not None
    assert second.created_at == first.created_at
    assert second.updated_at > first.updated_at
    await store.adelete(DOCS, "one")
    assert await store.aget(DOCS, "one") is None
    assert [fact.ended for fact in await whole.facts.history(DOCS, "one")] == ["superseded", "forgotten"]
    await store.adelete(DOCS, "never")


async def test_sync_and_async_are_the_same(store: SqlStore) -> None:
    def work() -> None:
        store.put(DOCS, "k", {"text": "tea"})
        item = store.get(DOCS, "k")
        assert item is not None
        assert item.value == {"text": "tea"}
        assert [found.key for found in store.search(("docs",), query="tea")] == ["k"]
        assert store.list_namespaces() == [DOCS]
        store.delete(DOCS, "k")

    await asyncio.to_thread(work)
    assert await store.asearch(("docs",)) == []
    assert await store.alist_namespaces() == []


async def test_search_by_words_filters_and_pages(store: SqlStore) -> None:
    for number in range(12):
        place = ("docs", "even" if number % 2 == 0 else "odd")
        await store.aput(place, f"k{number}", {"text": f"report {number}", "n": number, "meta": {"lang": "en"}})
    await store.aput(("other",), "k", {"text": "report elsewhere", "n": 3})
    found = await store.asearch(("docs",), query="report", limit=5)
    assert len(found) == 5
    assert all(item.score is not None for item in found)
    rest = await store.asearch(("docs",), query="report", limit=50, offset=5)
    assert {item.key for item in found} | {item.key for item in rest} == {f"k{number}" for number in range(12)}
    newest = await store.asearch(("docs",), limit=3)
    assert [item.key for item in newest] == ["k11", "k10", "k9"]
    assert newest[0].score is None

    async def keys(**wanted: object) -> set[str]:
        return {item.key for item in await store.asearch(("docs",), filter=wanted, limit=50)}

    assert await keys(n=3) == {"k3"}
    assert await keys(n={"$gte": 10}) == {"k10", "k11"}
    assert await keys(n={"$gt": 2, "$lt": 5}) == {"k3", "k4"}
    assert await keys(n={"$lte": 1}, meta={"lang": "en"}) == {"k0", "k1"}
    assert await keys(n={"$ne": 0}, missing=None) == {f"k{number}" for number in range(1, 12)}
    assert await keys(meta={"lang": {"$eq": "de"}}) == set()
    assert await keys(text={"$gt": 1}) == set()
    with pytest.raises(ValueError, match="Unsupported operator"):
        await keys(n={"$near": 1})
    both = await store.asearch(("docs",), query="report 4", filter={"n": {"$lt": 6}}, limit=2, offset=0)
    assert both[0].key == "k4"
    assert len(both) == 2


async def test_which_fields_are_searched(store: SqlStore) -> None:
    await store.aput(DOCS, "all", {"title": "alpha", "body": {"lines": ["beta", "gamma"]}})
    await store.aput(DOCS, "some", {"title": "alpha", "body": {"lines": ["delta", "gamma"]}}, index=["body.lines[*]"])
    await store.aput(DOCS, "none", {"title": "alpha"}, index=False)

    async def keys(query: str) -> set[str]:
        return {item.key for item in await store.asearch(DOCS, query=query)}

    assert await keys("alpha") == {"all"}
    assert await keys("gamma") == {"all", "some"}
    assert await store.aget(DOCS, "none") is not None


async def test_search_by_meaning(url: str) -> None:
    async with open_memory(url, embedder=Concepts().source) as memory:
        await memory.store.aput(DOCS, "tea", {"text": "Ada likes tea"})
        await memory.store.aput(DOCS, "town", {"text": "Ada moved to Osaka"})
        found = await memory.store.asearch(("docs",), query="breakfast beverage")
        assert found[0].key == "tea"
        assert found[0].score is not None
        assert found[0].score > 0.9


async def test_time_to_live(whole: SqlMemory, store: SqlStore) -> None:
    assert store.supports_ttl
    await store.aput(DOCS, "short", {"text": "tea"}, ttl=0.0005)
    await store.aput(DOCS, "long", {"text": "tea"}, ttl=10)
    await asyncio.sleep(0.05)
    assert await store.aget(DOCS, "short") is None
    assert [item.key for item in await store.asearch(("docs",), query="tea")] == ["long"]
    before = await whole.facts.get(DOCS, "long")
    await store.aget(DOCS, "long", refresh_ttl=False)
    assert await whole.facts.get(DOCS, "long") == before
    await store.aget(DOCS, "long")
    after = await whole.facts.get(DOCS, "long")
    assert before is not None
    assert after is not None
    assert after.expires_at > before.expires_at  # type: ignore[operator]
    assert await asyncio.to_thread(store.sweep_ttl) == 1


async def test_namespaces(store: SqlStore) -> None:
    for place in (("a", "b", "c"), ("a", "b", "d"), ("a", "x"), ("z", "c")):
        await store.aput(place, "k", {"n": 1})
    assert await store.alist_namespaces(prefix=("a",)) == [("a", "b", "c"), ("a", "b", "d"), ("a", "x")]
    assert await store.alist_namespaces(suffix=("c",)) == [("a", "b", "c"), ("z", "c")]
    assert await store.alist_namespaces(prefix=("a", "*", "c")) == [("a", "b", "c")]
    assert await store.alist_namespaces(max_depth=1) == [("a",), ("z",)]
    assert await store.alist_namespaces(limit=1, offset=1) == [("a", "b", "d")]
    await store.adelete(("z", "c"), "k")
    assert await store.alist_namespaces(prefix=("z",)) == []


async def test_a_batch_reads_what_stood_before_it_and_the_last_put_counts(store: SqlStore) -> None:
    await store.aput(DOCS, "k", {"n": 0})
    answers = await store.abatch(
        [
            PutOp(DOCS, "k", {"n": 1}),
            GetOp(DOCS, "k"),
            PutOp(DOCS, "k", {"n": 2}),
            SearchOp(("docs",)),
            ListNamespacesOp(),
            PutOp(("docs", "bo"), "k", {"n": 3}),
        ]
    )
    assert answers[0] is None
    assert answers[1].value == {"n": 0}  # type: ignore[union-attr]
    assert [item.value for item in answers[3]] == [{"n": 0}]  # type: ignore[union-attr]
    assert answers[4] == [DOCS]
    item = await store.aget(DOCS, "k")
    assert item is not None
    assert item.value == {"n": 2}


async def test_wrong_names_and_secrets_are_refused(store: SqlStore) -> None:
    with pytest.raises(InvalidNamespaceError):
        await store.aput(("a.b",), "k", {"n": 1})
    with pytest.raises(InvalidNamespaceError):
        store.batch([GetOp(("a.b",), "k")])
    with pytest.raises(InputError, match="looks like"):
        await store.aput(DOCS, "k", {"password": "swordfish"})


async def test_facts_of_people_and_tools_are_items(whole: SqlMemory, store: SqlStore) -> None:
    await whole.facts.put(Fact(namespace=DOCS, key="text", text="Ada drinks tea", author="user"))
    await whole.facts.put(Fact(namespace=DOCS, key="list", value=[1, 2], author="user"))
    found = {item.key: item.value for item in await store.asearch(DOCS)}
    assert found == {"text": {"text": "Ada drinks tea"}, "list": {"value": [1, 2]}}


class State(TypedDict):
    said: str


async def test_a_graph_uses_it(whole: SqlMemory, store: SqlStore) -> None:
    async def node(state: State) -> State:
        here = get_store()
        await here.aput(DOCS, "drink", {"text": state["said"]})
        (found,) = await here.asearch(DOCS, query="tea")
        return {"said": f"kept: {found.value['text']}"}

    graph = StateGraph(State)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    graph.add_edge("node", END)
    compiled = graph.compile(store=store, checkpointer=whole.checkpointer)
    done = await compiled.ainvoke({"said": "tea, please"}, {"configurable": {"thread_id": "t"}})
    assert done["said"] == "kept: tea, please"


async def test_it_needs_langgraph_and_a_face_that_only_looks_does_not(file_url: str) -> None:
    async with open_memory(file_url, checkpoints=False) as memory:
        with pytest.raises(ConfigError, match="without LangGraph's store"):
            _ = memory.store
    code = (
        "import asyncio, sys\nfrom memory import open_memory\nfrom nexus_agents.core.facts import Fact\n"
        "async def main():\n async with open_memory(sys.argv[1], checkpoints=False) as memory:\n"
        "  await memory.facts.put(Fact(namespace=('user',), text='tea', author='a'))\n"
        "  await memory.facts.search('tea')\n"
        "asyncio.run(main()); print(*sys.modules)"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, file_url), stdout=subprocess.PIPE, env={"NEXUS_EMBEDDER": "none"}
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    loaded = {name.partition(".")[0] for name in out.decode().split()}
    assert not loaded & {"langgraph", "langchain_core", "numpy"}
