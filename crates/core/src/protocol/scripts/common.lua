-- Functions that the scripts share. The build puts this file, without comments, before each script.

-- Compares a document with the guard in ARGV[at] to ARGV[at + 2]: 'absent', 'other' (not a string) or the document's length;
-- an offset; the bytes that must stand there. Returns the kind of what is stored ('absent', 'other' or 'text'), whether it
-- matches, and where it does not its length. Throws where the key cannot be read.
local function check_guard(key, at)
  local expected, offset, bytes = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local after = tonumber(offset) + #bytes
  local reaches_end = after == tonumber(expected)
  -- GETRANGE includes its end, so this asks for one byte more than there should be: a longer document does not match.
  if reaches_end and redis.pcall('GETRANGE', key, offset, expected) == bytes then return 'text', true end
  local length = redis.pcall('STRLEN', key)
  if type(length) == 'table' then
    -- Any error but WRONGTYPE: redis.call repeats it and throws it to the caller.
    if not string.find(length.err, 'WRONGTYPE', 1, true) then redis.call('STRLEN', key) end
    return 'other', expected == 'other'
  elseif length == 0 and redis.call('EXISTS', key) == 0 then
    return 'absent', expected == 'absent', 0
  end
  local matches = not reaches_end
    and length == tonumber(expected)
    and redis.call('GETRANGE', key, offset, after - 1) == bytes
  return 'text', matches, length
end

-- The kind of a document's text and the text, for the answer to a stale commit; 'long' and the length and the last 96 bytes of a
-- text that has more than a megabyte, which the writer has to load.
local function stale_text(key, length)
  if length > 1048576 then return 'long', length .. ' ' .. redis.call('GETRANGE', key, -96, -1) end
  return 'text', redis.call('GET', key)
end

-- The sequence in a dedup key; false if there is none, or only a '0', which keeps the place of a sequence (see
-- reserve_sequence).
local function last_sequence(key)
  local sequence = redis.call('GET', key)
  return sequence and sequence ~= '0' and sequence
end

-- Carries out the plan at ARGV[at] if it is 'delete', or 'set' and a text. Returns the length of the document afterwards; nil for
-- another plan.
local function replace_text(key, at)
  if ARGV[at] == 'set' then
    redis.call('SET', key, ARGV[at + 1], 'KEEPTTL')
    return #ARGV[at + 1]
  elseif ARGV[at] == 'delete' then
    redis.call('DEL', key)
    return 0
  end
end

-- The writes of the plan 'edit' in ARGV[at] to ARGV[last]; the arguments of renew_ttl may follow. Returns their offsets, in
-- ascending order, and their texts. Ranges are of the old text: all are read before anything is written.
--   a write is 'write' offset and its pieces: 'text' bytes | 'range' first last (of the old text) | 'spaces' count
local function read_writes(key, at, last)
  local offsets, texts, pieces = {}, {}, nil
  local i = at + 1
  while i <= last and ARGV[i] ~= 'ttl' do
    local kind = ARGV[i]
    if kind == 'write' then
      pieces = {}
      offsets[#offsets + 1] = tonumber(ARGV[i + 1])
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
  for n = 1, #texts do
    texts[n] = table.concat(texts[n])
  end
  return offsets, texts
end

-- The reservation queue of a document: entries 'writer milliseconds;' of the writers that have reserved its next commits, in
-- order. The key expires when the time of the first one is over. Returns the queue, and the writer's place in it, counted from
-- 0; for a writer that is not in it the number of entries.
local function reservations(key, writer)
  local queue = redis.call('GET', key) or ''
  -- A queue that does not expire would block the document for ever.
  if queue ~= '' and redis.call('PTTL', key) < 0 then queue = '' end
  local place, start, stop = 0, 1, string.find(queue, ';', 1, true)
  while stop and string.sub(queue, start, start + #writer) ~= writer .. ' ' do
    place = place + 1
    start = stop + 1
    stop = string.find(queue, ';', start, true)
  end
  return queue, place, stop ~= nil
end

-- Adds a writer at the end of a reservation queue. A failure is ignored, here and below: the queue is no condition of a commit.
local function reserve(key, queue, writer, ms)
  if #queue > 8192 then return end
  local entry = writer .. ' ' .. ms .. ';'
  if queue == '' then
    redis.pcall('SET', key, entry, 'PX', ms)
  else
    redis.pcall('SET', key, queue .. entry, 'KEEPTTL')
  end
end

-- Removes the first entry, whose writer has committed. Returns whether others are in the queue.
local function end_reservation(key, queue)
  local rest = string.match(queue, ';(.*)$')
  local ms = string.match(rest, ' (%d+);')
  if ms then
    redis.pcall('SET', key, rest, 'PX', ms)
  else
    redis.pcall('DEL', key)
  end
  return ms ~= nil
end

-- Sets the time to live of a document where ARGV[last - 1] and ARGV[last] are 'ttl' and milliseconds.
local function renew_ttl(key, last)
  if ARGV[last - 1] == 'ttl' then redis.call('PEXPIRE', key, ARGV[last]) end
end

-- Stores the append run of a document that an append has changed. A failure is ignored: then the next append needs its guard.
local function store_append_run(key, first, last, seconds)
  redis.pcall('SET', key, first .. '-' .. last, 'EX', seconds)
end

-- Restarts the append run of a document that a commit of another kind than an append has changed, where there is a run:
-- appends go on from the new revision without a guard. The run of a deleted document, whose revision is '0', stays. A failure
-- is ignored: then the next append needs its guard.
local function restart_append_run(key, revision, seconds)
  if revision ~= '0' then redis.pcall('SET', key, revision .. '-' .. revision, 'XX', 'EX', seconds) end
end

-- Notes that a commit creates or deletes a document: puts an entry at the start of the log of names (see names_log.rs), which
-- is cut at 4096 bytes and kept for a day. The writer's id is what the name of its dedup key ends with.
local function note_name(key, document, dedup_key, sequence)
  local writer = string.match(dedup_key, '.*:(.*)')
  local entry = writer .. ' ' .. sequence .. ' ' .. #document .. ' ' .. document .. '\n'
  redis.call('SET', key, string.sub(entry .. (redis.call('GET', key) or ''), 1, 4096), 'EX', '86400')
end
