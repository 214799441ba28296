-- Applies one commit to one document, atomically and at most once.
--
-- KEYS  1 the document   2 the writer's last applied sequence   3 for 'append': the run of appends, 'first-last' revision
-- ARGV  1 sequence   2 the sequence that must be the last applied, or ''   3 seconds to remember the sequence
--       4 what must be stored: 'absent', 'other' (not a string) or its length   5 offset of bytes at its end, for 'append'
--         of the list's bracket   6 those bytes
--       7 the channel to publish it on, or ''   8 the revision that it is built on   9 the revision that it makes
--       10 its mutations, for those who listen
--       11 the plan: 'delete' | 'set' text | 'append' elements next-revision | 'edit' followed by writes
--       last, where the document is to expire: 'ttl' milliseconds
--         a write is 'write' offset and its pieces: 'text' bytes | 'range' first last (of the old text) | 'spaces' count
-- Returns {'applied'} | {'duplicate'} | {'appended', revision}
--       | {'stale', knows} | {'stale', knows, 'absent' | 'other'} | {'stale', knows, 'text', bytes}
--         where knows is '1' if a sequence of the writer is remembered, else '0'

local last = redis.call('GET', KEYS[2])
if last and tonumber(last) >= tonumber(ARGV[1]) then return {'duplicate'} end
-- Built on a commit that was not applied: its answer carries what is stored.
local knows = last and '1' or '0'
if ARGV[2] ~= '' and last ~= ARGV[2] then return {'stale', knows} end

local found, fits, length = look(KEYS[1], 4)

-- Of an append: where the list's bracket is, the revision there is, and the one to come.
local bracket
local base, revision = ARGV[8], ARGV[9]
if ARGV[11] == 'append' and fits then
  bracket, base = ARGV[5], string.match(ARGV[6], '%d+')
elseif ARGV[11] == 'append' and found == 'text' and redis.call('GETRANGE', KEYS[1], 0, 9) == '{"value":[' then
  local window, text, start = 64, nil, nil
  repeat
    text = redis.call('GETRANGE', KEYS[1], -window, -1)
    start, base = string.match(text, '()%],"last_modified":(%d+)} *$')
    window = window * 8
  until start or #text == length or not string.find(text, ' $')
  -- Longer numbers could not be told from those that do not fit 64 bits.
  if start and #base < 20 then
    bracket = length - #text + start - 1
    -- One more than what is there, in decimal: Lua's numbers are too small.
    local head, digit, nines = string.match('0' .. base, '^(%d-)([0-8])(9*)$')
    revision = head .. string.char(string.byte(digit) + 1) .. string.rep('0', #nines)
    if string.sub(revision, 1, 1) == '0' then revision = string.sub(revision, 2) end
    local other = ARGV[13]
    if #other > #revision or (#other == #revision and other > revision) then revision = other end
  end
end

if not fits and not bracket then
  if ARGV[2] ~= '' then return {'stale', knows} end
  if found == 'text' then return {'stale', knows, found, redis.call('GET', KEYS[1])} end
  return {'stale', knows, found}
end

local stored
if bracket then
  local comma = tonumber(bracket) == 10 and '' or ','
  local text = comma .. ARGV[12] .. '],"last_modified":' .. revision .. '}'
  stored = redis.call('SETRANGE', KEYS[1], bracket, text)
  local first, last = string.match(redis.call('GET', KEYS[3]) or '', '^(%d+)-(%d+)$')
  if last ~= base then first = base end
  redis.call('SET', KEYS[3], first .. '-' .. revision, 'EX', ARGV[3])
else
  stored = change(KEYS[1], 11, #ARGV)
end
renew(KEYS[1], #ARGV)
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[3])
if ARGV[7] ~= '' then publish(ARGV[7], news(KEYS[1], KEYS[2], base, revision, stored, ARGV[10])) end
if not fits then return {'appended', revision} end
return {'applied'}
