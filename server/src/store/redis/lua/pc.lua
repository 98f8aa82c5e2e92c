-- Finds a PC session.
-- KEYS: its access or refresh token's index, or that of a refresh token that was spent. ARGV: the partition, the time.
local found = redis.call('GET', KEYS[1])
if not found then
    return false
end
-- A spent token is remembered until it would have ended anyway.
local id, until_ = string.match(found, '([^:]*):?(.*)')
if until_ ~= '' and tonumber(until_) <= tonumber(ARGV[2]) then
    return false
end
return redis.call('HGETALL', ARGV[1] .. 'pc:' .. id)
