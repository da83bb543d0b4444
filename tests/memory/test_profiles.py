from __future__ import annotations

from nexus_agents.core.models import ModelProfile
from nexus_agents.core.ports import Memory


async def test_what_is_known_about_a_model_is_kept_by_name_and_address(memory: Memory) -> None:
    near = ModelProfile(name="openai:qwen", base_url="http://127.0.0.1:8080/v1", context=8192, tools=True)
    far = ModelProfile(name="openai:qwen", context=32768)
    for profile in (near, far, near.model_copy(update={"context": 4096})):
        await memory.profiles.put(profile)

    assert (await memory.profiles.get("openai:qwen", None)) == far
    found = await memory.profiles.get("openai:qwen", near.base_url)
    assert found is not None
    assert (found.context, found.tools) == (4096, True)
    assert await memory.profiles.get("openai:other", None) is None
    assert len(await memory.profiles.list()) == 2
