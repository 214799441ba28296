-- The history of a document: a stream with an entry for each commit, whose fields history/entry.rs describes. It is no condition
-- of a commit: a failure is ignored, and leaves a gap in the history.

-- The fields of an entry in a reply of XRANGE or XREVRANGE. Empty where there is no such entry.
local function entry_fields(reply, n)
  local fields, list = {}, reply[n] and reply[n][2] or {}
  for i = 1, #list, 2 do
    fields[list[i]] = list[i + 1]
  end
  return fields
end

-- The fields of the newest entry.
local function newest_entry(key)
  return entry_fields(redis.pcall('XREVRANGE', key, '+', '-', 'COUNT', '1'), 1)
end

-- The number of entries since the newest text, their length, and the length of all entries so far.
local function entry_counts(fields)
  local entries, length, total = string.match(fields.counts or '', '^(%d+) (%d+) (%d+)$')
  return tonumber(entries or '0'), tonumber(length or '0'), tonumber(total or '0')
end

-- Makes the entry of mutations from the newest one. With max, the most entries that stay, it is made before the mutations change
-- the document under the key, and has the text that is stored there where the document cannot be had from earlier entries, or only
-- from many.
local function make_entry(key, newest, base, mutations, max)
  local entries, length, total = entry_counts(newest)
  local is_whole = string.find(mutations, '^%[%["assign"') or string.find(mutations, '^%[%["delete"')
  local text, stored = '', base ~= '0' and max and redis.pcall('STRLEN', key)
  local is_due = newest.revision ~= base or newest.mutations == ''
  if type(stored) == 'number' and not is_whole then
    is_due = is_due or length > stored or entries * 2 >= tonumber(max)
  end
  if is_due and type(stored) == 'number' and stored <= 1048576 then text = redis.call('GET', key) or '' end
  local added = #mutations + #text + 100
  if text ~= '' then
    entries, length = 0, 0
  end
  local counts = entries + 1 .. ' ' .. length + #mutations + 100 .. ' ' .. total + added
  if is_whole or base == '0' then counts = '0 0 ' .. total + added end
  return {base = base, mutations = mutations, text = text, counts = counts, total = total + added, added = added}
end

-- Adds an entry to a history, of which at least the newest max entries stay, and at most 8 MB. `lifetime` is what PTTL says of the
-- document: its history expires with it, and a day after a deletion.
local function add_entry(key, entry, revision, writer, max, lifetime)
  redis.pcall('XADD', key, 'MAXLEN', '~', max, '*', 'revision', revision, 'base', entry.base, 'writer', writer,
    'mutations', entry.mutations, 'counts', entry.counts, 'text', entry.text)
  if entry.total % 2097152 < entry.added then
    local oldest, is_over
    repeat
      oldest = redis.pcall('XRANGE', key, '-', '+', 'COUNT', '1')
      local _, _, total = entry_counts(entry_fields(oldest, 1))
      is_over = oldest[1] and total < entry.total - 6291456
    until not is_over or redis.pcall('XDEL', key, oldest[1][1]) ~= 1
  end
  if lifetime == -1 then
    redis.pcall('PERSIST', key)
  elseif type(lifetime) == 'number' then
    redis.pcall('PEXPIRE', key, lifetime > 0 and lifetime or 86400000)
  end
end
