# A script in Python, with the package `synced-memory` of PyPI, on the same server.
#   REDIS_HOST=localhost REDIS_PORT=6379 python visit.py
import json

from synced_memory import Memory

mem = Memory()
mem.visits.append("Python script")
print(json.dumps(list(mem.visits)))
