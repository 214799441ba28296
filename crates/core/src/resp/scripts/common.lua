-- What the scripts have in common: it stands before each of them.

-- Compares a document with ARGV[at]: 'absent', 'other' (not a string) or a length; and then the offset of some bytes, and
-- those. Gives what there is ('absent', 'other', 'text'), whether it is that, and the length where it is not. Throws where
-- it cannot be read.
local function look(key, at)
  local expected, offset, bytes = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local after = tonumber(offset) + #bytes
  local ends_there = after == tonumber(expected)
  -- One byte more than there should be: none means that it is not longer, either.
  if ends_there and redis.pcall('GETRANGE', key, offset, expected) == bytes then return 'text', true end
  local length = redis.pcall('STRLEN', key)
  if type(length) == 'table' then
    -- Once more, so that the caller learns what it is.
    if not string.find(length.err, 'WRONGTYPE', 1, true) then redis.call('STRLEN', key) end
    return 'other', expected == 'other'
  elseif length == 0 and redis.call('EXISTS', key) == 0 then
    return 'absent', expected == 'absent', 0
  end
  local fits = not ends_there
    and length == tonumber(expected)
    and redis.call('GETRANGE', key, offset, after - 1) == bytes
  return 'text', fits, length
end

-- Carries out the plan in ARGV[at] to ARGV[last]: 'delete' | 'set' text | 'edit' followed by writes
-- and then, where the document is to expire, 'ttl' milliseconds (see renew). Gives the length that the document has then.
--   a write is 'write' offset and its pieces: 'text' bytes | 'range' first last (of the old text) | 'spaces' count
local function change(key, at, last)
  if ARGV[at] == 'set' then
    redis.call('SET', key, ARGV[at + 1], 'KEEPTTL')
    return #ARGV[at + 1]
  elseif ARGV[at] == 'delete' then
    redis.call('DEL', key)
    return 0
  end
  -- Every range is of the old text, so all are read before anything is written.
  local offsets, texts, pieces = {}, {}, nil
  local i = at + 1
  while i <= last and ARGV[i] ~= 'ttl' do
    local kind = ARGV[i]
    if kind == 'write' then
      pieces = {}
      offsets[#offsets + 1] = ARGV[i + 1]
      texts[#texts + 1] = pieces
      i = i + 2
    elseif kind == 'range' then
      pieces[#pieces + 1] = redis.call('GETRANGE', key, ARGV[i + 1], ARGV[i + 2])
      i = i + 3
    elseif kind == 'spaces' then
      pieces[#pieces + 1] = string.rep(' ', tonumber(ARGV[i + 1]))
      i = i + 2
    else
      pieces[#pieces + 1] = ARGV[i + 1]
      i = i + 2
    end
  end
  local length
  for n = 1, #offsets do
    length = redis.call('SETRANGE', key, offsets[n], table.concat(texts[n]))
  end
  return length
end

local function renew(key, last)
  if ARGV[last - 1] == 'ttl' then redis.call('PEXPIRE', key, ARGV[last]) end
end

-- What those who listen are told of one document, in one line: the writer is what its key for the last sequence ends with.
local function news(key, sequence_key, base, revision, length, mutations)
  local writer = string.match(sequence_key, '.*:(.*)')
  return writer .. ' ' .. base .. ' ' .. revision .. ' ' .. length .. ' ' .. #key .. ' ' .. key .. mutations
end

-- Nothing depends on it: who may not publish commits all the same, and others find out more slowly.
local function publish(channel, message)
  redis.pcall('PUBLISH', channel, message)
end
