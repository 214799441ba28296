-- Delta messages, in the format that delta_message.rs describes. A change of this file is a change of the format.

-- Encodes what a commit did to one document. The writer's id is what the name of its dedup key ends with.
local function encode_delta(dedup_key, base, revision, length, mutations)
  local writer = string.match(dedup_key, '.*:(.*)')
  return writer .. ' ' .. base .. ' ' .. revision .. ' ' .. length .. ' ' .. #mutations .. ' ' .. mutations
end

-- Encodes the message of a commit: the keys of its documents, and the delta of each in the same order. Without a secret it
-- has no digest.
local function encode_delta_message(secret, names, deltas)
  local lengths = {}
  for n = 1, #names do
    lengths[n] = #names[n]
  end
  local text = #names .. ' ' .. table.concat(lengths, ' ') .. ' ' .. table.concat(names) .. table.concat(deltas)
  local digest = string.rep('0', 40)
  if secret ~= '' then digest = redis.sha1hex(secret .. redis.sha1hex(secret .. 'sm1 ' .. text)) end
  return 'sm1 ' .. digest .. ' ' .. text
end
