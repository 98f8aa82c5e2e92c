-- Counts one in a window that slides, unless the limit is reached: never more than so many within any so long.
-- KEYS: the counter. ARGV: the time, how long, how many.
-- Answers whether it is counted, and as of when, or after how long there is room.
local now, per = tonumber(ARGV[1]), tonumber(ARGV[2])
local newest = tonumber(redis.call('LINDEX', KEYS[1], -1) or now)
-- Two callers may read the clock in one order and arrive in the other. The uses must stay sorted.
now = math.max(now, newest)
local oldest = tonumber(redis.call('LINDEX', KEYS[1], 0))
while oldest and oldest + per <= now do
    redis.call('LPOP', KEYS[1])
    oldest = tonumber(redis.call('LINDEX', KEYS[1], 0))
end
local over = redis.call('LLEN', KEYS[1]) - ARGV[3]
if over >= 0 then
    -- When this one lapses, there is room.
    return { 0, redis.call('LINDEX', KEYS[1], over) + per - now }
end
redis.call('RPUSH', KEYS[1], now)
redis.call('PEXPIRE', KEYS[1], per + 60000)
return { 1, now }
