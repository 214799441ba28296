-- Keeps or reads the list of the writers that have a memory open, in the format that writers_list.rs describes.
--
-- KEYS  the list
-- ARGV  the lifetime of an entry in milliseconds, the most entries, the most bytes of a list;
--       a writer's id and the end of its entry: to keep it; an id and '': to remove it; '' and '': to read the list
-- Returns the list as of now where it is read, else ''

local lifetime, most_entries, most_bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local writer, rest = ARGV[4], ARGV[5]
local entries = {}
if rest ~= '' then entries[1] = '0 ' .. rest .. '\n' end
local length = redis.call('STRLEN', KEYS[1])
if length > 0 and length <= most_bytes then
  -- The time that has passed since the list was written, by the server's own clock.
  local passed = math.max(lifetime - redis.call('PTTL', KEYS[1]), 0)
  for age, other in string.gmatch(redis.call('GET', KEYS[1]), '(%d+) ([^\n]*)\n') do
    age = tonumber(age) + passed
    local is_own = writer ~= '' and string.match(other, '^%d+ (%S+) ') == writer
    if age < lifetime and not is_own and #entries < most_entries then
      entries[#entries + 1] = string.format('%d %s\n', age, other)
    end
  end
end
local list = table.concat(entries)
if writer == '' then return list end
if list == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], list, 'PX', ARGV[1])
end
return ''
