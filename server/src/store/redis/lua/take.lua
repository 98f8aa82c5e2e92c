-- Counts one in a window that slides, unless the limit is reached: never more than so many within any so long.
-- KEYS: the counter. ARGV: the time, how long, how many, the write's own id.
-- Answers whether it is counted, and as of when, or after how long there is room; and when the newest was counted.
local uses, now, per = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local counted = redis.call('ZSCORE', uses, ARGV[4])
if counted then
    return { 1, tonumber(counted), tonumber(counted) } -- The same call again, whose answer was lost.
end
-- Two callers may read the clock in one order and arrive in the other. None is counted before another.
local newest = tonumber(redis.call('ZRANGE', uses, -1, -1, 'WITHSCORES')[2] or now)
now = math.max(now, newest)
redis.call('ZREMRANGEBYSCORE', uses, '-inf', now - per)
local over = redis.call('ZCARD', uses) - ARGV[3]
if over >= 0 then
    -- When this one lapses, there is room.
    return { 0, redis.call('ZRANGE', uses, over, over, 'WITHSCORES')[2] + per - now, newest }
end
redis.call('ZADD', uses, now, ARGV[4])
redis.call('PEXPIRE', uses, per + 60000)
return { 1, now, now }
