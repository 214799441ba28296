-- Compares several keys with guards at one moment. It writes nothing, and takes no turn of a writer.
--
-- KEYS  the keys
-- ARGV  of each key its guard (see check_guard: three)
-- Returns of each key: 'same' | 'absent' | 'other' | 'text' | 'long', its bytes, its length or ''; 'same' says that the guard matches

local results = {}
for n = 1, #KEYS do
  local kind, matches, length = check_guard(KEYS[n], 3 * n - 2)
  local text = ''
  if matches then
    kind = 'same'
  elseif kind == 'text' then
    kind, text = stale_text(KEYS[n], length)
  end
  results[#results + 1] = kind
  results[#results + 1] = text
end
return results
