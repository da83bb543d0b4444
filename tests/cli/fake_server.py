"""A small OpenAI-compatible server on loopback: it stands for a paid service, healthy or not."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWERS: dict[str, dict[str, Any]] = {
    "Answer": {"answer": "91 is not prime", "method": "division", "steps": [{"claim": "7 * 13 = 91", "check": None}]},
    "Capital": {"city": "Paris", "letters": 5},
    "Critique": {"agrees": True, "checked": ["7 * 13 = 91"], "objections": [], "summary": "It holds."},
    "Verdict": {"status": "agreed", "answer": "91 is not prime", "reason": "Both divided it by 7."},
}


class FakeServer:
    """Serves `POST /v1/chat/completions` and Ollama's `POST /api/chat`, streamed and whole.

    Attributes:
        mode: healthy, hang, cut, html, nonsense, deaf (to tools and forms), or the HTTP status that is answered.
        requests: The bodies of chats that came in.
        routes: What else is answered, by path: an object, or a status.
    """

    def __init__(self) -> None:
        self.mode: str | int = "healthy"
        self.requests: list[dict[str, Any]] = []
        self.routes: dict[str, Any] = {}
        self.closing = threading.Event()
        handler = type("Bound", (Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.port = self._http.server_port
        self.root = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.root}/v1"

    @property
    def of_agents(self) -> list[dict[str, Any]]:
        """The requests that came from agents; those that try out what the model can do have no system prompt."""
        return [request for request in self.requests if request["messages"][0]["role"] == "system"]

    def __enter__(self) -> FakeServer:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


class Handler(BaseHTTPRequestHandler):
    owner: FakeServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        found = self.owner.routes.get(self.path, 404)
        status, body = (found, {}) if isinstance(found, int) else (200, found)
        self._send(status, json.dumps(body).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path in self.owner.routes:
            self.do_GET()
            return
        self.owner.requests.append(body)
        mode = self.owner.mode
        if isinstance(mode, int):
            self._send(mode, json.dumps({"error": {"message": f"told to answer {mode}", "type": "test"}}).encode())
        elif mode == "hang":
            self.owner.closing.wait(30)
            self.close_connection = True
        elif mode == "cut":
            self._send(200, b'data: {"id": "x", "choi', claimed=5000, kind="text/event-stream")
            self.close_connection = True
        elif mode == "html":
            self._send(200, b"<html><body>Please log in to this network.</body></html>", kind="text/html")
        elif mode == "nonsense":
            self._send(200, b'data: {"id": oops}\n\n', kind="text/event-stream")
        elif self.path == "/api/chat":
            self._send(200, ollama_stream(ollama_answer(body, mode)), kind="application/x-ndjson")
        elif mode == "deaf":
            message = {"role": "assistant", "content": "I would rather talk."}
            data = stream(message) if body.get("stream") else json.dumps(whole(message)).encode()
            self._send(200, data, kind="text/event-stream" if body.get("stream") else "application/json")
        elif body.get("stream"):
            self._send(200, stream(answer(body)), kind="text/event-stream")
        else:
            self._send(200, json.dumps(whole(answer(body))).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Keep the output of the tests to the tests."""

    def _send(self, status: int, data: bytes, *, kind: str = "application/json", claimed: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(claimed or len(data)))
        self.end_headers()
        self.wfile.write(data)


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """Return the message that a model would write: a typed product, a tool call, or the closing words."""
    form = body.get("response_format") or {}
    name = (form.get("json_schema") or {}).get("name")
    if name in ANSWERS:
        return {"role": "assistant", "content": json.dumps(ANSWERS[name])}
    # A product beside other tools is handed over by the tool of its name.
    offered = [tool["function"]["name"] for tool in body.get("tools") or []]
    if product := next((tool for tool in offered if tool in ANSWERS), None):
        return call(product, ANSWERS[product])
    last = body["messages"][-1]
    if last["role"] == "tool":
        return {"role": "assistant", "content": "The tool has answered, and 91 is not prime."}
    asked = str(last["content"])
    if "weather in Paris" in asked:
        return call("weather", {"city": "Paris"})
    if "debate" in asked:
        return call("debate", {"question": "is 91 prime?"})
    return call("list_voices", {}) if "voices" in asked else {"role": "assistant", "content": f"You said: {asked}"}


def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    function = {"name": tool, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"index": 0, "id": f"call_{tool}", "type": "function", "function": function}],
    }


def whole(message: dict[str, Any]) -> dict[str, Any]:
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "fake",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
    }


def stream(message: dict[str, Any]) -> bytes:
    """Return a message as server-sent events, one word a chunk."""
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    text = message["content"] or ""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in text.replace(" ", " \0").split("\0") if piece]
    deltas += [{"tool_calls": message["tool_calls"]}] if message.get("tool_calls") else []
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake"}
    chunks = [{**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    chunks.append({**frame, "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}})
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return ("".join(lines) + "data: [DONE]\n\n").encode()


def ollama_answer(body: dict[str, Any], mode: str | int) -> dict[str, Any]:
    """Return what a model of Ollama would write."""
    asked = str(body["messages"][-1]["content"])
    if mode == "deaf":
        return {"role": "assistant", "content": "I would rather talk."}
    if body.get("format"):
        return {"role": "assistant", "content": json.dumps(ANSWERS["Capital"])}
    if body.get("tools"):
        function = {"name": "weather", "arguments": {"city": "Paris"}}
        return {"role": "assistant", "content": "", "tool_calls": [{"function": function}]}
    return {"role": "assistant", "content": f"You said: {asked}"}


def ollama_stream(message: dict[str, Any]) -> bytes:
    """Return a message as lines of JSON, one word each."""
    frame = {"model": "fake", "created_at": "2026-01-01T00:00:00Z"}
    words = [piece for piece in message["content"].replace(" ", " \0").split("\0") if piece]
    lines = [{**frame, "message": {"role": "assistant", "content": word}, "done": False} for word in words]
    lines += [{**frame, "message": message, "done": False}] if message.get("tool_calls") else []
    ending = {"done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 5}
    lines.append({**frame, "message": {"role": "assistant", "content": ""}, **ending})
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
