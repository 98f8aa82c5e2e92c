-- Reads an account's notices.
-- KEYS: their order, their rows. ARGV: after which id, how many.
local found = {}
local order = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for number = 1, #order, 2 do
    local about = order[number]
    local row = redis.call('HMGET', KEYS[2], about, about .. ':count')
    found[#found + 1] = { order[number + 1], row[1], row[2] }
end
return found
