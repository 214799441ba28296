"""Performs timed work with the `synced-memory` package: JSON lines {"code": …, "calls": …} on stdin, a list of microseconds back.

The code sees `mem` (a Memory).
"""

import json
import sys
from time import perf_counter

from synced_memory import Memory

mem = Memory(redis_hostname="127.0.0.1", redis_port=int(sys.argv[1]))
# A busy machine may answer late; without this, the package would go on with its cache.
mem._timeout = 30

for line in sys.stdin:
    task = json.loads(line)
    code = compile(task["code"], "<benchmark>", "exec")
    samples = []
    for call in range(task["calls"]):
        began = perf_counter()
        exec(code, {"mem": mem, "call": call})
        samples.append((perf_counter() - began) * 1e6)
    if mem._queue:
        raise SystemExit("the package queued a write: it found no server")
    print(json.dumps(samples), flush=True)
