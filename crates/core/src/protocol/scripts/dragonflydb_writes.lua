-- The writes of commits in the reserved form: for DragonflyDB and unknown servers, which may refuse any write of a script for
-- want of memory, also after others. All that can be refused is done before a document is changed, by one command, or is of no
-- consequence. DragonflyDB never refuses INCRBY of an existing key, PEXPIRE, DEL and PUBLISH. RENAME loses keys there and is not used.

-- Makes the dedup key, with a '0' if it is absent, so that store_sequence needs no memory, and proves that the server permits the
-- commands that follow. Throws where the server refuses one: then nothing has been changed.
local function reserve_sequence(key, last, seconds, sets_ttl)
  redis.call('SET', key, last or '0', 'EX', seconds)
  redis.call('INCRBY', key, '0')
  redis.call('PEXPIRE', key, seconds .. '000')
end

-- Stores the sequence of a commit that was applied.
local function store_sequence(key, last, sequence, seconds)
  redis.call('INCRBY', key, '' .. (tonumber(sequence) - tonumber(last or '0')))
  redis.call('PEXPIRE', key, seconds .. '000')
end

-- Joins the writes of the plan 'edit' to one, with the old text between them. Returns its offset and its text.
local function join_writes(key, at, last)
  local offsets, texts = read_writes(key, at, last)
  local parts, position = {}, offsets[1]
  for n = 1, #offsets do
    if offsets[n] > position then parts[#parts + 1] = redis.call('GETRANGE', key, position, offsets[n] - 1) end
    parts[#parts + 1] = texts[n]
    position = offsets[n] + #texts[n]
  end
  return offsets[1] or 0, table.concat(parts)
end

-- Carries out the plan in ARGV[at] to ARGV[last] by one command: 'delete' | 'set' text | 'edit' and writes (see read_writes).
-- Returns the length of the document afterwards.
local function apply_plan(key, at, last)
  local replaced_length = replace_text(key, at)
  if replaced_length then return replaced_length end
  local offset, text = join_writes(key, at, last)
  return redis.call('SETRANGE', key, offset, text)
end

-- The whole text of a document after the plan in ARGV[at] to ARGV[last].
local function planned_text(key, at, last)
  if ARGV[at] == 'set' then return ARGV[at + 1] end
  local offset, text = join_writes(key, at, last)
  local after = offset + #text
  local head = offset > 0 and redis.call('GETRANGE', key, 0, offset - 1) or ''
  return head .. text .. redis.call('GETRANGE', key, after, -1)
end

-- The elements of a list from n on, as separate values. Not every version of Lua has `unpack`, and Lua 5.1 has it for at most
-- 8000 values. Eight at a time, because every call copies all later values, and Lua 5.1 nests 16384 calls.
local function values_from(list, n)
  if n > #list then return end
  if n + 7 > #list then return list[n], values_from(list, n + 1) end
  return list[n], list[n + 1], list[n + 2], list[n + 3], list[n + 4], list[n + 5], list[n + 6], list[n + 7],
    values_from(list, n + 8)
end

-- Applies the commits of a group by one MSET, which needs no memory for keys: absent documents are made before, and deleted
-- where the MSET is refused. group.lua describes the list of commits. Returns the lengths of the documents afterwards, or false
-- and the error of the server: then nothing has been changed.
local function apply_group(commits, seconds)
  local lengths, pairs, made, lifetimes = {}, {}, {}, {}
  local refusal
  for n = 1, #commits do
    local commit = commits[n]
    lengths[n] = 0
    if ARGV[commit.plan] ~= 'delete' then
      local text = planned_text(KEYS[commit.document], commit.plan, commit.plan_last)
      lengths[n] = #text
      lifetimes[n] = redis.call('PTTL', KEYS[commit.document])
      pairs[#pairs + 1] = KEYS[commit.document]
      pairs[#pairs + 1] = text
    else
      -- A refusal to delete comes here: a deleted document does not need its append run.
      redis.call('DEL', KEYS[commit.append_run])
    end
    pairs[#pairs + 1] = KEYS[commit.dedup]
    pairs[#pairs + 1] = commit.sequence
  end
  for n = 1, #commits do
    local commit = commits[n]
    if not refusal and ARGV[commit.plan] ~= 'delete' and ARGV[commit.start + 1] == 'absent' then
      local reply = redis.pcall('SET', KEYS[commit.document], '0', 'EX', seconds)
      if type(reply) == 'table' and reply.err then refusal = reply else made[#made + 1] = commit.document end
    end
  end
  if not refusal and #pairs > 0 then
    local reply = redis.pcall('MSET', values_from(pairs, 1))
    if type(reply) == 'table' and reply.err then refusal = reply end
  end
  if refusal then
    for n = 1, #made do
      local document = made[n]
      redis.call('DEL', KEYS[document])
    end
    return false, refusal
  end
  for n = 1, #commits do
    local commit = commits[n]
    if ARGV[commit.plan] == 'delete' then
      redis.call('DEL', KEYS[commit.document])
    elseif lifetimes[n] > 0 then
      redis.call('PEXPIRE', KEYS[commit.document], lifetimes[n])
    end
    renew_ttl(KEYS[commit.document], commit.plan_last)
    redis.call('PEXPIRE', KEYS[commit.dedup], seconds .. '000')
  end
  return lengths
end
