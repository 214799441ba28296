-- Applies commits to several documents, all or nothing, and at most once.
--
-- KEYS  of each commit its document and the writer's last applied sequence; then the documents that must be as they are
-- ARGV  1 how many commits   2 how many other documents   3 seconds to remember sequences   4 the channel, or ''
--       then of each commit: sequence | what must be stored (see look: three) | the revision that it is built on, the one
--         that it makes, its mutations for those who listen | how many arguments its plan has, and those (see change)
--       then of each other document what must be stored
-- Returns {'applied'} | {'duplicate'} | {'stale', and of each commit and document:
--         knows, 'same' | 'absent' | 'other' | 'text', its bytes or ''}
--         where knows is '1' if a sequence of the writer is remembered, else '0'

local count = tonumber(ARGV[1])
local places, knows = {}, {}
local at = 5
for n = 1, count do
  places[n] = at
  at = at + 8 + tonumber(ARGV[at + 7])
  local last = redis.call('GET', KEYS[2 * n])
  if last and tonumber(last) >= tonumber(ARGV[places[n]]) then return {'duplicate'} end
  knows[n] = last and '1' or '0'
end

local stale, fit = {'stale'}, true
local function compare(key, place, knows_writer)
  local found, fits = look(key, place)
  stale[#stale + 1] = knows_writer
  stale[#stale + 1] = fits and 'same' or found
  stale[#stale + 1] = not fits and found == 'text' and redis.call('GET', key) or ''
  fit = fit and fits
end
for n = 1, count do
  compare(KEYS[2 * n - 1], places[n] + 1, knows[n])
end
for n = 1, tonumber(ARGV[2]) do
  compare(KEYS[2 * count + n], at, '0')
  at = at + 3
end
if not fit then return stale end

local told, lengths = {}, {}
for n = 1, count do
  local key = KEYS[2 * n - 1]
  local place = places[n]
  local last = place + 7 + tonumber(ARGV[place + 7])
  local stored = change(key, place + 8, last)
  renew(key, last)
  redis.call('SET', KEYS[2 * n], ARGV[place], 'EX', ARGV[3])
  told[n] = news(key, KEYS[2 * n], ARGV[place + 4], ARGV[place + 5], stored, ARGV[place + 6])
  lengths[n] = #told[n]
end
if ARGV[4] ~= '' and count > 0 then
  publish(ARGV[4], 'group ' .. table.concat(lengths, ',') .. ' ' .. table.concat(told))
end
return {'applied'}
