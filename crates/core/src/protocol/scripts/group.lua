-- Applies the commits of a group to several documents, all or none, and at most once.
--
-- KEYS  of each commit its document, the dedup key of its writer, the append run and the reservation queue (see reservations);
--       then of each document that is only checked itself and its reservation queue; then the histories of the commits that
--       are recorded; then the group mark, if there is one; then, where the log of names is checked, or where a commit creates or deletes its document, the log of names
-- ARGV  1 the number of commits   2 the number of documents that are only checked   3 lifetime of side keys in seconds
--       4 the channel, or ''   5 the secret of delta messages, or ''   6 the writer
--       7 'stale' or 'reserved' and milliseconds: the writer reserves the next commits of all documents where one of them is
--         stale, or where others have reserved one; or ''
--       8 '1' if there is a group mark, else '0'
--       then of each commit: its sequence | its guard (see check_guard: three) | the revision that it is built on, the one
--         that it makes, its mutations, for the delta message | the number of arguments of its plan, where it is recorded ' ' and
--         the most entries of the history, and the arguments of the plan (see apply_plan)
--       then of each document that is only checked its guard; then, where the log of names is checked, its guard
-- Returns {'applied'} | {'duplicate'}
--       | {'reserved', and of each document: milliseconds that are left, number of writers that come before; '0' twice where none do}
--       | {'stale', and of each document, and of the log of names where that is checked:
--         dedup, 'same' | 'absent' | 'other' | 'text' | 'long', its bytes, its length or ''}
--         where 'same' says that the guard matches, and dedup is '1' if the dedup key is there, else '0'

local count = tonumber(ARGV[1])
-- Of each commit: the numbers of its keys, its sequence and the last applied one, and the first and the last argument of its
-- plan; and the number of its history and the most entries there.
local commits = {}
local at = 9
local checks_at = 4 * count
local history_at = checks_at + 2 * tonumber(ARGV[2])
for n = 1, count do
  local commit = {}
  commit.document, commit.dedup, commit.append_run = 4 * n - 3, 4 * n - 2, 4 * n - 1
  local arguments, max_entries = string.match(ARGV[at + 7], '^(%d+) ?(%d*)$')
  commit.start, commit.plan, commit.plan_last = at, at + 8, at + 7 + tonumber(arguments)
  if max_entries ~= '' then
    history_at = history_at + 1
    commit.history, commit.max_entries = history_at, max_entries
  end
  commit.sequence, commit.last_applied = ARGV[at], last_sequence(KEYS[commit.dedup])
  if commit.last_applied and tonumber(commit.last_applied) >= tonumber(commit.sequence) then return {'duplicate'} end
  commits[n] = commit
  at = commit.plan_last + 1
end

-- A writer is added to all queues at once: any two groups are in the same order in all queues that both are in.
local request, reserved_ms = string.match(ARGV[7], '^(%a+) (%d+)$')
-- Of each document: the number of the queue's key, the queue, and whether the writer is in it.
local queues, turns, is_reserved = {}, {'reserved'}, false
local function read_queue(number)
  local text, place, is_queued = reservations(KEYS[number], ARGV[6])
  queues[#queues + 1] = {number = number, text = text, is_queued = is_queued}
  local remaining = place > 0 and redis.call('PTTL', KEYS[number]) or 0
  if place > 0 and remaining < 1 then remaining = 1 end
  turns[#turns + 1] = '' .. remaining
  turns[#turns + 1] = '' .. place
  is_reserved = is_reserved or place > 0
end
local function join_queues()
  for n = 1, #queues do
    local queue = queues[n]
    if not queue.is_queued then reserve(KEYS[queue.number], queue.text, ARGV[6], reserved_ms) end
  end
end
for n = 1, count do
  read_queue(4 * n)
end
local mark_at = history_at + 1
local names_at = mark_at + tonumber(ARGV[8])
for n = checks_at + 2, checks_at + 2 * tonumber(ARGV[2]), 2 do
  read_queue(n)
end
if is_reserved then
  if request then join_queues() end
  return turns
end

local stale, all_match = {'stale'}, true
local function check(key, guard, dedup)
  local kind, matches, length = check_guard(key, guard)
  local text = ''
  if matches then
    kind = 'same'
  elseif kind == 'text' then
    kind, text = stale_text(key, length)
  end
  stale[#stale + 1] = dedup
  stale[#stale + 1] = kind
  stale[#stale + 1] = text
  all_match = all_match and matches
end
for n = 1, count do
  local commit = commits[n]
  check(KEYS[commit.document], commit.start + 1, commit.last_applied and '1' or '0')
end
for n = checks_at + 1, checks_at + 2 * tonumber(ARGV[2]), 2 do
  check(KEYS[n], at, '0')
  at = at + 3
end
if ARGV[at] then check(KEYS[names_at], at, '0') end
if not all_match then
  if request == 'stale' then join_queues() end
  return stale
end

for n = 1, count do
  local commit = commits[n]
  reserve_sequence(KEYS[commit.dedup], commit.last_applied, ARGV[3], ARGV[commit.plan_last - 1] == 'ttl')
end
-- The mark names the group by its first commit, and is kept for a day.
if ARGV[8] == '1' then redis.call('SET', KEYS[mark_at], ARGV[6] .. ' ' .. ARGV[9], 'EX', '86400') end
for n = 1, count do
  local commit = commits[n]
  local is_creation, is_deletion = ARGV[commit.start + 1] == 'absent', ARGV[commit.plan] == 'delete'
  if KEYS[names_at] and is_creation ~= is_deletion then
    note_name(KEYS[names_at], KEYS[commit.document], KEYS[commit.dedup], commit.sequence)
  end
end
for n = 1, count do
  local commit = commits[n]
  if commit.history then
    local newest, base = newest_entry(KEYS[commit.history]), ARGV[commit.start + 4]
    commit.entry = make_entry(KEYS[commit.document], newest, base, ARGV[commit.start + 6], commit.max_entries)
  end
end
local lengths, refusal = apply_group(commits, ARGV[3])
if not lengths then return refusal end

local names, deltas = {}, {}
for n = 1, count do
  local commit = commits[n]
  local base, revision, mutations = ARGV[commit.start + 4], ARGV[commit.start + 5], ARGV[commit.start + 6]
  restart_append_run(KEYS[commit.append_run], revision, ARGV[3])
  if commit.entry then
    local lifetime = redis.pcall('PTTL', KEYS[commit.document])
    add_entry(KEYS[commit.history], commit.entry, revision, ARGV[6], commit.max_entries, lifetime)
  end
  names[n] = KEYS[commit.document]
  deltas[n] = encode_delta(KEYS[commit.dedup], base, revision, lengths[n], mutations)
end
for n = 1, #queues do
  local queue = queues[n]
  local is_left = queue.is_queued and end_reservation(KEYS[queue.number], queue.text)
  if is_left and n > count then
    -- No delta tells the others that this writer's turn is over, which has only checked the document.
    names[#names + 1] = KEYS[queue.number - 1]
    deltas[#deltas + 1] = ARGV[6] .. ' 0 0 0 0 '
  end
end
if ARGV[4] ~= '' and #names > 0 then publish(ARGV[4], encode_delta_message(ARGV[5], names, deltas)) end
return {'applied'}
