-- Takes a place for a new login, if there is one.
-- KEYS: where the open ones are. ARGV: the login, its address, when it runs out, the time, the most of an address, and
--       in all.
-- Answers `done`, `address`, or `full` with the login that gives way, if any.
local login, address, now = ARGV[1], ARGV[2], ARGV[4]
for _, over in ipairs(redis.call('ZRANGEBYSCORE', runs_out, '-inf', now, 'LIMIT', 0, 1000)) do
    remove(over)
end
if redis.call('HEXISTS', addresses, login) == 1 then
    return { 'done' } -- The same call again, whose answer was lost.
end
if tonumber(redis.call('HGET', count, address) or 0) >= tonumber(ARGV[5]) then
    return { 'address' }
end
if redis.call('ZCARD', runs_out) >= tonumber(ARGV[6]) then
    local most = redis.call('ZRANGE', crowd, -1, -1)[1]
    return { 'full', most and redis.call('ZRANGE', at .. 'at:' .. most, 0, 0)[1] }
end
add(login, address, ARGV[3], now)
return { 'done' }
