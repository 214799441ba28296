-- Publishes a delta message. A failure is ignored: a user who may not publish commits all the same, and other replicas find
-- the change by invalidations or polling.
local function publish(channel, message)
  redis.pcall('PUBLISH', channel, message)
end
