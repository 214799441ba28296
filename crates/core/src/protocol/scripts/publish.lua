-- Publishes a delta message: as a sharded one where the server refuses others, as DragonflyDB's cluster mode does. A failure is
-- ignored: a user who may not publish commits all the same, and other replicas find the change by invalidations or polling.
local function publish(channel, message)
  local reply = redis.pcall('PUBLISH', channel, message)
  if type(reply) == 'table' and reply.err then redis.pcall('SPUBLISH', channel, message) end
end
