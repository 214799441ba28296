-- Applies one commit to one document, atomically and at most once.
--
-- KEYS  1 the document   2 the writer's last applied sequence
-- ARGV  1 sequence   2 the sequence that must be the last applied, or ''   3 seconds to remember the sequence
--       4 what must be stored: 'absent', 'other' (not a string) or its length   5 offset of its tail   6 its tail
--       7 the plan: 'delete' | 'set' text | 'edit' followed by writes
--         a write is 'write' offset and its pieces: 'text' bytes | 'range' first last (of the old text) | 'spaces' count
-- Returns {'applied'} | {'duplicate'}
--       | {'stale', knows} | {'stale', knows, 'absent' | 'other'} | {'stale', knows, 'text', bytes}
--         where knows is '1' if a sequence of the writer is remembered, else '0'

local last = redis.call('GET', KEYS[2])
if last and tonumber(last) >= tonumber(ARGV[1]) then return {'duplicate'} end
-- Built on a commit that was not applied: its answer carries what is stored.
local knows = last and '1' or '0'
if ARGV[2] ~= '' and last ~= ARGV[2] then return {'stale', knows} end

local length = redis.pcall('STRLEN', KEYS[1])
local found, fits
if type(length) == 'table' then
  if not string.find(length.err, 'WRONGTYPE', 1, true) then return length end
  found = 'other'
  fits = ARGV[4] == found
elseif length == 0 and redis.call('EXISTS', KEYS[1]) == 0 then
  found = 'absent'
  fits = ARGV[4] == found
else
  found = 'text'
  fits = length == tonumber(ARGV[4])
    and redis.call('GETRANGE', KEYS[1], ARGV[5], tonumber(ARGV[5]) + #ARGV[6] - 1) == ARGV[6]
end
if not fits then
  if ARGV[2] ~= '' then return {'stale', knows} end
  if found == 'text' then return {'stale', knows, found, redis.call('GET', KEYS[1])} end
  return {'stale', knows, found}
end

if ARGV[7] == 'set' then
  redis.call('SET', KEYS[1], ARGV[8], 'KEEPTTL')
elseif ARGV[7] == 'delete' then
  redis.call('DEL', KEYS[1])
else
  -- Every range is of the old text, so all are read before anything is written.
  local offsets, texts, pieces = {}, {}, nil
  local i = 8
  while ARGV[i] do
    local kind = ARGV[i]
    if kind == 'write' then
      pieces = {}
      offsets[#offsets + 1] = ARGV[i + 1]
      texts[#texts + 1] = pieces
      i = i + 2
    elseif kind == 'range' then
      pieces[#pieces + 1] = redis.call('GETRANGE', KEYS[1], ARGV[i + 1], ARGV[i + 2])
      i = i + 3
    elseif kind == 'spaces' then
      pieces[#pieces + 1] = string.rep(' ', tonumber(ARGV[i + 1]))
      i = i + 2
    else
      pieces[#pieces + 1] = ARGV[i + 1]
      i = i + 2
    end
  end
  for n = 1, #offsets do
    redis.call('SETRANGE', KEYS[1], offsets[n], table.concat(texts[n]))
  end
end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[3])
return {'applied'}
