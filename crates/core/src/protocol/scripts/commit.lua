-- Applies one commit to one document, atomically and at most once.
--
-- KEYS  1 the document   2 the dedup key, which holds the last sequence of the writer that was applied
--       3 the append run, 'first-last' revision   4 the reservation queue (see reservations)
--       where the commit is recorded the history; where the commit creates or deletes the document the log of names
-- ARGV  1 the commit's sequence   2 the sequence that must be the last applied, or 'any' where there must be one, or ''
--       3 lifetime of side keys in seconds
--       4 to 6 the guard (see check_guard); for 'append' its bytes begin with the list's bracket
--       7 the channel, or ''   8 the secret of delta messages, or ''
--       9 the revision that the commit is built on   10 the revision that it makes   11 its mutations, for the delta message
--       12 the plan (see apply_plan), or 'append' elements lowest-revision
--       then, where the document is to expire, 'ttl' milliseconds
--       last but one the longest text to return; where the commit is recorded also ' ' and the most entries of the history
--       last 'stale' or 'reserved' and milliseconds: the writer reserves the next commit where it is stale, or where others
--         have reserved it; or ''
-- Returns {'applied'} | {'duplicate'} | {'appended', revision}
--       | {'stale', dedup} | {'stale', dedup, 'absent' | 'other'} | {'stale', dedup, 'text', bytes}
--       | {'stale', dedup, 'long', length and last bytes}
--       | {'stale', dedup, 'tail', length, bytes}
--         where dedup is '1' if the dedup key is there, else '0'
--       | {'reserved', milliseconds that are left, number of writers that come before}

local last_applied = last_sequence(KEYS[2])
if last_applied and tonumber(last_applied) >= tonumber(ARGV[1]) then return {'duplicate'} end
local final = #ARGV - 2
local writer = string.match(KEYS[2], '.*:(.*)')
local request, reserved_ms = string.match(ARGV[#ARGV], '^(%a+) (%d+)$')
local queue, place, is_queued = reservations(KEYS[4], writer)
local text_limit, max_entries = string.match(ARGV[#ARGV - 1], '^(%d+) ?(%d*)$')
local is_recorded = max_entries ~= ''
local names = is_recorded and 6 or 5
if place > 0 then
  if request and not is_queued then reserve(KEYS[4], queue, writer, reserved_ms) end
  local remaining = redis.call('PTTL', KEYS[4])
  if remaining < 1 then remaining = 1 end
  return {'reserved', '' .. remaining, '' .. place}
end
-- A commit whose predecessor was not applied is stale, and the answer to the predecessor says what is stored.
local dedup = last_applied and '1' or '0'
local is_next = ARGV[2] ~= '' and ARGV[2] ~= 'any'
if is_next and last_applied ~= ARGV[2] then return {'stale', dedup} end
local is_forgotten = ARGV[2] == 'any' and not last_applied

local kind, matches, length = check_guard(KEYS[1], 4)

-- For an append: the offset of the list's bracket, the revision that is stored, and the one that the commit makes.
local bracket
local base, revision = ARGV[9], ARGV[10]
local first, last
if ARGV[12] == 'append' then
  first, last = string.match(redis.call('GET', KEYS[3]) or '', '^(%d+)-(%d+)$')
end
if is_forgotten then
  matches = false
  if kind == 'text' then length = redis.call('STRLEN', KEYS[1]) end
elseif ARGV[12] == 'append' and matches then
  bracket, base = ARGV[5], string.match(ARGV[6], '%d+')
elseif last and kind == 'text' and redis.call('GETRANGE', KEYS[1], 0, 9) == '{"value":[' then
  local window, text, start = 64, nil, nil
  repeat
    text = redis.call('GETRANGE', KEYS[1], -window, -1)
    start, base = string.match(text, '()%],"last_modified":(%d+)} *$')
    window = window * 8
  until start or #text == length or not string.find(text, ' $')
  -- In another program's text, the last bracket may close something else than the value. A revision of twenty digits may not
  -- fit 64 bits.
  if start and base == last and #base < 20 then
    bracket = length - #text + start - 1
    -- The stored revision plus one, in decimal: Lua's numbers have too few digits.
    local head, digit, nines = string.match('0' .. base, '^(%d-)([0-8])(9*)$')
    revision = head .. string.char(string.byte(digit) + 1) .. string.rep('0', #nines)
    if string.sub(revision, 1, 1) == '0' then revision = string.sub(revision, 2) end
    local lowest = ARGV[14]
    if #lowest > #revision or (#lowest == #revision and lowest > revision) then revision = lowest end
  end
end

if not matches and not bracket then
  if is_next then return {'stale', dedup} end
  if request == 'stale' and not is_queued then reserve(KEYS[4], queue, writer, reserved_ms) end
  if kind == 'text' and length > tonumber(text_limit) then
    return {'stale', dedup, 'tail', '' .. length, redis.call('GETRANGE', KEYS[1], -512, -1)}
  end
  if kind == 'text' then return {'stale', dedup, stale_text(KEYS[1], length)} end
  return {'stale', dedup, kind}
end

reserve_sequence(KEYS[2], last_applied, ARGV[3], ARGV[final - 1] == 'ttl')
if KEYS[names] then note_name(KEYS[names], KEYS[1], KEYS[2], ARGV[1]) end
local entry = is_recorded and make_entry(KEYS[1], newest_entry(KEYS[5]), base, ARGV[11], max_entries)
local new_length
if bracket then
  local comma = tonumber(bracket) == 10 and '' or ','
  local text = comma .. ARGV[13] .. '],"last_modified":' .. revision .. '}'
  new_length = redis.call('SETRANGE', KEYS[1], bracket, text)
  if last ~= base then first = base end
  store_append_run(KEYS[3], first, revision, ARGV[3])
else
  new_length = apply_plan(KEYS[1], 12, final)
  restart_append_run(KEYS[3], revision, ARGV[3])
end
renew_ttl(KEYS[1], final)
store_sequence(KEYS[2], last_applied, ARGV[1], ARGV[3])
if is_queued then end_reservation(KEYS[4], queue) end
if entry then add_entry(KEYS[5], entry, revision, writer, max_entries, redis.pcall('PTTL', KEYS[1])) end
if ARGV[7] ~= '' then
  local delta = encode_delta(KEYS[2], base, revision, new_length, ARGV[11])
  publish(ARGV[7], encode_delta_message(ARGV[8], {KEYS[1]}, {delta}))
end
if not matches then return {'appended', revision} end
return {'applied'}
