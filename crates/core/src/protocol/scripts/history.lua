-- Reads the history of a document, or adds what a foreign writer has changed.
--
-- KEYS  1 the history   2 the document
-- ARGV  'read' the most entries  the length of entries from which on no more are read
--       or 'record' base revision mutations and the most entries of the history
-- Returns for 'read' the number of entries that are malformed, then of each other one, the newest first:
--         its id, revision, base, writer, mutations and text
--       for 'record' {'recorded'}, or {'known'} where the newest entry does not end with the base

if ARGV[1] == 'record' then
  local newest = newest_entry(KEYS[1])
  if newest.revision and newest.revision ~= ARGV[2] then return {'known'} end
  local entry = make_entry(KEYS[2], newest, ARGV[2], ARGV[4])
  add_entry(KEYS[1], entry, ARGV[3], '', ARGV[5], redis.pcall('PTTL', KEYS[2]))
  return {'recorded'}
end

local malformed, length, count, last = 0, 0, 0, '+'
local results = {''}
repeat
  local entries = redis.call('XREVRANGE', KEYS[1], last, '-', 'COUNT', '16')
  for n = 1, #entries do
    local fields = entry_fields(entries, n)
    local revision, base, writer = fields.revision or '', fields.base or '', fields.writer or '?'
    local mutations, text = fields.mutations or '', fields.text or ''
    local is_counted = count < tonumber(ARGV[2]) and length < tonumber(ARGV[3])
    local is_long = #revision > 20 or #base > 20 or #writer > 256 or #mutations > 65536 or #text > 1048576
    if is_counted and (is_long or revision == '') then
      malformed = malformed + 1
    elseif is_counted then
      results[#results + 1] = entries[n][1]
      results[#results + 1] = revision
      results[#results + 1] = base
      results[#results + 1] = writer
      results[#results + 1] = mutations
      results[#results + 1] = text
      length = length + #mutations + #text + 100
    end
    count = count + 1
  end
  last = #entries == 16 and '(' .. entries[16][1]
until not last or count >= tonumber(ARGV[2]) or length >= tonumber(ARGV[3])
results[1] = '' .. malformed
return results
