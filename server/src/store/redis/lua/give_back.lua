-- Takes back one that was counted. Of several of that moment it does not matter which.
-- KEYS: the counter. ARGV: as of when it was counted.
local counted = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[1], 'BYSCORE', 'LIMIT', 0, 1)[1]
return counted and redis.call('ZREM', KEYS[1], counted) or 0
