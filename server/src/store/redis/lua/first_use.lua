-- Remembers a proof of possession.
-- KEYS: the proof. ARGV: the write's own id, how long to remember it.
local before = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'GET', 'PX', ARGV[2])
if not before or before == ARGV[1] then
    return 1
end
return 0
