-- The writes of commits in the standard form: for Redis, Valkey and other servers that run a script to its end once it has
-- written something. dragonflydb_writes.lua has the same functions for other servers.

-- Proves before a document is changed that the server permits the commands that follow, by the same ones on the dedup key. It
-- keeps its sequence, or gets a '0'. Throws where the server refuses one: then nothing has been changed.
local function reserve_sequence(key, last, seconds, sets_ttl)
  redis.call('SET', key, last or '0', 'EX', seconds)
  if sets_ttl then redis.call('PEXPIRE', key, seconds .. '000') end
end

-- Stores the sequence of a commit that was applied.
local function store_sequence(key, last, sequence, seconds)
  redis.call('SET', key, sequence, 'EX', seconds)
end

-- Carries out the plan in ARGV[at] to ARGV[last]: 'delete' | 'set' text | 'edit' and writes (see read_writes). Returns the
-- length of the document afterwards.
local function apply_plan(key, at, last)
  local replaced_length = replace_text(key, at)
  if replaced_length then return replaced_length end
  local length
  local offsets, texts = read_writes(key, at, last)
  for n = 1, #offsets do
    length = redis.call('SETRANGE', key, offsets[n], texts[n])
  end
  return length or redis.call('STRLEN', key)
end

-- Proves that the server permits the command of the plan at ARGV[at], 'set' or 'edit', by the same one without an effect.
local function prove_write(key, at, is_absent)
  if ARGV[at] == 'set' then
    redis.call('SET', key, '', is_absent and 'XX' or 'NX')
  else
    redis.call('SETRANGE', key, 0, '')
  end
end

-- Applies the commits of a group, a list that group.lua describes. Returns the lengths of the documents afterwards.
local function apply_group(commits, seconds)
  local lengths = {}
  for n = 1, #commits do
    local commit = commits[n]
    if ARGV[commit.plan] == 'delete' then
      -- A refusal to delete comes here: a deleted document does not need its append run.
      redis.call('DEL', KEYS[commit.append_run])
    else
      prove_write(KEYS[commit.document], commit.plan, ARGV[commit.start + 1] == 'absent')
    end
  end
  for n = 1, #commits do
    local commit = commits[n]
    lengths[n] = apply_plan(KEYS[commit.document], commit.plan, commit.plan_last)
    renew_ttl(KEYS[commit.document], commit.plan_last)
    store_sequence(KEYS[commit.dedup], commit.last_applied, commit.sequence, seconds)
  end
  return lengths
end
