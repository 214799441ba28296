"""Runs Python code against the `synced-memory` package: one JSON line {"code": …} on stdin, one JSON line back.

The code sees `mem` (a Memory), `scoped(name)` (a PrefixedMemory), `fresh()` (a new Memory), `ready(memory)` (for
memories of other classes) and `raw` (a redis-py client).
An expression answers {"value": …}, a statement {"value": null}, an exception {"error": "KeyError: …"}.
"""

import json
import sys

import redis
from synced_memory import Memory, PrefixedMemory

HOST, PORT = sys.argv[1], int(sys.argv[2])
opened = []


def ready(memory):
    # After half a second without an answer the package works on its cache; a busy machine may need longer.
    memory._timeout = 30
    if not memory._redis_available:
        memory._load_from_redis()
    opened.append(memory)
    return memory


def fresh():
    return ready(Memory(redis_hostname=HOST, redis_port=PORT))


scopes = {}


def scoped(name):
    if name not in scopes:
        scopes[name] = ready(PrefixedMemory(name, redis_hostname=HOST, redis_port=PORT))
    return scopes[name]


namespace = {"mem": fresh(), "fresh": fresh, "scoped": scoped, "ready": ready, "raw": redis.Redis(HOST, PORT), "json": json}


def answer(code):
    try:
        try:
            compiled = compile(code, "<test>", "eval")
        except SyntaxError:
            exec(code, namespace)
            value = None
        else:
            value = eval(compiled, namespace)
        if any(memory._queue for memory in opened):
            return {"error": "the package queued the write: it found no server"}
        return {"value": value}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line)["code"])), flush=True)
